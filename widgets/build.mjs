/**
 * Builds what the Python package ships: panels.js with panels.css, the parts that it asks for (rich.js; papers.js
 * and experiments.js, each with its style), and LICENSES.txt.
 *
 * The same sources give the same bytes, so `node build.mjs --outdir DIR` and a comparison with what is committed tell whether
 * the committed files are current. `--sizes` prints how large they are, `--harness` builds what harness.html needs into dist/.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    outdir: { type: "string", default: join(here, "../workbench/panels/static") },
    sizes: { type: "boolean", default: false },
    harness: { type: "boolean", default: false },
  },
});
const outdir = options.harness ? join(here, "dist") : resolve(options.outdir);

/** Bundle one entry point; returns the package folders that ended up in it. */
async function bundle(entry, name, format) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    outfile: join(outdir, name),
    bundle: true,
    format,
    minify: true,
    target: "es2022",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    metafile: true,
    logLevel: "warning",
  });
  const shipped = Object.values(result.metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, input]) => (input.bytesInOutput > 0 ? [path] : [])),
  );
  return shipped.flatMap((path) => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []);
}

/** The licence texts of bundled packages, one after the other. */
function notices(folders) {
  const parts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    const files = readdirSync(join(here, folder))
      .filter((file) => /^(licen[sc]e|copying|notice)/i.test(file))
      .sort();
    if (!files.length) throw new Error(`${name} has no licence file`);
    const texts = files.map((file) =>
      readFileSync(join(here, folder, file), "utf8")
        .replaceAll("\r\n", "\n")
        .trim(),
    );
    return `${name} ${version} (${license.replace(/^\((.*)\)$/, "$1")})\n\n${texts.join("\n\n")}\n`;
  });
  return `The files in this folder contain the following packages.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

mkdirSync(outdir, { recursive: true });
const folders = await bundle("src/index.ts", "panels.js", "esm");
await bundle("src/styles/panels.css", "panels.css", undefined);
folders.push(...(await bundle("src/markdown/rich.ts", "rich.js", "iife")));
folders.push(...(await bundle("src/paper/index.tsx", "papers.js", "esm")));
await bundle("src/styles/papers.css", "papers.css", undefined);
folders.push(...(await bundle("src/experiment/index.tsx", "experiments.js", "esm")));
await bundle("src/styles/experiments.css", "experiments.css", undefined);
writeFileSync(join(outdir, "LICENSES.txt"), notices(folders));

if (options.harness) await bundle("harness.ts", "harness.js", "esm");

if (options.sizes)
  for (const name of readdirSync(outdir).sort()) {
    const bytes = readFileSync(join(outdir, name));
    console.log(`${relative(here, join(outdir, name))}  ${bytes.length}  gzip ${gzipSync(bytes, { level: 9 }).length}`);
  }
