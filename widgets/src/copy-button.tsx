/** A button that puts a text on the clipboard and says for a moment whether it did. */
import { useEffect, useState } from "preact/hooks";
import { copy } from "./clipboard.js";

interface Props {
  text: () => string;
  label: string;
  /** What a screen reader hears; the label alone does not say of what. */
  name?: string;
  say: (text: string) => void;
}

export function CopyButton({ text, label, name = label, say }: Props) {
  const [result, setResult] = useState("");
  useEffect(() => {
    if (!result) return;
    const timer = setTimeout(() => setResult(""), 1_500);
    return () => clearTimeout(timer);
  }, [result]);
  const click = async () => {
    const outcome = (await copy(text())) ? "Copied" : "Not copied";
    setResult(outcome);
    say(outcome);
  };
  return (
    <button type="button" class="wb-button wb-copy" aria-label={name} onClick={click}>
      {result || label}
    </button>
  );
}
