/** A debate about the paper, in the player of dialogues. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Snapshot } from "../protocol.js";
import type { Desk } from "./app.js";
import { Nothing } from "./app.js";
import { useAsked } from "./asked.js";

export function DebateTab({ desk, dialogue }: { desk: Desk; dialogue: string }) {
  if (!dialogue) return <p class="wb-pad wb-soft">Nobody has debated this paper yet.</p>;
  return <Debate key={dialogue} desk={desk} dialogue={dialogue} />;
}

function Debate({ desk, dialogue }: { desk: Desk; dialogue: string }) {
  const asked = useAsked<Snapshot>(desk.kernel, { type: "debate", dialogue });
  const snapshot = asked.reply?.facts;
  const box = useRef<HTMLDivElement>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const el = box.current;
    if (!el || !snapshot) return;
    try {
      return desk.core.replay(el, snapshot);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  }, [snapshot, desk.core]);
  if (!snapshot || asked.trouble || trouble) return <Nothing {...asked} trouble={asked.trouble || trouble} />;
  return <div class="wb-debate" ref={box} />;
}
