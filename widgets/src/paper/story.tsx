/** What happened to the paper, from the shelf to the decision. */
import { money } from "../words.js";
import type { Happening, Paper } from "./protocol.js";
import { day } from "./words.js";

interface Props {
  paper: Pick<Paper, "history">;
  debate: (dialogue: string) => void;
}

export function StoryTab({ paper, debate }: Props) {
  return (
    <ol class="wb-pad wb-story">
      {paper.history.map((happening) => (
        <Entry key={`${happening.at} ${happening.what} ${happening.link}`} happening={happening} debate={debate} />
      ))}
    </ol>
  );
}

function Entry({ happening, debate }: { happening: Happening; debate: Props["debate"] }) {
  const { at, what, text, who, cost, link } = happening;
  const spoken = link && (what === "asked" || what === "summarised");
  const facts = [who, cost !== null && money(cost)].filter(Boolean).join(" · ");
  return (
    <li>
      <time>{day(at)}</time>
      <div>
        <p class="wb-text">
          <b>{what}</b> {text}
        </p>
        <p class="wb-soft">
          {facts}
          {spoken && (
            <>
              {facts && " · "}
              <button type="button" class="wb-link" onClick={() => debate(link)}>
                dialogue {link}
              </button>
            </>
          )}
        </p>
      </div>
    </li>
  );
}
