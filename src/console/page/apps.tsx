import { useEffect, useRef, useState } from "preact/hooks";
import type { AppRow, AppsPage } from "../state.ts";

/** The search begins when nothing was typed for this long. Milliseconds. */
const DEBOUNCE_MS = 200;

/** After a change the apps are asked for again within this time, however many more come. Milliseconds. */
const REFRESH_DELAY_MS = 1_000;

/** And this often without one: a burst of changes takes the console a while to read. Milliseconds. */
const REFRESH_INTERVAL_MS = 10_000;

/** Apps that are shown at first, and with each "Show more". */
const PAGE_SIZE = 100;

interface Search {
  readonly page: AppsPage | undefined;
  readonly failure: string;
}

/** @param tail the log's end: when it moves, some app has changed. */
function useSearch(text: string, limit: number, tail: string | null): Search {
  const [found, setFound] = useState<Search>({ page: undefined, failure: "" });
  const newest = useRef(tail);
  newest.current = tail;
  useEffect(() => {
    const abort = new AbortController();
    const asked = { tail: newest.current, at: 0, waits: false };
    const ask = async () => {
      Object.assign(asked, { tail: newest.current, at: performance.now(), waits: true });
      try {
        const page = await search(text, limit, abort.signal);
        setFound({ page, failure: "" });
      } catch (error) {
        if (abort.signal.aborted) return;
        const failure = error instanceof Error ? error.message : String(error);
        setFound(({ page }) => ({ page, failure }));
      } finally {
        asked.waits = false;
      }
    };
    const timer = setTimeout(() => void ask(), DEBOUNCE_MS);
    // The tail is looked at, not waited for: where it moves all the time, a delay after each move would never end.
    const interval = setInterval(() => {
      const isDue = asked.tail !== newest.current || performance.now() - asked.at > REFRESH_INTERVAL_MS;
      if (isDue && !asked.waits) void ask();
    }, REFRESH_DELAY_MS);
    return () => {
      clearTimeout(timer);
      clearInterval(interval);
      abort.abort();
    };
  }, [text, limit]);
  return found;
}

/** @param tail the log's end. */
export function Apps({ tail }: { tail: string | null }) {
  const [text, setText] = useState("");
  const [limit, setLimit] = useState(PAGE_SIZE);
  const { page, failure } = useSearch(text, limit, tail);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);

  return (
    <section aria-labelledby="apps">
      <h2 id="apps">Apps</h2>
      <p>
        <input
          ref={input}
          type="search"
          placeholder="Search   (press /)"
          aria-describedby="searched"
          aria-label="Search apps"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setLimit(PAGE_SIZE);
          }}
        />
      </p>
      <p id="searched" class="quiet">
        By id, key, attribute, a problem's code, or: error, warning, disabled, unusable.
      </p>
      {failure === "" ? null : (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {page === undefined ? null : <Found page={page} />}
      {page === undefined || page.apps.length >= page.matching ? null : (
        <p class="actions">
          <button type="button" onClick={() => setLimit(limit + PAGE_SIZE)}>
            Show more
          </button>
        </p>
      )}
    </section>
  );
}

function Found({ page: { apps, matching, all, truncated } }: { page: AppsPage }) {
  const count = matching === all ? `${all} apps` : `${matching} of ${all} apps`;
  return (
    <>
      <p class="count" role="status">
        {count}
        {apps.length < matching ? `, the first ${apps.length} are shown` : ""}
        {truncated ? ". The table has more than are shown here; soketi-app-sync validate checks all." : ""}
      </p>
      {apps.length === 0 ? null : (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby="apps">
          <table>
            <thead>
              <tr>
                <th scope="col">app</th>
                <th scope="col">key</th>
                <th scope="col">state</th>
                <th scope="col" class="number">
                  connections
                </th>
                <th scope="col" class="number">
                  webhooks
                </th>
                <th scope="col">problems</th>
              </tr>
            </thead>
            <tbody>
              {apps.map((app) => (
                <App key={app.id} app={app} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function App({ app }: { app: AppRow }) {
  const { id, key, enabled, maxConnections, webhooks, problems } = app;
  return (
    <tr>
      <td class="name">{id}</td>
      <td class="id key">{key ?? "–"}</td>
      <td>
        {enabled === null ? <span class="type deleted">unusable</span> : enabled ? "enabled" : "disabled"}
      </td>
      <td class="number" data-label="connections">
        {maxConnections === null ? "–" : maxConnections < 0 ? "no limit" : maxConnections}
      </td>
      <td class="number" data-label="webhooks">
        {webhooks}
      </td>
      <td class="what">
        {problems.map(({ attribute, code, severity, message }, i) => (
          <p key={i} class={`problem ${severity}`}>
            <b>{severity}</b> {attribute}: {message} <span class="id quiet">{code}</span>
          </p>
        ))}
      </td>
    </tr>
  );
}

async function search(text: string, limit: number, signal: AbortSignal): Promise<AppsPage> {
  const response = await fetch(`/api/apps?search=${encodeURIComponent(text)}&limit=${limit}`, { signal });
  // What is not an answer of the table's is one sentence, as when the console was started again with another token.
  if (response.headers.get("content-type") !== "application/json") throw new Error(await response.text());
  const answer = (await response.json()) as AppsPage & { error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
