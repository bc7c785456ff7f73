import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { openTerminal } from "../../../src/cli/support/terminal.ts";

/** What a terminal has been sent, of each stream. */
function opened(json = false) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal = openTerminal(json, { ...process, stdin, stdout, stderr } as unknown as typeof process);
  const written = () => [stdout, stderr].map((stream) => String(stream.read() ?? ""));
  return { terminal, written };
}

/** Clears the screen, sets the title, asks the terminal who it is, goes back to the line's beginning. */
const HOSTILE = "a\u001b[2J\u001b]0;title\u0007\u001b[c\u009b5n\rb\u0008\u007f";
const SEEN = "a\ufffd[2J\ufffd]0;title\ufffd\ufffd[c\ufffd5n\ufffdb\ufffd\ufffd";

describe("text that others have written", () => {
  it("does nothing to the terminal", () => {
    const { terminal, written } = opened();
    terminal.print(HOSTILE);
    terminal.note(HOSTILE);
    terminal.table(["host"], [[HOSTILE]]);
    const [out = "", err] = written();
    expect(err).toBe(`${SEEN}\n`);
    expect(out).toBe(`${SEEN}\nhost\n${SEEN}\n`);
  });

  it("is not hidden", () => {
    const { terminal, written } = opened();
    terminal.print("\u001b[8mby mallory\u001b[0m");
    expect(written()[0]).toBe("\ufffd[8mby mallory\ufffd[0m\n");
  });

  it("keeps colours, tabs and line breaks", () => {
    const { terminal, written } = opened();
    terminal.print("\u001b[31mred\u001b[39m\tand\nso on");
    expect(written()[0]).toBe("\u001b[31mred\u001b[39m\tand\nso on\n");
  });

  it("is escaped as JSON", () => {
    const { terminal, written } = opened(true);
    terminal.value({ host: "\u001b[2J\u009b2J\u007f" });
    const [out = ""] = written();
    expect(out).toBe('{"host":"\\u001b[2J\\u009b2J\\u007f"}\n');
    expect(JSON.parse(out)).toEqual({ host: "\u001b[2J\u009b2J\u007f" });
  });
});

describe("what was written", () => {
  it("is delivered, or not: then nothing after it is either", async () => {
    const { terminal } = opened();
    terminal.print("a");
    await expect(terminal.delivered()).resolves.toBeUndefined();
    const full = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error("full"), { code: "ENOSPC" }));
      },
    });
    full.on("error", () => undefined);
    const lost = openTerminal(true, { ...process, stdout: full } as unknown as typeof process);
    lost.value({ secret: "s" });
    await expect(lost.delivered()).rejects.toMatchObject({ code: "ENOSPC" });
    await expect(lost.delivered()).rejects.toMatchObject({ code: "ENOSPC" });
  });
});
