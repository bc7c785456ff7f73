/** Thrown when a relay's port cannot be taken. */
export class RelayPortError extends Error {
  override readonly name = "RelayPortError";
  readonly code = "E_RELAY_PORT";
}
