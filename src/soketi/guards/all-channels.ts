import type { Channels, WsHandler } from "./soketi-parts.ts";

/** soketi's managers of channels of each kind. A version may lack some. */
export function allChannels(handler: WsHandler): readonly Channels[] {
  const { publicChannelManager, privateChannelManager } = handler;
  const { encryptedPrivateChannelManager, presenceChannelManager } = handler;
  return [
    publicChannelManager,
    privateChannelManager,
    encryptedPrivateChannelManager,
    presenceChannelManager,
  ].flatMap((channels) => channels ?? []);
}
