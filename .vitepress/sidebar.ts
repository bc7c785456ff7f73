interface Group {
  readonly text: string;
  readonly items: { readonly text: string; readonly link: string }[];
}

/** README's table under "Documentation" is the only list of the pages: a row is a group, a link in it a page. */
export function sidebarOf(readme: string): Group[] {
  const [, table = ""] = /^## Documentation$([^]*?)(?=^## |$(?![^]))/m.exec(readme) ?? [];
  const groups = [...table.matchAll(/^\| ([^|]+) \| (.*\]\(.*) \|$/gm)].map(([, text = "", pages = ""]) => ({
    text: text.charAt(0).toUpperCase() + text.slice(1),
    items: [...pages.matchAll(/\[([^\]]+)\]\(([^)]+)\.md\)/g)].map(([, page = "", path = ""]) => ({
      text: page.charAt(0).toUpperCase() + page.slice(1),
      link: `/${path}`,
    })),
  }));
  if (groups.length === 0)
    throw new Error('README.md: expected a table of pages under "## Documentation", found none');
  return groups;
}
