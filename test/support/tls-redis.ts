import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { startRedis } from "../../local/redis-server.ts";

export interface TlsRedis {
  readonly plainUrl: string;
  readonly tlsUrl: string;
  readonly tlsPort: number;
  /** The path of the certificate, and what is in it. */
  readonly cert: string;
  readonly certificate: string;
  stop(): Promise<void>;
}

/**
 * A real Redis with TLS on a second port. Its certificate is its own authority as well.
 *
 * @param name whom the certificate is for, in openssl's terms.
 */
export async function startTlsRedis(name = "IP:127.0.0.1"): Promise<TlsRedis> {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = ["-subj", "/CN=soketi-app-sync", "-addext", `subjectAltName=${name}`];
  const files = ["-nodes", "-days", "2", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", ...files, ...names], { stdio: "pipe" });
  const tlsPort = await freePort();
  const tls = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
  const redis = await startRedis({ args: ["--tls-port", `${tlsPort}`, ...tls] });
  return {
    plainUrl: redis.url,
    tlsUrl: `rediss://127.0.0.1:${tlsPort}`,
    tlsPort,
    cert,
    certificate: readFileSync(cert, "utf8"),
    async stop() {
      await redis.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
