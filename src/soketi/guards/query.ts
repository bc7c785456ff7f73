import type { HttpRequest } from "./soketi-parts.ts";
import { wrap } from "../wrap.ts";

/** Of a longer head uWebSockets.js closes the connection, unless all of it comes in one piece. */
const MAX_LENGTH = 4_096;

/**
 * Has a request throw when soketi asks for its query, if soketi's parser cannot bear it: that takes a minute for 1,200
 * escapes that are no UTF-8, before it knows who asks, and its time grows with the square of the number of fields.
 * (soketi 1.6.1, dist/server.js; query-string 7.1.3, decode-uri-component 0.2.2.) The parser decodes each name and each
 * value: all of them can be decoded exactly if the whole can, since neither `&` nor `=` is part of a valid escape.
 */
export function checkQuery(request: HttpRequest): void {
  wrap(request, "getQuery", (getQuery) => () => {
    const query = getQuery();
    if (query === undefined) return query;
    if (query.length > MAX_LENGTH) throw new RangeError(`a query of more than ${MAX_LENGTH} characters`);
    decodeURIComponent(query);
    return query;
  });
}
