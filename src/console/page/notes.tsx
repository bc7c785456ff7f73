import { skewInWords } from "../../fleet/clock-skew.ts";
import type { ClockSkew, ConsoleState } from "../state.ts";
import { namesOf } from "./node-names.ts";

/** What is wrong with what is shown, beside the verdict: nothing that keeps an app right goes by clocks. */
export function Notes({ state }: { state: ConsoleState }) {
  if (state.clocks.length === 0) return null;
  const nameOf = namesOf(state.nodes, state.local);
  return (
    <ul class="notes">
      {state.clocks.map((clock) => (
        <li key={clock.node ?? clock.of}>
          The clock of {whose(clock, nameOf)} is {skewInWords(clock.ms)}: {consequence(clock)} Check NTP
          there.
        </li>
      ))}
    </ul>
  );
}

function whose({ of, node }: ClockSkew, nameOf: (node: string) => string): string {
  if (node !== null) return nameOf(node);
  return of === "function" ? "the function" : "the machine of this console";
}

function consequence({ of }: ClockSkew): string {
  return of === "console" ? "times of writes made here are wrong by that much." : "its lags are not shown.";
}
