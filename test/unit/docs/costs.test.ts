import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { costOfLambda, costOfRelay, costTable, PRICES, SIZES } from "../../../bench/costs.ts";
import { root } from "../../support/fleet.ts";

const choose = readFileSync(join(root, "docs/choose.md"), "utf8");

describe("docs/choose.md", () => {
  it("has the costs that follow from the prices", () => {
    const [, written = ""] = /<!-- bench:costs begin -->\n\n([^]*?)\n\n<!-- bench:costs end -->/.exec(choose) ?? [];
    expect(written).toBe(costTable());
  });

  it("states the prices that they follow from", () => {
    for (const price of Object.values(PRICES)) {
      if (price === PRICES.readsFree) expect(choose).toContain("2.5 million");
      else expect(choose).toContain(price < 0.1 ? String(price) : price.toFixed(2));
    }
  });

  it("is one page", () => {
    expect(choose.split(/\s+/).length).toBeLessThan(1_200);
  });
});

describe("costs", () => {
  it("are those of docs/reference/deployment.md for the function", () => {
    const deploy = readFileSync(join(root, "docs/reference/deployment.md"), "utf8");
    const cells = (row: string) => [...(new RegExp(`^\\| ${row}[^|]*\\|(.*)\\|$`, "m").exec(deploy)?.[1] ?? "").split("|")].map(Number);
    const lambda = cells("… × \\(0\\.20 per million");
    const logs = cells("logs: 2 KB");
    const queue = cells("SQS: 5 pollers");
    const watched = 4 * 0.3 + 16 * 0.1;
    for (const [i, size] of SIZES.entries()) {
      const sum = (lambda[i] ?? 0) + (logs[i] ?? 0) + (queue[i] ?? 0) + watched;
      expect(Math.abs(costOfLambda(size) - sum), size.name).toBeLessThan(0.02);
    }
  });

  it("are those of docs/relay.md for the relay", () => {
    const relay = readFileSync(join(root, "docs/relay.md"), "utf8");
    expect(relay).toContain(`${costOfRelay({ pollMs: 250, ownMachine: false }).toFixed(2)} for the four`);
    expect(relay).toContain(costOfRelay({ pollMs: 1_000, ownMachine: false }).toFixed(2));
  });
});
