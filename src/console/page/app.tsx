import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Apps } from "./apps.tsx";
import { canaryFact } from "./canary.ts";
import { Changes } from "./changes.tsx";
import { Charts } from "./charts.tsx";
import { useConsole } from "./connection.ts";
import { useFreshness } from "./freshness.ts";
import { Nodes } from "./nodes.tsx";
import { Notes } from "./notes.tsx";
import { PreviousSecrets } from "./previous-secrets.tsx";
import { isFresh, verdictOf } from "./verdict.ts";
import "uplot/dist/uPlot.min.css";
import "./app.css";

function App() {
  const connection = useConsole();
  const { state, connected } = connection;
  const freshness = useFreshness(connection);
  const verdict = state && verdictOf(state, freshness);
  // Seen among other tabs.
  useEffect(() => {
    document.title = verdict?.level === "good" ? "soketi-app-sync" : "(!) soketi-app-sync";
  }, [verdict?.level]);
  if (!state || !verdict) {
    return (
      <p class="first quiet">{connected ? "Loading …" : "The console does not answer. Trying again …"}</p>
    );
  }
  const canary = canaryFact(state);
  return (
    <>
      <header>
        <h1>soketi-app-sync</h1>
        <dl class="facts">
          <div>
            <dt>table</dt>
            <dd>{state.table}</dd>
          </div>
          <div>
            <dt>last message</dt>
            <dd class="id">{state.tail ?? (state.logState === "gone" ? "the log is gone" : "none yet")}</dd>
          </div>
          {canary !== null && (
            <div>
              <dt>canary</dt>
              <dd>{canary}</dd>
            </div>
          )}
        </dl>
        <p class={`verdict ${verdict.level}`} role="status" aria-live="polite">
          {verdict.text}
        </p>
        <Notes state={state} />
      </header>
      <main>
        <Nodes state={state} ageMs={isFresh(state, freshness) ? null : (freshness.ageMs ?? 0)} />
        <PreviousSecrets uses={state.previousSecrets} now={state.now} />
        <Charts points={state.points} />
        <Changes state={state} />
        <Apps tail={state.tail} />
      </main>
    </>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
