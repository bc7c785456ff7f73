import { describe, expect, it } from "vitest";
import { parseRedisUrl } from "../../../src/config/redis-url.ts";

describe("a Redis URL", () => {
  it.each([
    ["redis://cache", { host: "cache", port: 6379, db: 0, tls: false }],
    [" redis://cache:1/15\n", { host: "cache", port: 1, db: 15, tls: false }],
    ["REDISS://my_cache.example.com/", { host: "my_cache.example.com", port: 6379, db: 0, tls: true }],
    ["redis://[fe80::1]:7000", { host: "fe80::1", port: 7000 }],
    ["redis://user@cache", { username: "user", password: undefined }],
    ["redis://:p%40%25%23@cache", { username: undefined, password: "p@%#" }],
    ["redis://user:p@ss@cache", { host: "cache", password: "p@ss" }],
  ])("%j", (text, expected) => {
    expect(parseRedisUrl(text)).toMatchObject(expected);
  });

  it.each([
    ["", /not a URL/],
    ["cache:6379", /another form/],
    ["http://cache", /another form/],
    ["redis://", /another form/],
    ["redis://:6379", /not a URL/],
    ["redis://cache:0", /another form/],
    ["redis://cache:65536", /not a URL/],
    ["redis://cache/db", /another form/],
    ["redis://cache/-1", /another form/],
    ["redis://cache/1000001", /another form/],
    ["redis://a,b", /another form/],
    ["redis://u:100%@h", /a % that encodes nothing/],
    ["redis://u%zz:1@h", /a % that encodes nothing/],
    ["redis://u:%ff@h", /a % that encodes nothing/],
    ["redis://u:12#ss@h", /a \? or a # in it/],
    ["redis://u:12?ss@h", /a \? or a # in it/],
    ["redis://h#", /a \? or a # in it/],
    ["redis://h?family=6", /a \? or a # in it/],
    ["redis://u:12/ss@h", /another form/],
    ["redis://u:p/w@h", /not a URL/],
    ["redis://u:p\nw@h", /a control character/],
  ])("%j is refused in words, without any of it", (text, found) => {
    const parsed = parseRedisUrl(text);
    expect(parsed).toEqual({ found: expect.stringMatching(found) as string });
  });
});
