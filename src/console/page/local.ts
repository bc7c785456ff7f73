import type { NodeAction } from "../local-controls.ts";

/** What a button of the local stack does. Rejects with the console's own words. */
export async function act(what: "change" | NodeAction, body: object): Promise<void> {
  const response = await fetch(`/api/local/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
}
