import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { refuse } from "./replies.ts";

/** All that is served of the page's folder: a path that is not here is no file. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/app.css": ["app.css", "text/css; charset=utf-8"],
};

/** @param assets the folder of the built page. Rejects when a file of it cannot be read. */
export async function serveFile(assets: URL, path: string, response: ServerResponse): Promise<void> {
  const [name, type] = FILES[path] ?? [];
  if (name === undefined || type === undefined) refuse(response, 404, "page not found");
  else response.writeHead(200, { "Content-Type": type }).end(await readFile(new URL(name, assets)));
}
