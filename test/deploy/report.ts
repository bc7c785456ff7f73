/** Runs one check after the other, says how each went, and counts. A check fails by throwing. */
export class Report {
  passed = 0;
  failed = 0;
  /** What could not be looked at on this machine. */
  readonly skipped: string[] = [];

  async check(what: string, run: () => unknown): Promise<void> {
    try {
      await run();
      this.passed += 1;
      console.log(`  ok      ${what}`);
    } catch (error) {
      this.failed += 1;
      console.log(`  FAILED  ${what}\n${String(error instanceof Error ? error.stack : error)}`);
    }
  }

  skip(what: string): void {
    this.skipped.push(what);
    console.log(`  not run ${what}`);
  }

  summary(): string {
    const notRun = this.skipped.length === 0 ? "" : `, not run: ${this.skipped.join(", ")}`;
    return `${this.passed} passed, ${this.failed} failed${notRun}`;
  }
}
