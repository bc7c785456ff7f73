import fc from "fast-check";

/** Stands for every secret; upper case and digits, so that no message can hold it by chance. */
export const MARKER = "M4RK3R9";

/** The marker alone, inside other text, and in places where text doesn't belong. */
const secretText = fc
  .tuple(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }))
  .map(([a, b]) => `${a}${MARKER}${b}`);
const secretValue = fc.oneof(
  secretText,
  secretText.map((value) => [value]),
  secretText.map((value) => ({ [value]: value })),
  secretText.map((value) => ({ a: { b: [value] } })),
);
const secretUrl = fc.constantFrom(
  `https://example.com/${MARKER}`,
  `https://example.com/?t=${MARKER}`,
  `https://example.com/#${MARKER}`,
  `https://${MARKER}:${MARKER}@example.com:81/x`,
  `http://[${MARKER}/`,
  `ftp://example.com/${MARKER}`,
  `https://example.com/ ${MARKER}`,
  MARKER,
);
const secretWebhook = fc.record(
  {
    url: fc.oneof(secretUrl, secretValue),
    lambda_function: fc.constantFrom<unknown>("f", 5),
    event_types: fc.oneof(fc.constant(["cache_miss"]), secretValue),
    headers: fc.oneof(fc.dictionary(fc.constantFrom("A", "b c", MARKER), secretValue), secretValue),
    filter: fc.constantFrom({}, { channel_name_starts_with: { [MARKER]: MARKER } }, MARKER),
    lambda: fc.oneof(
      secretValue,
      fc.record({ async: fc.constant(MARKER), region: fc.constant([MARKER]), client_options: secretValue }),
    ),
  },
  { requiredKeys: [] },
);
/** One that is kept, so that its secrets get as far as the public view. */
const workingWebhook = fc.record({
  url: fc.constantFrom("", `https://${MARKER}@example.com`, `https://example.com/${MARKER}?${MARKER}`),
  lambda_function: fc.constant("f"),
  event_types: fc.constant(["cache_miss"]),
  headers: fc.dictionary(fc.constantFrom("A", "B"), secretText),
  lambda: fc.record({ client_options: fc.dictionary(fc.string(), secretValue) }),
});

/** Plain data as attribute values. */
function native(value: unknown): unknown {
  if (Array.isArray(value)) return { L: value.map(native) };
  if (typeof value === "object" && value !== null) {
    return { M: Object.fromEntries(Object.entries(value).map(([name, part]) => [name, native(part)])) };
  }
  return typeof value === "string" ? { S: value } : { N: String(value) };
}
export const secretWebhooks = fc
  .array(fc.oneof(workingWebhook, secretWebhook), { maxLength: 4 })
  .chain((webhooks) =>
    fc.constantFrom<unknown>(
      { S: JSON.stringify(webhooks) },
      { S: JSON.stringify(webhooks).slice(0, -1) },
      { B: Buffer.from(JSON.stringify(webhooks)).toString("base64") },
      native(webhooks),
      native({ webhooks }),
      { S: `${MARKER}${JSON.stringify(webhooks)}` },
      { SS: [JSON.stringify(webhooks)] },
    ),
  );
export const shaped = (value: string): fc.Arbitrary<unknown> =>
  fc.constantFrom<unknown>(
    { S: value },
    { N: value },
    { B: Buffer.from(value).toString("base64") },
    { B: value },
    { B: Buffer.from(value) },
    { BOOL: value },
    { L: [{ S: value }] },
    { M: { [value]: { S: value } } },
    { [value]: value },
    { S: value, N: value },
    value,
  );
