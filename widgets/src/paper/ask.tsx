/** Asking the paper: a model answers from passages of it, and each quote of the answer is looked up. */
import { useEffect, useState } from "preact/hooks";
import { typed } from "../box.js";
import { count, money } from "../words.js";
import { Markdown } from "./markdown.js";
import { quoteMarks } from "./marks.js";
import type { Reading } from "./paper.js";
import type { Answer } from "./protocol.js";
import { QuoteView } from "./quote.js";

export function AskTab({ reading, shown }: { reading: Reading; shown: boolean }) {
  const { kernel, paper, mark, say } = reading;
  const [form, setForm] = useState({ text: "", model: "", budget: "" });
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [answers, setAnswers] = useState<Answer[]>([]);
  useEffect(() => {
    if (shown && answers.length) mark(quoteMarks(answers.flatMap(({ quotes }) => quotes)));
  }, [shown, answers]);
  if (!paper.asks) {
    return (
      <p class="wb-pad wb-soft">
        This panel cannot ask models. <code>%paper panel</code> opens one that can.
      </p>
    );
  }
  const send = async () => {
    if (busy) return;
    if (!form.text.trim()) return setTrouble("Write a question first.");
    const budget = form.budget.trim() ? Number(form.budget) : null;
    if (budget !== null && !(budget > 0)) return setTrouble("The ceiling is an amount in USD, such as 0.05.");
    setBusy(true);
    setTrouble("");
    try {
      const { facts } = await kernel.ask<Answer>({
        type: "question",
        paper: paper.id,
        text: form.text,
        model: form.model,
        budget,
      });
      setAnswers((before) => [facts, ...before]);
      setForm((before) => ({ ...before, text: "" }));
      say("The answer is there.");
    } catch (error) {
      setTrouble((error as Error).message);
    }
    setBusy(false);
  };
  const write = (name: keyof typeof form) => (event: Event & { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
    setForm({ ...form, [name]: event.currentTarget.value });
  const keys = typed(() => void send());
  return (
    <div class="wb-pad">
      <textarea
        class="wb-box"
        rows={3}
        aria-label="Question"
        placeholder="What would you like to know from this paper?"
        value={form.text}
        onInput={write("text")}
        onKeyDown={keys}
      />
      <div class="wb-row">
        <input
          class="wb-input wb-grow"
          aria-label="Model"
          placeholder="The default model"
          value={form.model}
          onInput={write("model")}
          onKeyDown={keys}
        />
        <input
          class="wb-input wb-number"
          aria-label="Spend at most, USD"
          placeholder="max $"
          inputMode="decimal"
          value={form.budget}
          onInput={write("budget")}
          onKeyDown={keys}
        />
        <button type="button" class="wb-button" aria-disabled={busy} onClick={() => void send()}>
          {busy ? "Asking…" : "Ask"}
        </button>
      </div>
      {trouble && (
        <p class="wb-trouble" role="alert">
          {trouble}
        </p>
      )}
      {answers.map((answer) => (
        <Answered key={answer.dialogue} answer={answer} reading={reading} />
      ))}
    </div>
  );
}

function Answered({ answer, reading }: { answer: Answer; reading: Reading }) {
  const { question, quotes, dialogue, cost } = answer;
  const verified = quotes.filter(({ status }) => status === "verified").length;
  return (
    <article class="wb-answered">
      <h3>{question}</h3>
      <Markdown core={reading.core} text={answer.answer} />
      {quotes.map((quote, place) => (
        <QuoteView key={place} quote={quote} reading={reading} />
      ))}
      <p class="wb-soft">
        {quotes.length ? `${verified} of ${count(quotes.length, "quote")} verified` : "No quotes"} · {money(cost)} ·{" "}
        <button type="button" class="wb-link" onClick={() => reading.debate(dialogue)}>
          dialogue {dialogue}
        </button>
      </p>
    </article>
  );
}
