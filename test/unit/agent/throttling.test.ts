import { expect, it } from "vitest";
import { isThrottling } from "../../../src/agent/throttling.ts";

const NAMES = [
  "ProvisionedThroughputExceededException",
  "ProvisionedThroughputExceeded",
  "ThrottlingException",
  "Throttling",
  "RequestLimitExceeded",
];

it.each(NAMES)("%s is throttling, by the name of SDK 3 and the code of SDK 2", (name) => {
  expect(isThrottling(Object.assign(new Error("slower"), { name }))).toBe(true);
  expect(isThrottling(Object.assign(new Error("slower"), { code: name }))).toBe(true);
});

it.each([undefined, null, "ThrottlingException", new Error("ThrottlingException"), {}, { code: "" }])(
  "%s is not",
  (error) => {
    expect(isThrottling(error)).toBe(false);
  },
);
