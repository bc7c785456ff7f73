/** A change to the sources that no unit test notices. */
export interface Survivor {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** As Stryker calls the kind of change. */
  readonly mutator: string;
}

interface Reason {
  readonly applies: (survivor: Survivor) => boolean;
  readonly why: string;
}

const REASONS: readonly Reason[] = [];

/** Why that is all right; undefined when nobody has said so. */
export function reasonFor(survivor: Survivor): string | undefined {
  return REASONS.find(({ applies }) => applies(survivor))?.why;
}
