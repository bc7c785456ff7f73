import type { Channels, WsHandler } from "./guards/soketi-parts.ts";

/** soketi's channels whose members are authorized, with the names that they have there. A version may lack some. */
export function signedChannels(handler: WsHandler): readonly (readonly [string, Channels | undefined])[] {
  return (["privateChannelManager", "encryptedPrivateChannelManager", "presenceChannelManager"] as const).map(
    (name) => [name, handler[name]],
  );
}
