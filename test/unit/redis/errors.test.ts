import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { RedisError, silence } from "../../../src/redis/errors.ts";

describe("RedisError", () => {
  it("has the words and the code of its cause, and nothing of the command", () => {
    const cause = Object.assign(new Error("WRONGPASS invalid username-password pair"), {
      command: { name: "auth", args: ["user", "s3cret"] },
    });
    const error = new RedisError("keep a connection", cause);
    expect(error).toMatchObject({
      message: "Redis could not keep a connection: WRONGPASS invalid username-password pair",
      code: "WRONGPASS",
    });
    expect(error).not.toHaveProperty("cause");
    expect(error).not.toHaveProperty("command");
  });

  /** As servers without AUTH, or without HELLO, have it. */
  it.each([
    ["auth", ["s3cret"], "ERR unknown command 'auth', with args beginning with: 's3cret' "],
    ["auth", ["user", "s3cret"], "ERR unknown command `auth`, with args beginning with: `user`, `s3cret`, "],
    ["AUTH", ["s3\ncret"], "ERR unknown command 'AUTH', with args beginning with: 's3\ncret' "],
    [
      "hello",
      [3, "AUTH", "user", "s3cret"],
      "ERR unknown command 'hello', with args beginning with: '3' 'AUTH' ",
    ],
    ["hello", [3, "AUTH", "user", "s3cret"], "ERR syntax error in 'user s3cret'"],
    ["auth", ["user", "s3cret"], "ERR no such thing: AUTH user s3cret"],
    ["set", ["k", "s3cret"], "ERR unknown command 'set', with args beginning with: 'k' 's3cret' "],
  ])("has nothing that the server quotes of a refused %s %j", (name, args, message) => {
    const cause = Object.assign(new Error(message), { command: { name, args } });
    for (const error of [
      new RedisError("keep the connection", cause),
      new RedisError("keep the connection", { lastNodeError: cause }),
      new RedisError("keep the connection", new AggregateError([cause])),
    ]) {
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(/s3|cret/);
      expect(error.code).toBe("ERR");
    }
  });

  /** As proxies and other programs that speak Redis' protocol may have them. */
  it.each([
    ["evalsha", ["0123", 1, "a-key", '{"secret":"zebra"}'], 'ERR cannot run: "{\\"secret\\":\\"zebra\\"}"'],
    [
      "EVAL",
      ["return 1", 1, "a-key", '{"id":"a","key":"k","secret":"zebra"}'],
      'ERR at {"id":"a","key":"k","secret":"zeb…',
    ],
    ["client", ["setname", "zebra-quokka"], "ERR no such client: setname zebra-quokka"],
    ["sentinel", ["master", "zebra-quokka"], "zebra-quokka is not monitored here"],
    ["subscribe", ["zebra-quokka"], "NOPERM for 'zebra-quokka'"],
    ["hello", [3, "setname", "zebra-quokka"], "NOPROTO zebra-quokka"],
  ])("has nothing that the answer to %s %j quotes", (name, args, message) => {
    const cause = Object.assign(new Error(message), { command: { name, args } });
    const { reason } = new RedisError("be asked", cause);
    expect(reason).toMatch(
      /^(ERR|NOPERM|NOPROTO) it refused the command; the answer quotes it \(not shown\)$/,
    );
  });

  it("has the words that name a script, its keys, or a command with short arguments", () => {
    const args = ["0123456789abcdef", 1, "{app-sync:apps}:v1:log", "a message of its own"];
    for (const [name, words] of [
      ["evalsha", "NOSCRIPT 0123456789abcdef is not known; WRONGTYPE at {app-sync:apps}:v1:log"],
      ["config", "ERR Unknown subcommand 'GET'"],
      ["auth", "ERR no password is set"],
    ] as const) {
      const cause = Object.assign(new Error(words), {
        command: { name, args: name === "config" ? ["GET"] : name === "auth" ? [""] : args },
      });
      expect(new RedisError("be asked", cause).reason).toBe(words);
    }
  });

  it("says what MOVED means, and nothing of the inside of a script", () => {
    expect(new RedisError("append the messages", new Error("MOVED 866 10.0.0.1:6379"))).toMatchObject({
      code: "MOVED",
      reason: expect.stringContaining("REDIS_CLUSTER_NODES is for clusters") as string,
    });
    const words = "WRONGTYPE Operation against a key holding the wrong kind of value";
    const cause = new Error(`${words} script: ${"0a".repeat(20)}, on @user_script:3.`);
    expect(new RedisError("append the messages", cause)).toMatchObject({ code: "WRONGTYPE", reason: words });
  });

  it("has no name of a socket that may hold a login", () => {
    const words = "connect ENOENT redis://user:s3cret@host:6379";
    const cause = Object.assign(new Error(words), {
      code: "ENOENT",
      address: "redis://user:s3cret@host:6379",
    });
    expect(new RedisError("keep the connection", cause)).toMatchObject({
      reason: "the socket cannot be connected to (ENOENT)",
      code: "ENOENT",
    });
    expect(new RedisError("connect", new Error("connect ENOENT /run/redis.sock")).reason).toContain(
      "/run/redis.sock",
    );
  });

  it("has the words of a refusal that quotes nothing, also where the password is one of them", () => {
    const words = "WRONGPASS invalid username-password pair or user is disabled.";
    const cause = Object.assign(new Error(words), { command: { name: "auth", args: ["user", "pass"] } });
    expect(new RedisError("log in", cause)).toMatchObject({ reason: words, code: "WRONGPASS" });
  });

  /** As Node has them. A password that stands where a host belongs is looked up, and asked of a certificate. */
  it.each([
    ["getaddrinfo ENOTFOUND s3cret", "ENOTFOUND", "the host name is unknown (ENOTFOUND)"],
    ["getaddrinfo EAI_AGAIN s3cret s3cret:6379", "EAI_AGAIN", "the host name is unknown (EAI_AGAIN)"],
    [
      "Hostname/IP does not match certificate's altnames: Host: s3cret. is not in the cert's altnames: DNS:a.b",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "Hostname/IP does not match certificate's altnames: the name is not in the cert's altnames: DNS:a.b",
    ],
    [
      "Hostname/IP does not match certificate's altnames: Host: s3cret. is not cert's CN: x",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "Hostname/IP does not match certificate's altnames: the name is not cert's CN: x",
    ],
  ])("has no name that leads nowhere: %s", (message, code, reason) => {
    const cause = Object.assign(new Error(message), { code, hostname: "s3cret", host: "s3cret" });
    for (const error of [
      new RedisError("keep the connection", cause),
      new RedisError("keep the connection", { lastNodeError: cause }),
      new RedisError("keep the connection", new AggregateError([cause])),
    ]) {
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain("s3cret");
      expect(error.reason).toContain(reason);
    }
    expect(new RedisError("keep the connection", cause)).toMatchObject({ reason, code });
  });

  it("has why the last node of a cluster could not be asked", () => {
    const cause = Object.assign(new Error("Failed to refresh slots cache."), {
      lastNodeError: new Error("NOAUTH Authentication required."),
    });
    expect(new RedisError("append the messages", cause)).toMatchObject({
      message:
        "Redis could not append the messages: no node of the cluster could be asked, and the last one said: " +
        "NOAUTH Authentication required.",
      code: "NOAUTH",
    });
  });

  it.each([
    [silence(500), "TIMEOUT", "no answer within 500 ms"],
    [new Error("Command timed out"), "TIMEOUT", "no answer in time"],
    [new Error("Connection is closed."), "UNKNOWN", "the connection is closed"],
    [undefined, "UNKNOWN", "undefined"],
  ])("of %s has the code %s", (cause, code, reason) => {
    expect(new RedisError("answer", cause)).toMatchObject({ code, reason });
  });

  it("has the words of both addresses of a host that has two", () => {
    const refused = ["connect ECONNREFUSED ::1:6379", "connect ECONNREFUSED 127.0.0.1:6379"];
    const cause = Object.assign(new AggregateError(refused.map((words) => new Error(words))), {
      code: "ECONNREFUSED",
    });
    expect(new RedisError("keep a connection", cause)).toMatchObject({
      message: `Redis could not keep a connection: ${refused.join("; ")}`,
      code: "ECONNREFUSED",
    });
  });
});
