import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RedisSettings } from "../../src/config/redis.ts";
import { busNames } from "../../src/protocol/names.ts";
import { openRedis } from "../../src/redis/connection.ts";
import { orRedisError, type RedisError } from "../../src/redis/errors.ts";
import { openPipelineRedis } from "../../src/redis/pipeline-connection.ts";
import { eventually } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";
import { REDIS_LIBRARIES } from "../support/redis-libraries.ts";

const keep = keeping();
const TIMEOUTS = { connectMs: 1_000, commandMs: 1_000, retriesPerCommand: 0 };
const PASSWORD = "zebra quokka'7";

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  keep({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return (server.address() as AddressInfo).port;
}

/** Knows no command, and quotes each as Redis does: so does a Redis whose AUTH was renamed, and many a proxy. */
function startWithoutAuth(): Promise<number> {
  const server = createServer((socket) => {
    socket.on("data", (chunk) => {
      const commands = chunk
        .toString()
        .split(/^\*\d+\r\n/m)
        .slice(1);
      for (const command of commands) {
        const [name = "", ...args] = [...command.matchAll(/^\$\d+\r\n(.*?)\r\n/gms)].map(
          (match) => match[1] ?? "",
        );
        socket.write(
          `-ERR unknown command '${name}', with args beginning with: ${args.map((one) => `'${one}' `).join("")}\r\n`,
        );
      }
    });
  });
  return listening(server);
}

/** Takes connections and says nothing. */
const startSilent = () => listening(createServer());

describe.each(REDIS_LIBRARIES)("a server that quotes what it refuses, with %s", (_, library) => {
  it.each<[string, (port: number) => RedisSettings]>([
    ["one server", (port) => ({ kind: "standalone", host: "127.0.0.1", port, db: 0, tls: false })],
    ["a cluster", (port) => ({ kind: "cluster", nodes: [{ host: "127.0.0.1", port }], tls: false })],
    [
      "sentinels",
      (port) => ({
        kind: "sentinel",
        sentinels: [{ host: "127.0.0.1", port }],
        name: "main",
        db: 0,
        tls: false,
        sentinelPassword: PASSWORD,
      }),
    ],
  ])("as %s: the password is in nothing that is told", async (_kind, settingsOf) => {
    const port = await startWithoutAuth();
    const told: unknown[] = [];
    const printed = vi
      .spyOn(console, "warn")
      .mockImplementation((...words: unknown[]) => void told.push(words));
    const connection = openRedis({
      library,
      settings: { ...settingsOf(port), username: "user", password: PASSWORD },
      timeouts: TIMEOUTS,
      onError: (error: RedisError) => told.push(error, error.message, error.reason),
    });
    keep({
      stop: () => {
        connection.disconnect();
        return Promise.resolve();
      },
    });
    // What waits for the login fails with the login's own error. With a cluster it goes on waiting.
    const waiting = orRedisError("read a key", connection.get("key"));
    waiting.catch((error: unknown) => told.push(error));
    await eventually("an error", () => Promise.resolve(told.length > 3));
    expect(inspect(told, { depth: Infinity, showHidden: true })).not.toMatch(/zebra|quokka/);
    printed.mockRestore();
  });
});

describe("the service that has the password", () => {
  beforeEach(() => {
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "a");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "s");
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const open = (kind: "secret" | "parameter", named: string) => {
    const redis = openPipelineRedis(
      {
        redis: { kind: "standalone", host: "127.0.0.1", port: 1, db: 0, tls: false },
        redisCredentials: kind === "secret" ? { kind, id: named } : { kind, name: named },
        names: busNames("{a}"),
        minReplicas: 0,
      },
      TIMEOUTS,
      () => undefined,
    );
    keep({
      stop: () => {
        redis.connection.disconnect();
        return Promise.resolve();
      },
    });
    return redis;
  };

  it.each([
    ["secret", "Secrets Manager", "REDIS_SECRET_ID"],
    ["parameter", "SSM", "REDIS_PASSWORD_PARAMETER"],
  ] as const)("as %s: its silence is its own, and not Redis's", async (kind, service, variable) => {
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${await startSilent()}`);
    const started = performance.now();
    await expect(open(kind, "redis").prepare()).rejects.toMatchObject({
      name: "RedisLoginError",
      code: "E_REDIS_LOGIN",
      message: expect.stringContaining(
        `Could not read Redis' password from ${service} (${variable}): no answer within 5 s.`,
      ) as string,
    });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.each(["secret", "parameter"] as const)("as %s: what was named is not quoted", async (kind) => {
    const aws = createHttpServer((_request, response) => {
      response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
      response.end(
        JSON.stringify({
          __type: "ValidationException",
          message: `Value '${PASSWORD}' failed: ${PASSWORD} is no name`,
        }),
      );
    });
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${await listening(aws)}`);
    const error: unknown = await open(kind, PASSWORD)
      .prepare()
      .catch((thrown: unknown) => thrown);
    expect(error).toHaveProperty("message", expect.stringContaining("ValidationException"));
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/zebra|quokka/);
  });
});
