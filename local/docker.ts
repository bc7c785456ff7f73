/** An image may have to be pulled first. */
export const IMAGE_PULL_MS = 300_000;

/**
 * The command line that runs an image in the foreground, removed when it ends. `docker run` passes our SIGTERM on; the
 * container's `--init` ends it then.
 *
 * @param ports `<loopback port>:<port in the container>`.
 */
export function inDocker(
  image: string,
  ports: string,
  args: readonly string[],
): { command: string; args: string[] } {
  return { command: "docker", args: ["run", "--rm", "--init", "-p", `127.0.0.1:${ports}`, image, ...args] };
}
