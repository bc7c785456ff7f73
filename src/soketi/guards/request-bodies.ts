import { constants } from "node:buffer";
import type { BodyBudget } from "./body-budget.ts";
import type { Guards } from "./guards.ts";
import { maxStructureOf, structureFaultOf } from "./json-structure.ts";
import type { BodySource, GuardedApp, GuardedServer, HttpHandler, HttpResponse } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

const WHERE = "requests";
const BYTES_PER_MB = 1024 * 1024;

/** Bytes of all bodies of a node whose senders are not known yet. */
const UNSIGNED_BYTES = 128 * BYTES_PER_MB;

/** What soketi takes a body for that is no JSON, also where it checks the signature. */
const NO_JSON = "{}";

/** soketi's own words for these. */
export const INCORRECT = "The received data is incorrect";
export const TOO_LARGE = "The payload size is too big.";
const UNSIGNED = "The secret authentication failed";

/** Bytes of one body: more cannot be one text. */
export function maxBodyOf({ options }: GuardedServer): number {
  return Math.min(options.httpApi.requestLimitInMb * BYTES_PER_MB, constants.MAX_STRING_LENGTH);
}

/** Bytes of all unsigned bodies; one that is as large as the operator allows has room. */
export function maxUnsignedOf(server: GuardedServer): number {
  return Math.max(UNSIGNED_BYTES, maxBodyOf(server));
}

/**
 * Has soketi read a body when it knows that the app's owner has sent it. soketi parses it first, whatever it is, and looks
 * for the app and the signature afterwards: 100 MB of small values, of anybody, stop a node for 10 s. What soketi answers
 * stays. (soketi 1.6.1, dist/http-handler.js, `jsonBodyMiddleware`, `authMiddleware`.)
 */
export function readSignedBodies(
  handler: HttpHandler,
  guards: Guards,
  unsigned: BodyBudget<HttpResponse>,
): void {
  const readJson = handler.readJson.bind(handler);
  wrap(handler, "readJson", () => (response: HttpResponse, onBody) => {
    response.onData((bytes) => {
      const text = Buffer.from(bytes).toString();
      response.signed = { text };
      onBody({}, text);
    });
  });
  checkBothTexts(handler);
  wrap(handler, "authMiddleware", (authenticate) => (response, next) => {
    const read = () => {
      const { rawBody, signed } = response;
      if (rawBody === undefined) {
        next(null, response);
        return;
      }
      // Dropped meanwhile, and answered.
      if (!signed) return;
      unsigned.release(response);
      const bytes = Buffer.from(rawBody);
      const fault = structureFaultOf(bytes, maxStructureOfBody(response.app));
      if (fault !== undefined) {
        guards.caught(
          WHERE,
          fault === "too deep" ? "a body that is nested too deeply" : "a body of too many values",
        );
        if (fault === "too deep") handler.badResponse(response, INCORRECT);
        else handler.entityTooLargeResponse(response, TOO_LARGE);
        return;
      }
      const onBody = (body: unknown, raw: string) => {
        if (raw !== signed.text) {
          handler.unauthorizedResponse(response, UNSIGNED);
          return;
        }
        Object.assign(response, { body, rawBody: raw });
        next(null, response);
      };
      readJson(arrived(bytes), onBody, () => undefined);
    };
    // soketi calls it in a promise that nobody catches.
    authenticate(response, () => guards.run(WHERE, "a request", read));
  });
}

/** A signature may be of the body's text, or of what soketi takes for it if that is no JSON. Which it is shows when it is read. */
function checkBothTexts(handler: HttpHandler): void {
  wrap(
    handler,
    "signatureIsValid",
    (isValid) => (response) =>
      isValid(response).then((isSigned) => {
        const { signed, rawBody } = response;
        if (isSigned || !signed || rawBody === NO_JSON) return isSigned;
        return isValid(Object.create(response, { rawBody: { value: NO_JSON } }) as HttpResponse).then(
          (isSignedAsNoJson) => {
            // The same object also where the response is seen with another app.
            if (isSignedAsNoJson) signed.text = NO_JSON;
            return isSignedAsNoJson;
          },
        );
      }),
  );
}

/** A body that has come, as soketi's reader asks for it. An object that inherits from the response is slow to make. */
function arrived(bytes: Uint8Array): BodySource {
  return {
    onData(handler) {
      handler(new Uint8Array(bytes).buffer, true);
    },
    onAborted: () => undefined,
  };
}

/** An event that soketi may take has no more; nor has a batch of as many as it may take. */
function maxStructureOfBody(app: GuardedApp | undefined): number {
  const limit = (value: unknown) => Math.max(0, Number(value) || 0);
  const events = Math.max(1, limit(app?.maxEventBatchSize));
  return (
    maxStructureOf(events * limit(app?.maxEventPayloadInKb)) + events * limit(app?.maxEventChannelsAtOnce)
  );
}
