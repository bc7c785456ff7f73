import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Ways to a Redis that can be made to misbehave, one for each node; none to one that speaks TLS. */
export function startRedisLinks(redisUrl: string, count: number): Promise<TcpProxy[]> {
  const { protocol, hostname, port } = new URL(redisUrl);
  const links = protocol === "redis:" ? count : 0;
  const target = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
  return Promise.all(Array.from({ length: links }, () => startProxy(target)));
}

/** The URL of a Redis by such a way. */
export function throughLink(redisUrl: string, link: TcpProxy | undefined): string {
  if (!link) return redisUrl;
  const url = new URL(redisUrl);
  url.hostname = "127.0.0.1";
  url.port = String(link.port);
  return url.href;
}
