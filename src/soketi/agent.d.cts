/**
 * Attaches the agent to a soketi server that your program made, before it is started.
 *
 * @param server `new Server(options)` of `@soketi/soketi`, which has no types of its own.
 * @throws TypeError when that is not a server of a soketi package that this process has loaded, is started, or has an
 *   agent already.
 */
export declare function attach(server: object): void;
