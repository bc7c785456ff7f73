import type { RawItem } from "../../aws/raw-item.ts";
import type { Run } from "./command.ts";

/**
 * The whole table, page by page, with a progress bar.
 *
 * @param doing what the bar says.
 */
export async function* readTable(
  { tools, terminal }: Run,
  doing = "reading",
): AsyncIterable<readonly RawItem[]> {
  const items = await tools.items();
  const progress = terminal.progress(doing, await items.estimate());
  let done = 0;
  try {
    for await (const page of items.pages()) {
      yield page;
      done += page.length;
      progress.to(done);
    }
  } finally {
    progress.end();
  }
}
