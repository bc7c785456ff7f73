import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ConsoleState } from "../state.ts";
import { Apps } from "./apps.tsx";
import { Changes } from "./changes.tsx";
import { Charts } from "./charts.tsx";
import { Nodes } from "./nodes.tsx";
import { verdictOf } from "./verdict.ts";
import "uplot/dist/uPlot.min.css";
import "./app.css";

/** The state as it comes, and whether the console can be reached. */
function useConsole(): { state: ConsoleState | undefined; connected: boolean } {
  const [state, setState] = useState<ConsoleState>();
  const [connected, setConnected] = useState(true);
  useEffect(() => {
    const source = new EventSource("/api/stream");
    source.onmessage = (event: MessageEvent<string>) => {
      setConnected(true);
      setState(JSON.parse(event.data) as ConsoleState);
    };
    // The browser tries again by itself.
    source.onerror = () => {
      setConnected(false);
    };
    return () => {
      source.close();
    };
  }, []);
  return { state, connected };
}

function App() {
  const { state, connected } = useConsole();
  if (!state) return <p class="quiet">{connected ? "Loading …" : "The console cannot be reached."}</p>;
  const verdict = connected
    ? verdictOf(state)
    : { level: "bad", text: "The connection to the console is lost. Trying again …" };
  return (
    <>
      <header>
        <h1>soketi-app-sync</h1>
        <dl class="facts">
          <dt>table</dt>
          <dd>{state.table}</dd>
          <dt>last message</dt>
          <dd class="id">{state.tail ?? "none yet"}</dd>
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
