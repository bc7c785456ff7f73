import { useEffect, useRef, useState } from "preact/hooks";
import type { AppRow, AppsPage } from "../state.ts";

/** The search begins when nothing was typed for this long. Milliseconds. */
const TYPING_MS = 200;

/** @param tail the log's end: when it moves, some app has changed. */
export function Apps({ tail }: { tail: string | null }) {
  const [text, setText] = useState("");
  const [page, setPage] = useState<AppsPage>();
  const [failure, setFailure] = useState("");
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      search(text, abort.signal).then(
        (found) => {
          setFailure("");
          setPage(found);
        },
        (error: unknown) => {
          if (!abort.signal.aborted) setFailure(error instanceof Error ? error.message : String(error));
        },
      );
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, tail]);

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => {
      removeEventListener("keydown", focus);
    };
  }, []);

  return (
    <section aria-labelledby="apps">
      <h2 id="apps">Apps</h2>
      <p>
        <input
          ref={input}
          type="search"
          placeholder="Search: id, key, attribute, error, disabled   (press /)"
          aria-label="Search apps"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
          }}
        />
      </p>
      {failure === "" ? null : (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {page === undefined ? null : <Found page={page} />}
    </section>
  );
}

function Found({ page: { apps, matching, all, cut } }: { page: AppsPage }) {
  const count = matching === all ? `${all} apps` : `${matching} of ${all} apps`;
  return (
    <>
      <p class="quiet">
        {count}
        {apps.length < matching ? `, the first ${apps.length} are shown` : ""}
        {cut ? ". The table has more than are looked at here: soketi-app-sync validate looks at all." : ""}
      </p>
      {apps.length === 0 ? null : (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby="apps">
          <table>
            <thead>
              <tr>
                <th>app</th>
                <th>key</th>
                <th>state</th>
                <th class="number">connections</th>
                <th class="number">webhooks</th>
                <th>problems</th>
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
      <td>{id}</td>
      <td class="id">{key ?? "–"}</td>
      <td>
        {enabled === null ? <span class="type deleted">unusable</span> : enabled ? "enabled" : "disabled"}
      </td>
      <td class="number">
        {maxConnections === null ? "–" : maxConnections < 0 ? "no limit" : maxConnections}
      </td>
      <td class="number">{webhooks}</td>
      <td>
        {problems.map(({ attribute, severity, message }, i) => (
          <p key={i} class={`problem ${severity}`}>
            <b>{severity}</b> {attribute}: {message}
          </p>
        ))}
      </td>
    </tr>
  );
}

async function search(text: string, signal: AbortSignal): Promise<AppsPage> {
  const response = await fetch(`/api/apps?search=${encodeURIComponent(text)}`, { signal });
  const answer = (await response.json()) as AppsPage & { error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
