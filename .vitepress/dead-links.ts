import { posix } from "node:path";

/** An `href`, `src` or `srcset` of the site itself; what names a scheme leads elsewhere. */
const LINKS = /\s(?:href|src|srcset)="(?!\w+:)([^"]+)"/g;
const IDS = /\sid="([^"]+)"/g;

/**
 * What leads nowhere on a built site: to no page or file of it, or to an anchor that its page does not have.
 * @param pages each page's HTML, by its path in the site
 * @param base where the site is served; ends with a slash
 */
export function deadLinks(
  pages: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
  base: string,
): string[] {
  const ids = new Map(
    [...pages].map(([path, html]) => [path, new Set([...html.matchAll(IDS)].map(([, id = ""]) => id))]),
  );
  return [...pages].flatMap(([from, html]) =>
    [...new Set([...html.matchAll(LINKS)].map(([, link = ""]) => link))]
      .filter((link) => {
        const { pathname, hash } = new URL(link, new URL(base + from, "http://site"));
        if (!pathname.startsWith(base)) return true;
        const path = decodeURI(pathname.slice(base.length));
        const to = path === "" || path.endsWith("/") ? posix.join(path, "index.html") : path;
        if (!pages.has(to) && !exists(to)) return true;
        return hash.length > 1 && ids.get(to)?.has(decodeURIComponent(hash.slice(1))) !== true;
      })
      .map((link) => `${from}: ${link}`),
  );
}
