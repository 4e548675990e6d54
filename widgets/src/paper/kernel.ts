/** A page's questions to the kernel, and the answers to them. Every string of an answer is made harmless here, once. */
import { visible } from "../markdown/visible.js";
import type { PartModel } from "../parts.js";
import type { FromKernel, Wish } from "./protocol.js";

export interface Reply<T> {
  facts: T;
  buffers: DataView[];
}

interface Waiting {
  resolve: (reply: Reply<unknown>) => void;
  reject: (error: Error) => void;
}

/** Replies go to all pages; this tells whose they are. */
const PAGE = `${Math.random().toString(36).slice(2)}-`;
let asks = 0;

export class Kernel {
  readonly #model: PartModel;
  readonly #waiting = new Map<string, Waiting>();

  constructor(model: PartModel) {
    this.#model = model;
    model.on("msg:custom", this.#take);
  }

  close(): void {
    this.#model.off("msg:custom", this.#take);
    this.#waiting.clear();
  }

  ask<T>(wish: Wish): Promise<Reply<T>> {
    const ask = `${PAGE}${++asks}`;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ask, { resolve: resolve as Waiting["resolve"], reject });
      try {
        this.#model.send({ ...wish, ask });
      } catch {
        this.#waiting.delete(ask);
        reject(new Error("The kernel is gone. Run the cell again."));
      }
    });
  }

  readonly #take = (message: { type: string }, buffers: DataView[]): void => {
    const { ask, ...reply } = message as FromKernel;
    const waiting = this.#waiting.get(ask);
    if (!waiting) return;
    this.#waiting.delete(ask);
    if (reply.type === "answer") waiting.resolve({ facts: cleaned(reply.facts), buffers: buffers ?? [] });
    else waiting.reject(new Error(visible(reply.text)));
  };
}

/** Facts whose strings hold nothing that one does not see. */
export function cleaned(value: unknown): unknown {
  if (typeof value === "string") return visible(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cleaned(each)]));
}
