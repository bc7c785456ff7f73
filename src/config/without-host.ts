/**
 * What Node says of a host, without the host: a name that leads nowhere, or that no certificate has, may be a password in the
 * wrong place. Where a message shows the address, `describeRedis` decides what of it.
 */
export function withoutHost(words: string): string {
  return words
    .replace(/\bgetaddrinfo ([A-Z_]+)\b.*$/s, "the host name is unknown ($1)")
    .replace(/\bconnect ([A-Z]+) [^@]*@.*$/s, "the socket cannot be connected to ($1)")
    .replace(/\bHost: .* is not (in the cert's altnames|cert's CN)\b/s, "the name is not $1");
}
