import { useState } from "preact/hooks";

/** A button whose failure is said beside it. */
export function Button({ label, act }: { label: string; act: () => Promise<void> }) {
  const [failure, setFailure] = useState("");
  const press = () => {
    setFailure("");
    act().catch((error: unknown) => {
      setFailure(error instanceof Error ? error.message : String(error));
    });
  };
  return (
    <>
      <button type="button" onClick={press}>
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
