import type { HttpRequest } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

/** Of a longer head uWebSockets.js closes the connection, unless all of it comes in one piece. */
const MAX_LENGTH = 4_096;

/** A signed request has five, and a handful of its own: the parser's time grows with the square of the number of one name. */
const MAX_FIELDS = 256;

/** Escapes one after the other: the parser's time grows with the cube of their number. A `%` of no escape costs nothing. */
const RUN = /(?:%[\da-f]{2})+/gi;
/** Of all runs that are no UTF-8, together: the parser takes 2 ms for as many in one. */
const MAX_BAD_ESCAPES = 8;
const ESCAPE_LENGTH = "%00".length;

/**
 * Has a request throw when soketi asks for its query, if soketi's parser cannot bear it: that takes a minute for 1,200
 * escapes that are no UTF-8, before it knows who asks, and its time grows with the square of the number of fields.
 * (soketi 1.6.1, dist/server.js; query-string 7.1.3, decode-uri-component 0.2.2.) The parser decodes each name and each
 * value: neither `&` nor `=` is part of a run, so that the runs of all are those of the whole.
 */
export function checkQuery(request: HttpRequest): void {
  wrap(request, "getQuery", (getQuery) => () => {
    const query = getQuery();
    if (query === undefined) return query;
    if (query.length > MAX_LENGTH) throw new RangeError(`a query of more than ${MAX_LENGTH} characters`);
    if (query.split("&", MAX_FIELDS + 1).length > MAX_FIELDS)
      throw new RangeError(`a query of more than ${MAX_FIELDS} fields`);
    if (isDecodable(query)) return query;
    const bad = query.match(RUN)?.filter((run) => !isDecodable(run)) ?? [];
    if (bad.join("").length > MAX_BAD_ESCAPES * ESCAPE_LENGTH)
      throw new RangeError(`a query of more than ${MAX_BAD_ESCAPES} escapes that are no UTF-8`);
    return query;
  });
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
