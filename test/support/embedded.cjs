/** Embeds soketi as a program of a user would: `embedded.cjs AGENT`. Prints what happens, one line each. */
const { Server } = require("@soketi/soketi");
const { attach } = require(process.argv[2]);

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
void server.start((started) => {
  refused("a started server", () => attach(started));
  console.log("embedded soketi is up");
});
process.on("SIGTERM", () => void server.stop().then(() => process.exit(0)));
