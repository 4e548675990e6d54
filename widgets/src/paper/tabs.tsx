/** Tabs, worked by arrow keys as one knows them. */
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";

interface Props<T extends string> {
  titles: readonly T[];
  shown: T;
  show: (title: T) => void;
  label: string;
  children: ComponentChildren;
}

export function Tabs<T extends string>({ titles, shown, show, label, children }: Props<T>) {
  const list = useRef<HTMLDivElement>(null);
  const name = useId();
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = titles[(titles.indexOf(shown) + by + titles.length) % titles.length] as T;
    show(next);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[titles.indexOf(next)]?.focus();
  };
  return (
    <>
      <div class="wb-tabs" role="tablist" aria-label={label} ref={list} onKeyDown={step}>
        {titles.map((title) => (
          <button
            key={title}
            type="button"
            role="tab"
            id={`${name}-${title}`}
            aria-controls={name}
            aria-selected={title === shown}
            tabIndex={title === shown ? 0 : -1}
            class="wb-tab"
            onClick={() => show(title)}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="wb-tab-panel wb-scroll" role="tabpanel" id={name} aria-labelledby={`${name}-${shown}`}>
        {children}
      </div>
    </>
  );
}
