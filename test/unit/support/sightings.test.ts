import { describe, expect, it } from "vitest";
import { Sightings } from "../../chaos/nodes/sightings.ts";

describe("Sightings", () => {
  it("an answer counts when it was asked for after the change was acknowledged, and is older", () => {
    const seen = new Sightings();
    seen.wrote(2, 100);
    seen.saw(1, 90);
    seen.saw(1, 130);
    expect(seen.pendingStaleMs).toBe(30);
    seen.saw(2, 140);
    expect(seen.settled).toEqual([30]);
    expect(seen.isPending).toBe(false);
  });

  it("a change that is followed at once was never stale", () => {
    const seen = new Sightings();
    seen.wrote(2, 100);
    seen.saw(2, 101);
    expect(seen.settled).toEqual([0]);
  });

  it("a newer answer settles all changes before it, each with its own time", () => {
    const seen = new Sightings();
    seen.wrote(2, 100);
    seen.wrote(3, 200);
    seen.saw(1, 250);
    seen.saw(3, 260);
    expect(seen.settled).toEqual([150, 50]);
  });

  it("what is never followed stays pending, with the time that it was seen missing", () => {
    const seen = new Sightings();
    seen.wrote(2, 100);
    seen.saw(1, 5_100);
    expect(seen.unseen).toBe(1);
    expect(seen.pendingStaleMs).toBe(5_000);
  });

  it("counts a node that goes back", () => {
    const seen = new Sightings();
    seen.wrote(2, 100);
    seen.saw(2, 110);
    seen.saw(1, 120);
    expect(seen.wentBack).toBe(1);
  });
});
