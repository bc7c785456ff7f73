/** Thrown when the environment or the options cannot be used. Lists every mistake at once; values are shown unless secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "E_CONFIG";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(
      `Configuration is wrong, nothing was started:\n${mistakes.map((line) => `  - ${line}`).join("\n")}`,
    );
    this.mistakes = mistakes;
  }
}
