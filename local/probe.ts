import { setTimeout as pause } from "node:timers/promises";
import PusherServer from "pusher";

/** Asks one soketi node, from outside, which secret it knows an app by. */
export interface SecretProbe {
  /** When the old secret was last accepted, and the new one first: Date.now() of the request's start and end. */
  readonly seen: { oldLast: number; newFirst: number };
  /** Resolves once the new secret is accepted and the old one refused. */
  readonly settled: Promise<void>;
  stop(): void;
}

interface Backend {
  readonly port: number;
  readonly appId: string;
  readonly key: string;
}

/** Signs a request to the HTTP API with a secret; whether the node accepts it says which app it holds. */
export async function acceptsSecret({ port, appId, key }: Backend, secret: string): Promise<boolean> {
  const api = new PusherServer({ appId, key, secret, host: "127.0.0.1", port: String(port), useTLS: false });
  const path = api.createSignedQueryString({ method: "GET", path: `/apps/${appId}/channels`, params: {} });
  const response = await fetch(`http://127.0.0.1:${port}/apps/${appId}/channels?${path}`);
  // soketi 1.6.1 answers a refusal with status 200 as well: only the body tells.
  const body = (await response.json()) as { channels?: object };
  return body.channels !== undefined;
}

/**
 * Signs with the old and the new secret in turn until only the new one is accepted.
 *
 * @param pauseMs between two rounds. Milliseconds; default none, which keeps a processor busy.
 */
export function probeSecrets(
  backend: Backend,
  oldSecret: string,
  newSecret: string,
  pauseMs = 0,
): SecretProbe {
  const seen = { oldLast: 0, newFirst: 0 };
  const stopping = new AbortController();
  const settled = (async () => {
    while (!stopping.signal.aborted) {
      const askedOld = Date.now();
      const old = await acceptsSecret(backend, oldSecret);
      if (old) seen.oldLast = askedOld;
      const fresh = await acceptsSecret(backend, newSecret);
      if (fresh && seen.newFirst === 0) seen.newFirst = Date.now();
      if (fresh && !old) return;
      if (pauseMs > 0) await pause(pauseMs);
    }
  })();
  // Whoever waits for it gets the failure; a node that dies before anybody does must not end this process.
  settled.catch(() => undefined);
  return {
    seen,
    settled,
    stop() {
      stopping.abort();
    },
  };
}
