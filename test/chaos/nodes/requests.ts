import { Agent, request } from "node:http";
import PusherServer from "pusher";
import { connect, RefusedError } from "../../../local/pusher-client.ts";
import { keyOf, VERSIONS_PER_KB } from "./apps.ts";

/** What a node says when it is asked from outside. `undefined`: it did not answer. */
export type Answer<T> = T | { readonly refused: string } | undefined;

const agent = new Agent({ keepAlive: true });
const BODY = JSON.stringify({ name: "probe", channel: "probe", data: "x".repeat(2_048) });

/** Which version of an app a node holds: soketi's refusal of a payload that is too large names the limit. */
export async function askVersion(port: number, appId: string): Promise<Answer<number>> {
  const path = signedPath(appId);
  const answer = await post(port, path);
  if (answer === undefined) return undefined;
  const limit = /should be less than ([\d.e-]+) KB/.exec(answer)?.[1];
  return limit === undefined ? { refused: answer } : Math.round(Number(limit) * VERSIONS_PER_KB);
}

const paths = new Map<string, string>();

/** soketi takes one signature again and again. */
function signedPath(appId: string): string {
  const known = paths.get(appId);
  if (known !== undefined) return known;
  const api = new PusherServer({ appId, key: keyOf(appId), secret: `${appId}-secret`, host: "127.0.0.1" });
  const path = `/apps/${appId}/events`;
  const signed = `${path}?${api.createSignedQueryString({ method: "POST", path, body: BODY, params: {} })}`;
  paths.set(appId, signed);
  return signed;
}

const API_LIMIT_MS = 8_000;
const CONNECT_LIMIT_MS = 3_000;

/** Undefined when there is no answer: a node that is killed or paused says nothing, and nothing wrong. */
function post(port: number, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": BODY.length };
    const asked = request({ host: "127.0.0.1", port, path, method: "POST", agent, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text));
      response.on("error", () => resolve(undefined));
    });
    asked.setTimeout(API_LIMIT_MS, () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end(BODY);
  });
}

/** "connected", the Pusher code of a refusal, or undefined when there is no answer. A real pusher-js client. */
export async function askToConnect(port: number, key: string): Promise<"connected" | number | undefined> {
  try {
    const connection = await connect({ port, key, limitMs: CONNECT_LIMIT_MS });
    connection.disconnect();
    return "connected";
  } catch (error) {
    // A connection that broke has a WebSocket code, of 1000 and more: no answer of soketi.
    if (error instanceof RefusedError) return isPusherCode(error.code) ? error.code : undefined;
    return undefined;
  }
}

export const isPusherCode = (code: number): boolean => code >= 4_000 && code < 4_400;
