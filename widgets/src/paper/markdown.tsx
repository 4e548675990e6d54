/** What a model wrote, drawn by the core, which sanitises it. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Core } from "../parts.js";

export function Markdown({ core, text }: { core: Core; text: string }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    el.replaceChildren();
    core.markdown(el, text);
  }, [core, text]);
  return <div class="wb-answer" ref={box} />;
}
