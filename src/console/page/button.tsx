import { useState } from "preact/hooks";

interface ButtonProps {
  readonly label: string;
  /** What "its" is, for who does not see where the button stands. */
  readonly of?: string;
  readonly act: () => Promise<void>;
}

/** A button whose failure is said beside it. */
export function Button({ label, of, act }: ButtonProps) {
  const [failure, setFailure] = useState("");
  const press = () => {
    setFailure("");
    act().catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)));
  };
  return (
    <>
      <button type="button" aria-label={of === undefined ? undefined : `${label}: ${of}`} onClick={press}>
        {label}
      </button>
      {failure === "" ? null : (
        <span class="failure" role="alert">
          {failure}
        </span>
      )}
    </>
  );
}
