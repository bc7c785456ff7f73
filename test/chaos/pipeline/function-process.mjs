/** `function-process.mjs BUNDLE`: one container of the function. Takes events over IPC, and can be killed or stopped. */
import { pathToFileURL } from "node:url";

const { handler } = await import(pathToFileURL(process.argv[2] ?? "").href);

process.on("message", ({ id, event, remainingMs }) => {
  const until = performance.now() + remainingMs;
  handler(event, { getRemainingTimeInMillis: () => until - performance.now() }).then(
    (response) => process.send({ id, response }),
    (error) => process.send({ id, error: String(error) }),
  );
});
process.send({ id: 0 });
