import { describe, expect, it } from "vitest";
import { Lease } from "../../../src/agent/lease.ts";
import { createSuspensionClock } from "../../../src/agent/suspension-clock.ts";
import { Random } from "../../simulation/random.ts";
import { SEEDS } from "../../support/seeds.ts";

/** Both clocks of a machine, in milliseconds. */
function machine() {
  const time = { monotonic: 1_000, wall: 1_700_000_000_000 };
  const clock = createSuspensionClock({ monotonic: () => time.monotonic, wall: () => time.wall });
  return {
    clock,
    run: (ms: number) => {
      time.monotonic += ms;
      time.wall += ms;
    },
    /** The machine stands still; the monotonic clock with it. */
    suspend: (ms: number) => {
      time.wall += ms;
    },
    setWall: (by: number) => {
      time.wall += by;
    },
  };
}

describe("the suspension clock", () => {
  it("is the monotonic clock while the machine runs", () => {
    const { clock, run } = machine();
    expect(clock()).toBe(1_000);
    run(2_500);
    expect(clock()).toBe(3_500);
  });

  it("goes on while the machine is suspended: a lease is over when it wakes", () => {
    const { clock, run, suspend } = machine();
    const lease = new Lease({ clock, leaseMs: 3_000 });
    lease.renew(clock());
    run(1_000);
    expect(lease.isHeld).toBe(true);
    suspend(60_000);
    expect(lease.isHeld).toBe(false);
    expect(clock()).toBe(62_000);
  });

  it("a lease that was asked for before a suspension is not renewed by the answer after it", () => {
    const { clock, suspend } = machine();
    const lease = new Lease({ clock, leaseMs: 3_000 });
    const askedAt = clock();
    suspend(5_000);
    lease.renew(askedAt);
    expect(lease.isHeld).toBe(false);
  });

  it("does not take 50 ms for a suspension, and takes the next one on top of them for one", () => {
    const { clock, suspend } = machine();
    suspend(50);
    expect(clock()).toBe(1_000);
    suspend(1);
    expect(clock()).toBe(1_051);
  });

  it("adds short suspensions up", () => {
    const { clock, run, suspend } = machine();
    for (let i = 0; i < 1_000; i += 1) {
      run(1);
      suspend(40);
      clock();
    }
    expect(clock()).toBeGreaterThanOrEqual(1_000 + 41_000 - 50);
  });

  it("a wall clock that is set forward costs the lease, and one that is set back prolongs none", () => {
    const { clock, run, setWall } = machine();
    const lease = new Lease({ clock, leaseMs: 3_000 });
    lease.renew(clock());
    setWall(-3_600_000);
    run(2_999);
    expect(lease.isHeld).toBe(true);
    run(1);
    expect(lease.isHeld).toBe(false);
    lease.renew(clock());
    setWall(3_600_000);
    expect(lease.isHeld).toBe(false);
    lease.renew(clock());
    expect(lease.isHeld).toBe(true);
  });

  it("a suspension after the wall clock was set back is seen", () => {
    const { clock, run, setWall, suspend } = machine();
    setWall(-10_000);
    expect(clock()).toBe(1_000);
    run(100);
    suspend(5_000);
    expect(clock()).toBe(6_100);
  });

  it("small steps of time synchronization change nothing", () => {
    const { clock, run, setWall } = machine();
    for (let i = 0; i < 100; i += 1) {
      run(10);
      setWall(i % 2 === 0 ? 5 : -5);
      expect(clock()).toBe(1_000 + 10 * (i + 1));
    }
  });

  it.each(SEEDS)("seed %s: never goes back, and is never behind the monotonic clock", (seed) => {
    const random = new Random(`suspension ${seed}`);
    const { clock, run, suspend, setWall } = machine();
    let ran = 1_000;
    let before = clock();
    for (let i = 0; i < 2_000; i += 1) {
      const ms = random.integer(0, random.chance(0.1) ? 100_000 : 60);
      if (random.chance(0.5)) {
        run(ms);
        ran += ms;
      } else if (random.chance(0.5)) suspend(ms);
      else setWall(-ms);
      const now = clock();
      expect(now).toBeGreaterThanOrEqual(Math.max(before, ran));
      before = now;
    }
  });
});
