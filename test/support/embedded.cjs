/**
 * Embeds soketi as a program of a user would: `embedded.cjs AGENT`. Prints what happens, one line each. SIGUSR2 stops
 * the server and leaves the process, SIGTERM ends it.
 */
const { Server } = require("@soketi/soketi");
const { attach } = require(process.argv[2]);

// As programs do that wrap soketi: this module has the class too, and is no part of soketi.
exports.Server = Server;

const refused = (what, work) => {
  try {
    work();
    console.log(`${what}: taken`);
  } catch (error) {
    console.log(`${what}: ${error.name}: ${error.message}`);
  }
};

const server = new Server(JSON.parse(process.env.SOKETI_OPTIONS));
refused("an object", () => attach({}));
refused("a server", () => attach(server));
refused("the same server", () => attach(server));
void server.start((started) => {
  refused("a started server", () => attach(started));
  console.log("embedded soketi is up");
});
// Something of the program's own that keeps it running.
setInterval(() => undefined, 60_000);
process.on("SIGUSR2", () => void server.stop().then(() => console.log("embedded soketi is stopped")));
process.on("SIGTERM", () => process.exit(0));
