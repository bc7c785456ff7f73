import { complain, type Run } from "./command.ts";

/** What spares the question. */
export interface AgreementOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

/** Asks before something is changed, and says so when it was not agreed to. A script has to pass `--yes`. */
export async function isAgreed(
  { terminal }: Run,
  { yes, dryRun }: AgreementOptions,
  question: string,
): Promise<boolean> {
  if (yes === true || dryRun === true || (await terminal.confirm(question))) return true;
  const refusal = "nothing was changed: confirm, or pass --yes";
  if (terminal.json) complain(terminal, refusal, "E_CHANGE_REFUSED");
  else terminal.note(refusal);
  return false;
}
