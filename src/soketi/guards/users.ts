import { stateOf } from "./socket-state.ts";
import type { GuardedServer } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

/**
 * A connection is one user's at a time. soketi lets it sign in again as another, and never takes it from the first one's
 * connections: an event for that user, after the connection has closed, would end the process. (soketi 1.6.1,
 * dist/namespace.js, `addUser`, `getUserSockets`.)
 */
export function guardUsers(server: GuardedServer): void {
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    wrap(adapter, "addUser", (addUser) => async (socket) => {
      const state = stateOf(socket);
      // Nobody would remove it.
      if (state.isClosed) return undefined;
      const { id, app, user } = socket;
      if (state.userId !== undefined && state.userId !== user?.id) {
        await adapter.removeUser({ id, app, user: { id: state.userId } });
      }
      state.userId = user?.id;
      return addUser(socket);
    });
    return setAdapter(adapter);
  });
}
