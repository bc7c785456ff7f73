import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Apps } from "./apps.tsx";
import { Changes } from "./changes.tsx";
import { Charts } from "./charts.tsx";
import { useConsole } from "./connection.ts";
import { Nodes } from "./nodes.tsx";
import { verdictOf } from "./verdict.ts";
import "uplot/dist/uPlot.min.css";
import "./app.css";

const LOST = { level: "bad", text: "Lost the connection to the console. Reconnecting …" };

function App() {
  const { state, connected } = useConsole();
  const verdict = state && connected ? verdictOf(state) : LOST;
  // Seen among other tabs.
  useEffect(() => {
    document.title = verdict.level === "good" ? "soketi-app-sync" : "(!) soketi-app-sync";
  }, [verdict.level]);
  if (!state) return <p class="first quiet">{connected ? "Loading …" : LOST.text}</p>;
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
            <dd class="id">{state.tail ?? "none yet"}</dd>
          </div>
        </dl>
        <p class={`verdict ${verdict.level}`} role="status" aria-live="polite">
          {verdict.text}
        </p>
      </header>
      <main>
        <Nodes state={state} />
        <Charts points={state.points} />
        <Changes state={state} />
        <Apps tail={state.tail} />
      </main>
    </>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);
