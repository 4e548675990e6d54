/** A text that somebody else wrote, drawn as Markdown by the view's painter. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { View } from "./view.js";

interface Props {
  class: string;
  text: string;
  streaming?: boolean;
  view: View;
}

export function Markdown({ class: name, text, streaming = false, view }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const { painter } = view;
  // Preact owns the element, the painter what is in it.
  useLayoutEffect(() => {
    if (ref.current) painter.want(ref.current, text, streaming);
  }, [painter, text, streaming]);
  useLayoutEffect(() => {
    const el = ref.current;
    return () => {
      if (el) painter.forget(el);
    };
  }, [painter]);
  return <div class={name} ref={ref} />;
}
