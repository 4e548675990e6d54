/**
 * The rich chunk: colours for code (highlight.js) and formulas (Temml). A bundle of its own, because most texts need neither.
 *
 * It registers itself under the symbol that `host.ts` looks for. What it returns is HTML that its caller sanitises.
 */
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import r from "highlight.js/lib/languages/r";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import temml from "temml";
import type { Rich } from "./host.js";

const LANGUAGES = { bash, cpp, css, diff, go, java, javascript, json, markdown, python, r, rust, sql, typescript, xml, yaml };
const ALIASES: Partial<Record<keyof typeof LANGUAGES, string[]>> = {
  bash: ["shell"],
  cpp: ["c", "h"],
  javascript: ["node"],
  python: ["python3", "ipython"],
};

for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);
for (const [languageName, names] of Object.entries(ALIASES)) hljs.registerAliases(names, { languageName });

/** Temml's own classes and styles would not pass the sanitiser: those that matter are said in ours. */
function inOurWords(mathml: string): string {
  return mathml
    .replace(/class="tml-(left|right)"/g, 'class="wb-$1"')
    .replace(/style="padding:3pt;border:1px solid;"/g, 'class="wb-boxed"');
}

/** Remember the last few hundred results: while a text grows, its last block is drawn over and over. */
function remembered<Key extends string | boolean>(
  make: (text: string, key: Key) => string | null,
): (text: string, key: Key) => string | null {
  const known = new Map<string, string | null>();
  return (text, key) => {
    const name = `${key} ${text}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= 300) known.clear();
    const made = make(text, key);
    known.set(name, made);
    return made;
  };
}

const rich: Rich = {
  highlight: remembered((code: string, language: string) => {
    if (!hljs.getLanguage(language)) return null;
    try {
      return hljs.highlight(code, { language, ignoreIllegals: true }).value;
    } catch {
      return null;
    }
  }),
  maths: remembered((tex: string, displayMode: boolean) => {
    try {
      const limits = { trust: false, maxExpand: 200, maxSize: [10, 10] as [number, number], macros: {} };
      return inOurWords(temml.renderToString(tex, { ...limits, displayMode, throwOnError: true }));
    } catch {
      return null;
    }
  }),
};

(globalThis as Record<symbol, unknown>)[Symbol.for("workbench.rich.v1")] = rich;
