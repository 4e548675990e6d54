/** A component's question: asked when it is another one, answered at the next drawing. */
import { useEffect, useState } from "preact/hooks";
import type { Kernel, Reply } from "./kernel.js";
import type { Wish } from "./protocol.js";

/** Milliseconds after which one says that the kernel takes its time. */
const PATIENCE = 4_000;

export interface Asked<T> {
  /** The last answer, also while the next one is awaited. */
  reply: Reply<T> | null;
  trouble: string;
  /** Whether the kernel takes long. */
  slow: boolean;
  again: () => void;
}

export function useAsked<T>(kernel: Kernel, wish: Wish): Asked<T> {
  const [state, set] = useState({ reply: null as Reply<T> | null, trouble: "", slow: false });
  const [times, setTimes] = useState(0);
  const key = JSON.stringify(wish);
  useEffect(() => {
    let over = false;
    const timer = setTimeout(() => set((before) => ({ ...before, slow: true })), PATIENCE);
    const take = (change: Partial<typeof state>) => {
      clearTimeout(timer);
      if (!over) set((before) => ({ ...before, trouble: "", slow: false, ...change }));
    };
    kernel.ask<T>(JSON.parse(key)).then(
      (reply) => take({ reply }),
      (error: Error) => take({ trouble: error.message }),
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [kernel, key, times]);
  return { ...state, again: () => setTimes(times + 1) };
}
