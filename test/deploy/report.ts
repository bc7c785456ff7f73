/** Runs one check after the other, says how each went, and counts. A check fails by throwing. */
export class Report {
  passed = 0;
  failed = 0;

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

  summary(): string {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}
