import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findSoketiRoot, runningScript, unrecognizedFork } from "../../../src/soketi/find-soketi.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "soketi-root-")));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Writes files, each named by its path in the folder; a package.json by its content. */
function write(files: Record<string, string | object>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

describe("findSoketiRoot", () => {
  beforeEach(() => {
    write({ "soketi/package.json": { name: "@soketi/soketi" }, "soketi/bin/server.js": "", "other.js": "" });
  });

  it("finds the package above the script, through a link", () => {
    symlinkSync(join(folder, "soketi", "bin", "server.js"), join(folder, "soketi-link"));
    expect(findSoketiRoot(join(folder, "soketi-link"))).toBe(join(folder, "soketi"));
  });

  it("finds it when the script is named without its extension, as Node does", () => {
    expect(findSoketiRoot(join(folder, "soketi", "bin", "server"))).toBe(join(folder, "soketi"));
  });

  it.each([undefined, "", "/nowhere/at/all.js"])("finds none for %j", (script) => {
    expect(findSoketiRoot(script)).toBeUndefined();
    expect(unrecognizedFork(script)).toBeUndefined();
  });

  it("finds none for a package inside soketi's folder, such as its own dependencies", () => {
    const inside = "soketi/node_modules/pm2";
    write({
      [`${inside}/package.json`]: { name: "pm2" },
      [`${inside}/bin/package.json`]: { type: "commonjs" },
      [`${inside}/bin/pm2.js`]: "",
    });
    expect(findSoketiRoot(join(folder, inside, "bin/pm2.js"))).toBeUndefined();
    expect(findSoketiRoot(join(folder, inside, "bin/pm2.js"), join(folder, "soketi"))).toBeUndefined();
  });

  it("finds none for another program, nor where a package.json is broken", () => {
    expect(findSoketiRoot(join(folder, "other.js"))).toBeUndefined();
    write({ "package.json": "{" });
    expect(findSoketiRoot(join(folder, "other.js"))).toBeUndefined();
  });
});

describe("a fork", () => {
  const script = () => join(folder, "fork/bin/server.js");
  const modules = {
    "fork/dist/server.js": "class Server { setAppManager(manager) {} } exports.Server = Server;",
    "fork/dist/app.js": "",
    "fork/dist/log.js": "",
  };
  const writeFork = (manifest: object, files: Record<string, string> = modules) => {
    write({ "fork/package.json": manifest, "fork/bin/server.js": "", ...files });
  };
  const dependencies = { "uWebSockets.js": "20" };

  it("with another name is found by its shape", () => {
    writeFork({ name: "reborn", dependencies });
    expect(findSoketiRoot(script())).toBe(join(folder, "fork"));
    expect(unrecognizedFork(script())).toBeUndefined();
  });

  it.each(Object.keys(modules))("of another shape, without %s, is told, not taken", (missing) => {
    writeFork(
      { name: "reborn", keywords: ["soketi"], dependencies },
      Object.fromEntries(Object.entries(modules).filter(([file]) => file !== missing)),
    );
    expect(findSoketiRoot(script())).toBeUndefined();
    expect(unrecognizedFork(script())).toBe("reborn");
  });

  it("whose server has no app manager is told, not taken", () => {
    writeFork({ name: "Soketi-next", dependencies }, { ...modules, "fork/dist/server.js": "" });
    expect(findSoketiRoot(script())).toBeUndefined();
    expect(unrecognizedFork(script())).toBe("Soketi-next");
  });

  it("of another shape is taken where APP_SYNC_SOKETI_ROOT says so, for its own scripts alone", () => {
    writeFork({ name: "reborn", dependencies }, {});
    write({ "other.js": "" });
    expect(findSoketiRoot(script(), join(folder, "fork"))).toBe(join(folder, "fork"));
    expect(findSoketiRoot(join(folder, "other.js"), join(folder, "fork"))).toBeUndefined();
    write({ "fork/build/dist/server.js": "" });
    expect(findSoketiRoot(script(), join(folder, "fork/build"))).toBe(join(folder, "fork/build"));
    for (const given of ["", "/nowhere/at/all"]) expect(findSoketiRoot(script(), given)).toBeUndefined();
  });

  it.each<[string, object]>([
    ["a server of WebSockets that has nothing to do with soketi", { name: "chat", dependencies }],
    ["a program of another kind that names soketi", { name: "chat", description: "for soketi" }],
    [
      "a program that embeds soketi",
      { name: "chat", dependencies: { ...dependencies, "@soketi/soketi": "1" } },
    ],
  ])("is not what %s is", (_, manifest) => {
    writeFork(manifest, {});
    expect(findSoketiRoot(script())).toBeUndefined();
    expect(unrecognizedFork(script())).toBeUndefined();
  });

  it("is not a program that embeds soketi, whatever its modules are called", () => {
    writeFork({ name: "chat", dependencies: { ...dependencies, "@soketi/soketi": "1" } });
    expect(findSoketiRoot(script())).toBeUndefined();
  });
});

describe("runningScript", () => {
  it("is the script, or under pm2 what pm2 says", () => {
    const env = { pm_exec_path: "/app/bin/pm2.js" };
    expect(runningScript(["node", "/app/bin/server.js"], env)).toBe("/app/bin/server.js");
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainerFork.js"], env)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainer.js"], env)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node"], env)).toBeUndefined();
    const cluster = { pm2_env: '{"pm_exec_path":"/app/bin/pm2.js"}' };
    expect(runningScript(["node", "/x/pm2/lib/ProcessContainer.js"], cluster)).toBe("/app/bin/pm2.js");
    expect(runningScript(["node", "/x/ProcessContainer.js"], { pm2_env: "{" })).toBeUndefined();
    expect(runningScript(["node", "/x/ProcessContainer.js"], {})).toBeUndefined();
  });
});
