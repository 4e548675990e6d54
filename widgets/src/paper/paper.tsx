/** One paper: what is known of it on the left, its pages on the right. */
import { useMemo, useState } from "preact/hooks";
import { Back, type Desk, Nothing } from "./app.js";
import { AskTab } from "./ask.js";
import { useAsked } from "./asked.js";
import { AssessmentTab } from "./assessment.js";
import { DebateTab } from "./debate.js";
import { FindTab } from "./find.js";
import { concernMark, type Mark } from "./marks.js";
import { OutlineTab } from "./outline.js";
import { PageView, type Spot } from "./pages.js";
import type { Paper } from "./protocol.js";
import { Standing } from "./standing.js";
import { StoryTab } from "./story.js";
import { SummariesTab } from "./summaries.js";
import { Tabs } from "./tabs.js";
import { byline, ids } from "./words.js";

/** What the tabs of a paper work with. */
export interface Reading extends Desk {
  paper: Paper;
  /** Where the reader looks. */
  spot: Spot;
  /** Go to a place: a page, and a height on it in points. */
  go: (page: number, top?: number | null) => void;
  /** Mark these, in place of what was marked. */
  mark: (marks: Mark[]) => void;
  /** Go to a mark. */
  look: (mark: Mark) => void;
  /** Show a debate. */
  debate: (dialogue: string) => void;
}

export function PaperView({ desk, id }: { desk: Desk; id: string }) {
  const asked = useAsked<Paper>(desk.kernel, { type: "paper", paper: id });
  const paper = asked.reply?.facts;
  return (
    <>
      <div class="wb-top">
        <div class="wb-tools">
          <Back desk={desk} />
          <span class="wb-topic wb-grow">{paper?.title ?? id}</span>
          {paper && <Standing row={paper} />}
          <button type="button" class="wb-button" onClick={asked.again}>
            Refresh
          </button>
        </div>
        {paper && (
          <p class="wb-soft">
            {byline(paper.authors, 8)} · {ids(paper)} · <code>{paper.id}</code>
          </p>
        )}
      </div>
      {!paper || asked.trouble ? <Nothing {...asked} /> : <Open desk={desk} paper={paper} />}
    </>
  );
}

const TITLES = ["Outline", "Find", "Ask", "Summaries", "Assessment", "Debate", "History"] as const;
type Title = (typeof TITLES)[number];

function Open({ desk, paper }: { desk: Desk; paper: Paper }) {
  const [tab, show] = useState<Title>("Outline");
  const [spot, setSpot] = useState<Spot>({ page: 1, top: null, key: null, times: 0 });
  const [marks, mark] = useState<Mark[]>([]);
  const [debated, debate] = useState(paper.assessments[0]?.dialogue ?? "");
  const concerns = useMemo(() => paper.flagged.map(concernMark), [paper]);
  const reading: Reading = {
    ...desk,
    paper,
    spot,
    go: (page, top = null) => setSpot({ page, top, key: null, times: spot.times + 1 }),
    mark,
    look: ({ page, key }) => setSpot({ page, top: null, key, times: spot.times + 1 }),
    debate: (dialogue) => {
      debate(dialogue);
      show("Debate");
    },
  };
  return (
    <div class="wb-open" data-wide={tab === "Debate"}>
      <Tabs titles={TITLES} shown={tab} show={show} label={`About ${paper.title}`}>
        <div hidden={tab !== "Outline"}>
          <OutlineTab reading={reading} concerns={concerns} />
        </div>
        <div hidden={tab !== "Find"}>
          <FindTab reading={reading} shown={tab === "Find"} />
        </div>
        <div hidden={tab !== "Ask"}>
          <AskTab reading={reading} shown={tab === "Ask"} />
        </div>
        {tab === "Summaries" && <SummariesTab core={desk.core} say={desk.say} paper={paper} />}
        {tab === "Assessment" && <AssessmentTab reading={reading} />}
        {tab === "Debate" && <DebateTab desk={desk} dialogue={debated || (paper.assessments[0]?.dialogue ?? "")} />}
        {tab === "History" && <StoryTab paper={paper} debate={reading.debate} />}
      </Tabs>
      {tab !== "Debate" && <PageView reading={reading} marks={[...concerns, ...marks]} />}
    </div>
  );
}
