/**
 * The last door: whatever Markdown, the highlighter and the formula layouter made, only this reaches the page.
 *
 * No style, id or name (a form or a global of the page could be overwritten by one), no image, no form, no data attribute
 * (JupyterLab runs commands named in one). Classes only of our own two families.
 */
import createDOMPurify, { type Config, type DOMPurify } from "dompurify";
import { visible } from "./visible.js";

const HTML_TAGS =
  "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sub sup table tbody td th thead tr ul";
const MATHS_TAGS =
  "math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext " +
  "mtr munder munderover";
const MATHS_ATTRIBUTES =
  "accent accentunder depth display displaystyle fence form height largeop linethickness lspace mathvariant maxsize minsize " +
  "movablelimits notation rspace scriptlevel separator stretchy symmetric voffset width";

const CONFIG = {
  ALLOWED_TAGS: [...HTML_TAGS.split(" "), ...MATHS_TAGS.split(" "), "#text"],
  ALLOWED_ATTR: ["class", "href", "start", "title", ...MATHS_ATTRIBUTES.split(" ")],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ADD_URI_SAFE_ATTR: ["start", ...MATHS_ATTRIBUTES.split(" ")],
  RETURN_DOM_FRAGMENT: true,
} satisfies Config;

const MATHS = new Set(MATHS_TAGS.split(" "));
const MATHS_ATTRIBUTE = new Set(MATHS_ATTRIBUTES.split(" "));
const HTML_ATTRIBUTE: Record<string, string> = { href: "a", title: "a", start: "ol" };
const OUR_CLASS = /^(?:hljs|wb)-[\w-]{1,40}$/;
/** Words, and lengths that stay on the page. */
const MATHS_VALUE = /^(?:[a-z -]{1,80}|[+-]?\d{0,2}(?:\.\d+)?(?:em|ex|mu|px|pt|%)?)$/;

let purifier: DOMPurify | undefined;

/** Return HTML as nodes that do no harm. */
export function sanitise(html: string): DocumentFragment {
  purifier ??= prepare();
  return purifier.sanitize(html, CONFIG) as unknown as DocumentFragment;
}

function prepare(): DOMPurify {
  const made = createDOMPurify(window);
  made.addHook("uponSanitizeAttribute", (element, data) => {
    const tag = element.localName;
    data.attrValue = visible(data.attrValue);
    if (data.attrName === "class") {
      data.attrValue = data.attrValue
        .split(/\s+/)
        .filter((name) => OUR_CLASS.test(name))
        .join(" ");
      data.keepAttr = data.attrValue !== "";
    } else if (MATHS.has(tag)) data.keepAttr = MATHS_ATTRIBUTE.has(data.attrName) && MATHS_VALUE.test(data.attrValue);
    else data.keepAttr = HTML_ATTRIBUTE[data.attrName] === tag;
  });
  // An entity may have become one of the characters that are not seen.
  made.addHook("uponSanitizeElement", (node) => {
    if (node.nodeType === Node.TEXT_NODE && node.nodeValue) {
      const seen = visible(node.nodeValue);
      if (seen !== node.nodeValue) node.nodeValue = seen;
    }
  });
  made.addHook("afterSanitizeAttributes", (element) => {
    if (element.localName !== "a" || !element.hasAttribute("href")) return;
    element.setAttribute("rel", "noopener noreferrer nofollow");
    element.setAttribute("target", "_blank");
  });
  return made;
}
