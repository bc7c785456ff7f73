import { inRegion, type RequestLimits, requestHandler } from "./clients.ts";

/** A name for people to read is not worth a wait. Milliseconds. */
const LIMITS: RequestLimits = { connectionTimeout: 500, requestTimeout: 1_000 };

/** Who has signed in to AWS, as an ARN; it takes no right. Rejects with what AWS says, and when it does not answer in time. */
export async function callerIdentity(region: string | undefined): Promise<string | undefined> {
  // Few commands ask: the others begin sooner without it.
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  const client = new STSClient({
    requestHandler: requestHandler(LIMITS),
    maxAttempts: 1,
    ...inRegion(region),
  });
  try {
    return (await client.send(new GetCallerIdentityCommand({}))).Arn;
  } finally {
    client.destroy();
  }
}
