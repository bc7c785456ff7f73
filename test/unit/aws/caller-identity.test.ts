import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { callerIdentity } from "../../../src/aws/caller-identity.ts";

const ARN = "arn:aws:sts::123456789012:assumed-role/operators/alice";
const ANSWER = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
  <Arn>${ARN}</Arn><UserId>A:alice</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;

let server: Server;
let answer: string | undefined;

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (answer !== undefined) response.setHeader("Content-Type", "text/xml").end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

it("is the ARN of who has signed in", async () => {
  answer = ANSWER;
  expect(await callerIdentity("eu-west-1")).toBe(ARN);
});

it("is not waited for when nobody answers", async () => {
  answer = undefined;
  await expect(callerIdentity("eu-west-1")).rejects.toThrow(/imeout|timed out/);
});
