/** The page that is looked at: its picture, what is marked on it, and the way to the others. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Nothing } from "./app.js";
import { useAsked } from "./asked.js";
import type { Kernel } from "./kernel.js";
import type { Mark } from "./marks.js";
import type { Reading } from "./paper.js";
import type { PageFacts } from "./protocol.js";

/** Where the reader looks. */
export interface Spot {
  page: number;
  /** Height on the page, points; null: its beginning, or the mark. */
  top: number | null;
  /** The mark that is looked at. */
  key: string | null;
  /** Counts, so that going to the same place again goes there again. */
  times: number;
}

const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];
const A4: [number, number] = [595, 842];

export function PageView({ reading, marks }: { reading: Reading; marks: Mark[] }) {
  const { paper, spot, go } = reading;
  const [zoom, setZoom] = useState(1);
  const [room, box] = useRoom();
  const pages = paper.sizes.length || paper.pages;
  const page = Math.max(1, Math.min(spot.page, pages));
  const [wide, high] = paper.sizes[page - 1] ?? A4;
  const width = Math.round(room * zoom);
  const here = marks.filter((mark) => mark.boxes.some(([on]) => on === page));
  useLayoutEffect(() => {
    const el = box.current;
    if (!el || !width) return;
    const focused = el.querySelector<HTMLElement>("[data-current=true]");
    if (focused) showMark(el, focused);
    else el.scrollTo({ top: spot.top === null ? 0 : (spot.top / wide) * width, left: 0 });
    // When the zoom changes, the reader stays at the mark; hence also `width`.
  }, [spot.times, width]);
  const turn = (by: number) => {
    if (page + by >= 1 && page + by <= pages) go(page + by);
  };
  const scale = (by: 1 | -1) => setZoom(ZOOMS[ZOOMS.indexOf(zoom) + by] ?? zoom);
  const keys = (event: KeyboardEvent) => {
    const act = {
      ArrowLeft: () => turn(-1),
      ArrowRight: () => turn(1),
      "+": () => scale(1),
      "-": () => scale(-1),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return (
    <section class="wb-pages" aria-label="Pages">
      <div class="wb-tools" role="group" aria-label="Page and zoom">
        <Turn label="Previous page" sign="‹" off={page <= 1} click={() => turn(-1)} />
        <span class="wb-soft">
          Page <PageNumber page={page} pages={pages} go={go} /> of {pages}
        </span>
        <Turn label="Next page" sign="›" off={page >= pages} click={() => turn(1)} />
        <span class="wb-grow" />
        <Turn label="Smaller" sign="−" off={zoom === ZOOMS[0]} click={() => scale(-1)} />
        <button type="button" class="wb-button" title="As wide as there is room" onClick={() => setZoom(1)}>
          {Math.round(zoom * 100)} %
        </button>
        <Turn label="Larger" sign="+" off={zoom === ZOOMS.at(-1)} click={() => scale(1)} />
      </div>
      <div
        class="wb-scroll wb-desk"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        role="region"
        aria-label={`Page ${page} of ${pages}; arrow keys left and right turn pages`}
        onKeyDown={keys}
      >
        {width > 0 && (
          <div class="wb-sheet" style={{ width: `${width}px`, height: `${Math.round((width * high) / wide)}px` }}>
            <Picture
              kernel={reading.kernel}
              paper={paper.id}
              page={page}
              dpi={(width / wide) * 72 * (window.devicePixelRatio || 1)}
            />
            {here.map((mark) => (
              <Marked key={mark.key} mark={mark} page={page} size={[wide, high]} current={mark.key === spot.key} />
            ))}
          </div>
        )}
      </div>
    </section>
  );
}

/** How wide a page may be in the box, pixels. */
function useRoom() {
  const box = useRef<HTMLDivElement>(null);
  const [room, set] = useState(0);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    // Room for the scroll bar is always kept, so that it does not change the width by coming and going.
    const measure = () => set(Math.max(el.offsetWidth - 40, 0));
    measure();
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(measure);
    observer.observe(el);
    return () => observer.disconnect();
  }, []);
  return [room, box] as const;
}

/** Bring a mark into the middle of the box, and nothing outside the box into motion. */
function showMark(box: HTMLElement, mark: HTMLElement): void {
  const [outer, inner] = [box.getBoundingClientRect(), mark.getBoundingClientRect()];
  box.scrollBy({
    top: inner.top + inner.height / 2 - outer.top - outer.height / 2,
    left: inner.left + inner.width / 2 - outer.left - outer.width / 2,
  });
}

interface TurnProps {
  label: string;
  sign: string;
  off: boolean;
  click: () => void;
}

function Turn({ label, sign, off, click }: TurnProps) {
  return (
    <button
      type="button"
      class="wb-button"
      aria-label={label}
      title={label}
      aria-disabled={off}
      onClick={() => !off && click()}
    >
      {sign}
    </button>
  );
}

function PageNumber({ page, pages, go }: { page: number; pages: number; go: Reading["go"] }) {
  const enter = (event: Event & { currentTarget: HTMLInputElement }) => {
    const wanted = Number(event.currentTarget.value);
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= pages) go(wanted);
    else event.currentTarget.value = String(page);
  };
  return (
    <input
      type="number"
      class="wb-input wb-number"
      aria-label="Page number"
      min={1}
      max={pages}
      value={page}
      onChange={enter}
      onKeyDown={(event) => event.stopPropagation()}
    />
  );
}

interface PictureProps {
  kernel: Kernel;
  paper: string;
  page: number;
  dpi: number;
}

/** The last picture of a page stays, stretched, until a finer one is there. */
function Picture({ kernel, paper, page, dpi }: PictureProps) {
  // The kernel renders in such steps, so a window that is a little wider needs no other picture.
  const asked = useAsked<PageFacts>(kernel, { type: "page", paper, page, dpi: Math.ceil(dpi / 24) * 24 });
  const [png] = asked.reply?.buffers ?? [];
  const url = useMemo(
    () => (png ? URL.createObjectURL(new Blob([png as DataView<ArrayBuffer>], { type: "image/png" })) : ""),
    [png],
  );
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  if (asked.trouble) return <Nothing {...asked} />;
  if (!url || asked.reply?.facts.page !== page)
    return asked.slow ? <Nothing {...asked} /> : <p class="wb-coming">Page {page}…</p>;
  return (
    <>
      <img src={url} alt={`Page ${page}`} draggable={false} />
      <p class="wb-hear">{asked.reply.facts.text}</p>
    </>
  );
}

interface MarkedProps {
  mark: Mark;
  page: number;
  size: [number, number];
  current: boolean;
}

/** A mark's lines on one page. */
function Marked({ mark, page, size: [wide, high], current }: MarkedProps) {
  return (
    <>
      {mark.boxes
        .filter(([on]) => on === page)
        .map(([, x0, y0, x1, y1]) => (
          <div
            key={`${x0} ${y0}`}
            class="wb-marked"
            data-of={mark.of}
            data-current={current}
            role="img"
            aria-label={mark.label}
            title={mark.label}
            style={{
              left: `${(x0 / wide) * 100}%`,
              top: `${(y0 / high) * 100}%`,
              width: `${((x1 - x0) / wide) * 100}%`,
              height: `${((y1 - y0) / high) * 100}%`,
            }}
          />
        ))}
    </>
  );
}
