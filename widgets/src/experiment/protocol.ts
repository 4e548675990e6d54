/** What the kernel tells a page of the experiment panel. The Python side is `workbench/panels/experiment_facts.py`. */

export interface ArmFacts {
  arm: string;
  total: number;
  ok: number;
  failed: number;
  fallbacks: number;
  /** Of the primary metric. */
  mean: number | null;
  /** Seconds. */
  latency: number | null;
  /** USD. */
  cost: number;
}

/** Cases, mean, low and high of the interval; the ends are null while there are too few cases for any. */
export type Look = [cases: number, mean: number, low: number | null, high: number | null];

export interface DifferenceFacts {
  arm: string;
  cases: number;
  planned: number;
  confidence: number;
  /** Cases after which a difference was shown; null while none is. */
  shown: number | null;
  trail: Look[];
}

export interface ErrorFacts {
  arm: string;
  text: string;
  count: number;
}

export interface ExperimentFacts {
  name: string;
  run: string | null;
  status: string;
  reason: string | null;
  now: number;
  hypothesis: string;
  primary: string;
  better: "higher" | "lower";
  margin: number | null;
  control: string;
  total: number;
  began: number | null;
  ended: number | null;
  arms: ArmFacts[];
  differences: DifferenceFacts[];
  /** The primary metric is known only after the observations. */
  later: boolean;
  errors: ErrorFacts[];
  can: { stop: boolean };
  /** Seconds. */
  eta: number | null;
  /** USD, judges included. */
  cost: number | null;
}
