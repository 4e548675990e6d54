/**
 * Draws the panel without a kernel: `harness.html?scene=running&theme=dark`. Not shipped.
 *
 * `node build.mjs --harness` builds it. `window.harness` lets a script drive it; `harness.load()` measures how the page holds
 * when many speakers talk fast.
 */
import panels from "./src/index.js";
import type { DialogueFacts, Snapshot, ToKernel, TurnFacts } from "./src/protocol.js";
import { replay } from "./src/replay.js";
import { begun, callFacts, childFacts, dialogueFacts, FakeModel, plan, ROLES, speakers, turnFacts } from "./test/play.js";

const now = (): number => Date.now() / 1000;

const PARAGRAPHS = [
  "Open weights let **anyone** look inside. A closed model asks for trust; an open one can be *checked*, and what can be checked can be mended.",
  "Three things follow:\n\n1. Faults are found by more eyes.\n2. No single company decides what counts as safe.\n3. Research does not stop when an interface is switched off.",
  "Con says that a model once released can never be recalled. That is true, and it is also true of every scientific paper. The question is what the release makes possible that was not possible before.",
  "```python\ndef risk(release: float, marginal: float) -> float:\n    # what counts is the difference\n    return release * marginal\n```",
  "| Claim | Answered |\n|---|---|\n| More eyes | yes |\n| No recall | in part |\n\nThe expected harm is $p \\cdot h$, so a small $p$ does not help when $h$ is large.",
];

const textOf = (place: number, parts = 2): string =>
  Array.from({ length: parts }, (_, part) => PARAGRAPHS[(place + part) % PARAGRAPHS.length]).join("\n\n");

function turns(number: number, roles: number, parts = 2): TurnFacts[] {
  const began = now() - number * 8;
  return plan(number, roles).map(({ id, index, role, title, round }, place) => {
    const started = began + place * 8;
    const model = speakers(roles)[place % roles]?.model ?? "local";
    return turnFacts({
      id,
      index,
      role,
      title,
      round,
      model,
      served: model,
      text: textOf(place, parts),
      started_at: started,
      latency: 6.4,
      tokens: 300 + place,
      cost: 0.0031,
      calls: [callFacts({ model, started_at: started, total: 6.2, first_token: 0.8, tokens: 300 + place, cost: 0.0031 })],
    });
  });
}

const END = { stop: false, pause: false, unpause: false, resume: false };

function facts(all: TurnFacts[], planned: number, roles: number, more: Partial<DialogueFacts> = {}): Snapshot {
  const tokens = all.reduce((sum, turn) => sum + (turn.tokens ?? 0), 0);
  const dialogue = dialogueFacts({
    planned: plan(planned, roles),
    speakers: speakers(roles),
    turns: all.filter((turn) => turn.status === "completed").length,
    calls: all.length,
    tokens,
    prompt_tokens: tokens - 900,
    completion_tokens: 900,
    cost: all.length * 0.0031,
    ran: all.length * 7,
    now: now(),
    ...more,
  });
  return { n: 0, dialogue, turns: all };
}

const ended = (status: DialogueFacts["status"], reason: string | null, resume = true): Partial<DialogueFacts> => ({
  status,
  reason,
  live: false,
  can: { ...END, resume },
});

function partial(id: number, roles: number, more: Partial<TurnFacts>): TurnFacts {
  const { index, role, title, round } = plan(id, roles)[id - 1] as {
    index: number;
    role: string;
    title: string;
    round: number;
  };
  const model = speakers(roles)[(id - 1) % roles]?.model ?? "local";
  return begun({ id: `t${id}`, index, role, title, round, model, started_at: now() - 12, ...more });
}

const failures = [
  callFacts({ outcome: "rate_limit", error: "429: too many requests, retry after 2 s", tokens: null, cost: null }),
  callFacts({ attempt: 2, outcome: "timeout", error: "no answer in 30 s", tokens: null, cost: null }),
];

