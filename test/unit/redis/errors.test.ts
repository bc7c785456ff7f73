import { describe, expect, it } from "vitest";
import { RedisError } from "../../../src/redis/errors.ts";

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
