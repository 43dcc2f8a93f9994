import { Marked } from "marked";

const REPOSITORY_DOCS = "https://github.com/lucasmouilleron/watchTower/blob/master/docs/";

/** Renders the protocol's Markdown as one HTML page: no script, one style sheet. */
export function renderPage(markdown: string): string {
  const contents: { id: string; text: string }[] = [];
  const marked = new Marked({
    walkTokens(token) {
      // Beside this page there are no others.
      if (token.type === "link" && /^[\w/-]+\.md|^decisions\//.test(token.href))
        token.href = REPOSITORY_DOCS + token.href;
    },
    renderer: {
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens);
        const id = text
          .toLowerCase()
          .replace(/[^\w]+/g, "-")
          .replace(/^-|-$/g, "");
        if (depth === 2) contents.push({ id, text });
        return `<h${depth} id="${id}">${text}</h${depth}>\n`;
      },
    },
  });
  // What is in comments is for those who write the page.
  const body = marked.parse(markdown.replace(/^<!--.*-->$/gm, ""), { async: false });
  const links = contents.map(({ id, text }) => `<a href="#${id}">${text}</a>`).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>watchTower: protocol</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<nav>
<strong>watchTower</strong>
${links}
<a href="/openapi.json">OpenAPI</a>
</nav>
<main>
${body}</main>
</body>
</html>
`;
}
