/** What a command's end means to a script. docs/cli.md */
export const EXIT = {
  /** Done, and what was looked at is well, or worth a warning at most. */
  ok: 0,
  /** Not done: the error says why. Commander's own, too, for a wrong option. */
  failed: 1,
  /** Done, and what was looked at is not well: a check failed, an item cannot be used, there is no such app. */
  unwell: 2,
  /** The change is made, and not every node has confirmed it in time. */
  unconfirmed: 3,
  /** `relay`: AWS takes no credentials, or these may not read the stream. */
  noCredentials: 4,
  /** `relay`: there is no such table, or its stream is off. */
  noStream: 5,
  /** `relay`: the stream does not carry both images. */
  wrongViewType: 6,
  /** Done, and what could be looked at is well; something could not be looked at. */
  unseen: 7,
  /** Ended by Ctrl-C before it was done. */
  interrupted: 130,
  /** Ended by SIGTERM before it was done. */
  terminated: 143,
} as const;

/** For `--help`. */
export const EXIT_CODES_IN_WORDS = `\
Exit codes: 0 done and healthy, 1 failed, 2 done but something is wrong, 3 changed but not confirmed by every node,
4, 5, 6 the relay cannot start (credentials, table or stream, view type), 7 done but something could not be checked,
130 and 143 interrupted.`;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
