/**
 * A short remark whose reasons show on hover and focus, and belong to the button for a screen reader.
 *
 * The box is a popover: the top layer is the one place where neither the turn nor the scroll box can cut it off.
 */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

/** `useId` counts per root, and a page has many. */
const prefix = `wb-${Math.random().toString(36).slice(2)}-`;
let badges = 0;

export function Badge({ label, kind, children }: { label: string; kind: string; children: ComponentChildren }) {
  const [id] = useState(() => `${prefix}${++badges}`);
  const box = useRef<HTMLDivElement>(null);
  const show = (event: Event) => {
    const el = box.current;
    if (!el?.showPopover || el.matches(":popover-open")) return;
    const from = (event.currentTarget as HTMLElement).getBoundingClientRect();
    el.showPopover();
    const { width, height } = el.getBoundingClientRect();
    const below = from.bottom + height + 8 < innerHeight;
    el.style.left = `${Math.max(4, Math.min(from.left, innerWidth - width - 8))}px`;
    el.style.top = `${below ? from.bottom + 4 : from.top - height - 4}px`;
  };
  const hide = () => {
    const el = box.current;
    if (el?.hidePopover && el.matches(":popover-open")) el.hidePopover();
  };
  return (
    <span class="wb-badge" data-kind={kind}>
      <button
        type="button"
        class="wb-remark"
        aria-describedby={id}
        onMouseEnter={show}
        onFocus={show}
        onMouseLeave={hide}
        onBlur={hide}
        onKeyDown={(event) => event.key === "Escape" && hide()}
      >
        {label}
      </button>
      <div class="wb-reasons" id={id} ref={box} role="tooltip" popover="manual">
        {children}
      </div>
    </span>
  );
}
