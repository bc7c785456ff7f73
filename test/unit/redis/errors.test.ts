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
