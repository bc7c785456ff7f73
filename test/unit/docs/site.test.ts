import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deadLinks } from "../../../.vitepress/dead-links.ts";
import { sidebarOf } from "../../../.vitepress/sidebar.ts";
import { root } from "../../support/fleet.ts";

const site = (link: string) =>
  new Map([
    ["index.html", `<a href="${link}">`],
    ["docs/agent.html", '<h2 id="settings">'],
  ]);

describe("the site's links", () => {
  it.each(["/base/docs/agent.html", "docs/agent.html#settings", "/base/", "./docs/network.yml", "https://example.com/x"])(
    "%s leads somewhere",
    (link) => {
      expect(deadLinks(site(link), (path) => path === "docs/network.yml", "/base/")).toEqual([]);
    },
  );

  it.each([
    ["no such page", "docs/agents.html"],
    ["no such file", "docs/network.yaml"],
    ["no such anchor", "docs/agent.html#setting"],
    ["no such anchor on its own page", "#settings"],
    ["outside of where the site is served", "/docs/agent.html"],
  ])("%s: %s leads nowhere", (_, link) => {
    expect(deadLinks(site(link), () => false, "/base/")).toEqual([`index.html: ${link}`]);
  });

  it.each(['<img src="a.svg">', '<source media="(prefers-color-scheme: dark)" srcset="a.svg">'])("count in %s", (html) => {
    expect(deadLinks(new Map([["index.html", html]]), () => false, "/")).toEqual(["index.html: a.svg"]);
  });
});

describe("README's table of documents, which the site's sidebar is made of", () => {
  it("has every page, once", () => {
    const links = sidebarOf(readFileSync(join(root, "README.md"), "utf8")).flatMap(({ items }) =>
      items.map(({ link }) => link),
    );
    const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => `/docs/${file.slice(0, -".md".length)}`);
    expect(links.sort()).toEqual([...pages, "/CONTRIBUTING"].sort());
  });

  it("cannot be forgotten", () => {
    expect(() => sidebarOf("# A\n\n## Documentation\n\nSee below.\n")).toThrow("expected a table of pages");
  });
});
