import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { asArgument, inLine } from "../../../src/cli/support/app-name.ts";

describe("an id in what people read", () => {
  it("cannot look like another line, or turn what follows around", () => {
    expect(inLine("a\nok  everything is healthy\r\u2028\u2029\u001b[2J\u202e\u0085x")).toBe(
      "a\ufffdok  everything is healthy\ufffd\ufffd\ufffd\ufffd[2J\ufffd\ufffdx",
    );
    for (const id of ["acme", 'ключ "x"', "a b", "日本", "$(id)"]) expect(inLine(id)).toBe(id);
  });
});

describe("an id as an argument of a command", () => {
  it("is as it is where a shell takes it so", () => {
    for (const id of ["acme", "a-b_c.d", "a:b@c/d+1"]) expect(asArgument(id)).toBe(id);
  });

  it("is no option", () => {
    expect(asArgument("-x")).toBe("-- '-x'");
    expect(asArgument("--all")).toBe("-- '--all'");
  });

  it.each([
    "a b",
    "$(touch /tmp/x)",
    "`id`; rm -rf ~",
    "it's",
    "'; echo x; '",
    'ключ "x"',
    "a\\b",
    "a\nb",
    "a\\\n'\t\u202ex",
    "*",
    "~",
    "#x",
    "a&b",
    "",
  ])("reaches the command as it is: %j", (id) => {
    const read = execFileSync("bash", ["-c", `printf %s ${asArgument(id)}`], { encoding: "utf8" });
    expect(read).toBe(id);
  });
});
