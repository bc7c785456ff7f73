import { ConditionalCheckFailedException, DynamoDBServiceException } from "@aws-sdk/client-dynamodb";
import { describe, expect, it, vi } from "vitest";
import { writeOnCondition } from "../../../src/aws/conditional-write.ts";
import { ConflictError } from "../../../src/aws/errors.ts";

const conflict = (attempts: number) =>
  new ConditionalCheckFailedException({
    message: "The conditional request failed",
    $metadata: { attempts, httpStatusCode: 400 },
  });

function refusal(httpStatusCode: number | undefined): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: "Refusal",
    message: "refused",
    $fault: "server",
    $metadata: { attempts: 3, ...(httpStatusCode === undefined ? {} : { httpStatusCode }) },
  });
}

function write(error: Error, isWritten: () => Promise<boolean>): Promise<void> {
  return writeOnCondition(Promise.reject(error), isWritten, "somebody else was first");
}

describe("writeOnCondition", () => {
  it("takes a conflict at the first attempt for somebody else's, and reads nothing", async () => {
    const isWritten = vi.fn(() => Promise.resolve(true));
    await expect(write(conflict(1), isWritten)).rejects.toThrow(ConflictError);
    expect(isWritten).not.toHaveBeenCalled();
  });

  it("takes a conflict of a repeated request for its own where the item is as it was to be", async () => {
    await expect(write(conflict(2), () => Promise.resolve(true))).resolves.toBeUndefined();
    await expect(write(conflict(2), () => Promise.resolve(false))).rejects.toThrow("somebody else was first");
  });

  it("accuses nobody where the item cannot be read", async () => {
    const silent = new Error("the table is silent");
    await expect(write(conflict(2), () => Promise.reject(silent))).rejects.toBe(silent);
  });

  it.each([undefined, 500, 503])(
    "looks whether an answer with the status %s was only lost",
    async (status) => {
      const error = refusal(status);
      await expect(write(error, () => Promise.resolve(true))).resolves.toBeUndefined();
      await expect(write(error, () => Promise.resolve(false))).rejects.toBe(error);
      await expect(write(error, () => Promise.reject(new Error("silent")))).rejects.toBe(error);
    },
  );

  it("believes a refusal", async () => {
    const isWritten = vi.fn(() => Promise.resolve(true));
    const error = refusal(400);
    await expect(write(error, isWritten)).rejects.toBe(error);
    expect(isWritten).not.toHaveBeenCalled();
  });
});
