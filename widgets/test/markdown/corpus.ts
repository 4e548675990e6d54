/** The attacks of tests/attacks.json, and what may be on a page after them. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Attack {
  name: string;
  kind: string;
  text: string;
  times?: number;
}

/** Characters of a repeated attack: jsdom is slow where a page is large. tests/test_attacks_in_a_browser.py takes all of them. */
const MOST = 6_000;

const file = join(dirname(fileURLToPath(import.meta.url)), "../../../tests/attacks.json");

export const ATTACKS = (JSON.parse(readFileSync(file, "utf8")) as Attack[]).map(({ name, kind, text, times }) => ({
  name,
  kind,
  text: times ? text.repeat(times).slice(0, MOST) : text,
}));

const TAGS = new Set(
  (
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sub sup table tbody td th thead tr ul " +
    "math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext " +
    "mtr munder munderover"
  ).split(" "),
);
const HTML_ATTRIBUTES: Record<string, string[]> = { a: ["href", "title", "rel", "target"], ol: ["start"] };
const NEVER = /^(?:on|style$|id$|name$|href$|src|xlink|data-|is$|slot$|part$|action|formaction|ping$)/;
const HARMLESS_LINK = /^(?:https?:|mailto:)/;

/** What is wrong with what stands in the element; nothing, if all is well. */
export function faults(el: Element): string[] {
  const found: string[] = [];
  for (const node of el.querySelectorAll("*")) {
    const tag = node.localName;
    const maths = node.namespaceURI === "http://www.w3.org/1998/Math/MathML";
    if (!TAGS.has(tag)) found.push(`<${tag}>`);
    for (const { name, value } of node.attributes) {
      const allowed = name === "class" || (maths ? !NEVER.test(name) : HTML_ATTRIBUTES[tag]?.includes(name));
      if (!allowed) found.push(`<${tag} ${name}>`);
      if (name === "class" && !/^(?:(?:hljs|wb)-[\w-]+ ?)+$/.test(value)) found.push(`class ${value}`);
      if (maths && /\d{3}/.test(value)) found.push(`${name}=${value}`);
      if (name === "href" && !HARMLESS_LINK.test(value)) found.push(`href ${value}`);
    }
    if (tag === "a" && node.hasAttribute("href") && node.getAttribute("rel") !== "noopener noreferrer nofollow")
      found.push("rel");
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const unseen = el.textContent?.match(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/);
  if (unseen) found.push(`character ${unseen[0].charCodeAt(0).toString(16)}`);
  return found;
}
