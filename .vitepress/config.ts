import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { slug } from "github-slugger";
import { defineConfig } from "vitepress";
import { deadLinks } from "./dead-links.ts";
import { sidebarOf } from "./sidebar.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What documents link to and that is no page. */
const FILES = ["LICENSE", "docs/examples", "docs/monitoring", "docs/network.yml"];

/** Each page as it was built. */
const pages = new Map<string, string>();

/** `npm run site`: README, CONTRIBUTING, CHANGELOG and docs as they stand, searchable. A dead link fails it. */
export default defineConfig({
  title: "soketi-app-sync",
  description: "Every change in soketi's DynamoDB app table takes effect on all running nodes.",
  // GitHub Pages serves a project from a folder.
  base: process.env.SITE_BASE ?? "/",
  srcExclude: ["!(docs|*.md)/**"],
  rewrites: { "README.md": "index.md" },
  markdown: {
    // The anchors that GitHub gives the same headings.
    anchor: { slugify: slug },
    languageAlias: { acl: "sh" },
    config: ({ core }) => {
      core.ruler.push("readme_is_the_home_page", ({ tokens }) => {
        for (const link of tokens.flatMap(({ children }) => children ?? [])) {
          const href = link.attrGet("href");
          if (href !== null) link.attrSet("href", href.replace(/^((?:\.\.\/)*)README\.md/, "$1index.md"));
        }
      });
    },
  },
  themeConfig: {
    search: { provider: "local" },
    sidebar: sidebarOf(readFileSync(join(root, "README.md"), "utf8")),
    outline: [2, 3],
  },
  transformHtml: (html, _, { page }) => void pages.set(page.replace(/\.md$/, ".html"), html),
  buildEnd: ({ outDir, site }) => {
    for (const file of FILES) cpSync(join(root, file), join(outDir, file), { recursive: true });
    const dead = deadLinks(pages, (path) => existsSync(join(outDir, path)), site.base);
    if (dead.length > 0) throw new Error(`Links that lead nowhere:\n${dead.join("\n")}`);
  },
});