/** What the panel can look like. */
const SCENES: Record<string, () => Snapshot | null> = {
  nothing: () => null,
  empty: () => facts([], 7, 3),
  waiting: () => facts([partial(1, 3, {})], 7, 3),
  running: () => {
    const all = turns(5, 3);
    const fourth = all[3] as TurnFacts;
    Object.assign(fourth, {
      served: "gpt-mini",
      reasoning: "The other side has not answered the second point, so press it.",
      calls: [...failures, callFacts({ model: "gpt-mini", fallback_reason: "claude failed twice: rate limit, then timeout" })],
    });
    return facts([...all, partial(6, 3, { text: textOf(2, 1) })], 9, 3);
  },
  thinking: () => facts([...turns(2, 3), partial(3, 3, { reasoning: "Both sides rest on the same premise …" })], 9, 3),
  parallel: () => facts([...turns(3, 3), ...[4, 5, 6].map((id) => partial(id, 3, { text: textOf(id, 1) }))], 9, 3),
  paused: () => facts(turns(4, 3), 9, 3, { paused: true, can: { ...END, stop: true, unpause: true } }),
  completed: () => facts(turns(7, 3), 7, 3, ended("completed", null, false)),
  failed: () => {
    const all = turns(3, 3);
    const error = "authentication: the key for anthropic was refused";
    const bad = partial(4, 3, {
      status: "failed",
      text: "",
      error,
      hint: "Set ANTHROPIC_API_KEY and resume.",
      latency: 0.4,
      calls: failures,
    });
    return facts([...all, bad], 7, 3, ended("failed", `Pro, round 2 failed. ${error}`));
  },
  cancelled: () =>
    facts(
      [...turns(4, 3), partial(5, 3, { status: "cancelled", text: textOf(0, 1), latency: 3 })],
      7,
      3,
      ended("cancelled", null),
    ),
  cost: () =>
    facts(turns(4, 3), 9, 3, ended("cost_limited", "The ceiling of $0.05 would be passed by Con, round 2 (up to $0.021).")),
  interrupted: () =>
    facts([...turns(4, 3), partial(5, 3, { text: textOf(1, 1) })], 9, 3, { live: false, can: { ...END, resume: true } }),
  ten: () => facts([...turns(14, 10), partial(15, 10, { text: textOf(3, 1) })], 30, 10),
  many: () => facts(turns(200, 3), 200, 3, ended("completed", null, false)),
  silent: () => facts([...turns(2, 2), turnFacts({ id: "t3", index: 3, title: "Pro, round 2", text: "" })], 4, 2),
};

const CAN = { ...END, stop: true, pause: true, interject: true, call_on: true, skip: true, fork: true };
const topics = [
  "What does it cost to run a model of ones own?",
  "Who is liable when an open model does harm?",
  "Which figures exist on misuse?",
];

/** A turn that opened three sub-dialogues: one runs, one waits for a person, one has ended. */
function family(): Snapshot {
  const spawn = partial(4, 3, { title: "Research", role: "research", model: "sub-dialogues" });
  const [one, two, three] = topics.map((topic, place) =>
    childFacts({ id: `c${place + 1}`, turn: spawn.id, topic, turns: place, planned: 5 }),
  );
  const children = [
    { ...one, turns: 2 },
    { ...two, waits: true, speaker: null },
    { ...three, status: "completed", live: false, turns: 5 },
  ] as DialogueFacts["children"];
  const talk = [...turns(2, 2, 1), partial(3, 2, { text: textOf(1, 1) })];
  const answer = partial(3, 2, {
    waits: "answer",
    person: true,
    model: "person",
    asked: { prompt: textOf(0, 2), fields: null },
  });
  const other = (id: string, topic: string, all: TurnFacts[], more = {}) => ({
    dialogue: { ...facts(all, 5, 2).dialogue, id, mode: "chat", topic, can: CAN, ...more },
    turns: all,
  });
  const others = [
    other("c1", topics[0] ?? "", talk),
    other("c2", topics[1] ?? "", [...turns(2, 2, 1), answer], { waits: true }),
  ];
  return { ...facts([...turns(3, 3, 1), spawn], 7, 3, { children, can: CAN } as Partial<DialogueFacts>), others };
}

const fields = [
  { name: "next", kind: "choice" as const, about: "Who goes on", required: true, choices: ["critic", "engineer", "done"] },
  { name: "score", kind: "number" as const, about: "From 1 to 10", required: true, choices: [] },
  { name: "why", kind: "text" as const, about: "", required: false, choices: [] },
];

const asks = (more: Partial<TurnFacts>): Snapshot =>
  facts([...turns(2, 3, 1), partial(3, 3, more)], 7, 3, { waits: true, can: CAN });

Object.assign(SCENES, {
  family,
  answer: () => asks({ waits: "answer", person: true, model: "person", asked: { prompt: textOf(0, 1), fields: null } }),
  choice: () => asks({ waits: "answer", person: true, model: "person", asked: { prompt: "Who goes on?", fields } }),
  approval: () => asks({ waits: "approval", text: textOf(1, 1) }),
  fork: () =>
    facts([...turns(4, 3, 1).map((turn, place) => ({ ...turn, edited: place === 1 })), partial(5, 3, {})], 7, 3, { can: CAN }),
});

