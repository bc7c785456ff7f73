import type { LocalNode } from "../state.ts";
import { Button } from "./button.tsx";
import { act } from "./local.ts";

/** What can be done to a node of the local stack. */
export function LocalButtons({ name, local }: { name: string; local: LocalNode }) {
  const { pid, frozen, state } = local;
  if (state === "starting") return <p class="actions quiet">Starting …</p>;
  if (state === "ended") {
    return (
      <p class="actions">
        <Button label="Start it again" of={name} act={() => act("start", { pid })} />
      </p>
    );
  }
  return (
    <p class="actions">
      <Button label="Disconnect Redis" of={name} act={() => act("disconnect", { pid })} />
      {frozen ? (
        <Button label="Thaw its Redis" of={name} act={() => act("thaw", { pid })} />
      ) : (
        <Button label="Freeze its Redis" of={name} act={() => act("freeze", { pid })} />
      )}
      <Button label="Kill it" of={name} act={() => act("kill", { pid })} />
    </p>
  );
}
