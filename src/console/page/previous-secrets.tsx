import { elapsed } from "../../fleet/elapsed.ts";
import type { FleetUse } from "../../fleet/previous-secret-uses.ts";

/** Uses of secrets that were rotated away: who has not changed over yet. Nothing where there are none. */
export function PreviousSecrets({ uses, now }: { uses: readonly FleetUse[]; now: number }) {
  if (uses.length === 0) return null;
  return (
    <section aria-labelledby="previous-secrets">
      <h2 id="previous-secrets">Previous secrets in use</h2>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="previous-secrets">
        <table>
          <thead>
            <tr>
              <th scope="col">app</th>
              <th scope="col">accepted until</th>
              <th scope="col" class="number">
                uses
              </th>
              <th scope="col">last use</th>
              <th scope="col" class="number">
                refused
              </th>
              <th scope="col">last refused</th>
              <th scope="col" class="number">
                nodes
              </th>
            </tr>
          </thead>
          <tbody>
            {uses.map((use) => (
              <Use key={use.appId} use={use} now={now} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Use({ use, now }: { use: FleetUse; now: number }) {
  const { appId, until, taken, refused, lastTakenAt, lastRefusedAt, nodes } = use;
  const isOver = now >= until * 1_000;
  return (
    <tr>
      <td class="name">{appId}</td>
      <td class={isOver ? "failure" : ""}>
        {isOver ? `over for ${elapsed(now - until * 1_000)}` : `for ${elapsed(until * 1_000 - now)} more`}
      </td>
      <td class="number" data-label="uses">
        {taken}
      </td>
      <td data-label="last use">{since(lastTakenAt, now)}</td>
      <td class={refused > 0 ? "number failure" : "number"} data-label="refused">
        {refused}
      </td>
      <td data-label="last refused">{since(lastRefusedAt, now)}</td>
      <td class="number" data-label="nodes">
        {nodes}
      </td>
    </tr>
  );
}

function since(at: number | null, now: number): string {
  return at === null ? "–" : `${elapsed(now - at)} ago`;
}