const NODES = [
  {
    id: "3f9a12bc77de",
    depth: 0,
    status: "running" as const,
    facts: "debate: Open weights make models safer; running, 4 turns, $0.0124",
  },
  { id: "c1", depth: 1, status: "running" as const, facts: `chat: ${topics[0]}; running, 2 turns, $0.002` },
  {
    id: "77aa00112233",
    depth: 1,
    status: "completed" as const,
    facts: "from con_2; judge=gpt-mini; completed, 7 turns, $0.021",
  },
  { id: "88aa00112233", depth: 2, status: "failed" as const, facts: "from judge; rounds=3; failed, 3 turns, cost unknown" },
];

const query = new URLSearchParams(location.search);
const scene = query.get("scene") ?? "running";
document.body.dataset.jpThemeLight = String(query.get("theme") !== "dark");
const el = document.getElementById("panel") as HTMLElement;
el.style.maxWidth = query.has("width") ? `${query.get("width")}px` : "none";

const first = (SCENES[scene] ?? SCENES.running)?.() ?? null;

/** It has the optional renderer to give, as the kernel does. */
class RichModel extends FakeModel {
  override send(message: ToKernel): void {
    super.send(message);
    if (message.type === "tree") setTimeout(() => this.say({ type: "tree", nodes: NODES }));
    if (message.type !== "rich") return;
    const answer = fetch("dist/rich.js").then((response) => response.text());
    void answer.then((source) => this.say({ type: "rich", source }));
  }
}

const model = new RichModel(first);
if (scene === "replay") replay(el, SCENES.completed?.() as Snapshot);
else if (scene === "unknown") panels.render({ model: new FakeModel(first, "graph"), el });
else {
  const widget = panels();
  widget.initialize({ model });
  widget.render({ model, el });
  if (first && !query.has("lost")) model.say({ type: "snapshot", ...first });
}

interface Load {
  speakers?: number;
  deltas?: number;
  seconds?: number;
  before?: number;
  perSecond?: number;
}

/** Let speakers talk: `deltas` a second altogether, sent in `perSecond` updates; says how the page held. */
async function load({ speakers: roles = 10, deltas = 2_000, seconds = 6, before = 0, perSecond = 15 }: Load = {}) {
  const old = turns(before, roles);
  const talking = ROLES.slice(0, roles).map((role, place) =>
    begun({
      id: `t${before + place + 1}`,
      index: before + place + 1,
      role,
      title: `${role}, live`,
      model: "local",
      started_at: now(),
    }),
  );
  model.say({ type: "snapshot", ...facts([...old, ...talking], before + roles, roles) });
  await new Promise((done) => setTimeout(done, 1_500));
  const words = textOf(0, 5).split(/(?<=\s)/);
  const frames: number[] = [];
  const tasks: number[] = [];
  const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
  watch.observe({ type: "longtask" });
  const began = performance.now();
  let last = began;
  let sent = 0;
  let n = 0;
  return new Promise<object>((done) => {
    const send = () => {
      const due = Math.floor(((performance.now() - began) / 1000) * deltas);
      const appended = new Map<string, string>();
      for (; sent < due; sent += 1) {
        const id = talking[sent % roles]?.id ?? "";
        appended.set(id, (appended.get(id) ?? "") + words[Math.floor(sent / roles) % words.length]);
      }
      n += 1;
      model.say({ type: "update", n, turns: [...appended].map(([id, append]) => ({ id, append })) });
    };
    const timer = setInterval(send, 1000 / perSecond);
    const frame = (time: number) => {
      frames.push(time - last);
      last = time;
      if (time - began < seconds * 1000) return requestAnimationFrame(frame);
      clearInterval(timer);
      watch.disconnect();
      frames.sort((a, b) => a - b);
      done({
        deltas: sent,
        characters: el.querySelector(".wb-turns")?.textContent?.length,
        frames: frames.length,
        median: frames[Math.floor(frames.length / 2)],
        p99: frames[Math.floor(frames.length * 0.99)],
        longest: frames.at(-1),
        longTasks: tasks.length,
        longestTask: Math.max(0, ...tasks),
      });
    };
    requestAnimationFrame(frame);
  });
}

Object.assign(window, { harness: { model, load, scenes: Object.keys(SCENES) } });
