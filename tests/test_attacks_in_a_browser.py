"""The attacks of attacks.json in a real browser: in a cell's static output, in the live panel, and in a saved page from disk.

Every name leads to a server here that counts who comes. The pages have no policy of their own, but for the saved one, so that
what holds is the sanitising and nothing else.
"""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lab import FLAGS, require_chromium

from workbench.dialogue import Transcript
from workbench.dialogue.export.as_html import fragment
from workbench.dialogue.export.as_replay import to_replay
from workbench.events import (
    Call,
    CallEnded,
    CallStarted,
    DialogueEnded,
    DialogueStarted,
    Status,
    Timings,
    TurnCompleted,
    TurnStarted,
)
from workbench.panels.bundle import STATIC
from workbench.panels.facts import snapshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ATTACKS = json.loads((Path(__file__).parent / "attacks.json").read_text(encoding="utf-8"))
LONGEST = 4_000
"""Characters of a repeated attack: hundreds of turns on one page need not each be a whole one."""
TEXTS = [(a["text"] * a.get("times", 1))[: LONGEST if "times" in a else None] for a in ATTACKS]
TEXTS = [text for text in TEXTS if text.strip()]
AT = 1_700_000_000.0
TLS = b"\x16"
"""The first byte of a handshake."""


AUDIT = """
(root) => {
  const frame = new Set("div section header details summary style b h3 button svg path main p span ul li".split(" "));
  const text = new Set(("a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong sub sup table tbody td th thead "
    + "tr ul math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd "
    + "mtext mtr munder munderover").split(" "));
  const faults = [];
  const said = new Set(root.querySelectorAll(".wb-said *, .wb-answer *, .wb-thought *, details:not(.wb-reasoning, .wb-part) *"));
  const outer = root.getBoundingClientRect();
  const seen = (element) => {
    let { left, right, top, bottom } = element.getBoundingClientRect();
    for (let at = element.parentElement; at && at !== root.parentElement; at = at.parentElement) {
      const style = getComputedStyle(at);
      const clips = style.overflowX !== "visible" || style.overflowY !== "visible" || /paint|content|strict/.test(style.contain);
      if (!clips) continue;
      const box = at.getBoundingClientRect();
      [left, right, top, bottom] = [Math.max(left, box.left), Math.min(right, box.right), Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return { left, right, top, bottom };
  };
  for (const element of root.querySelectorAll("*")) {
    const tag = element.localName;
    const model = said.has(element) && !element.closest("summary");
    if (model ? !text.has(tag) && !frame.has(tag) : ["script", "iframe", "object", "embed", "img", "form", "base", "link", "meta"].includes(tag))
      faults.push("element " + tag);
    for (const { name, value } of element.attributes) {
      if (/^on|^(id|name|src|srcset|srcdoc|xlink:href|action|formaction|ping|is|background|poster|autofocus)$/.test(name) && !element.closest(".wb-top, .wb-player"))
        faults.push(`${tag} ${name}=${value.slice(0, 60)}`);
      if (model && /^(style|data-.*|tabindex|contenteditable|accesskey|draggable)$/.test(name) && text.has(tag) && tag !== "p" && tag !== "li" && tag !== "ul" && tag !== "span")
        faults.push(`${tag} ${name}`);
      if (model && name === "class" && /(^|\\s)(?!wb-|hljs-)/.test(value)) faults.push(`class ${value}`);
    }
    if (tag === "a") { // ":" is the protocol of what is no address, and leads nowhere
      if (element.href && !["http:", "https:", "mailto:", ":"].includes(element.protocol)) faults.push("href " + element.href.slice(0, 80));
      if (element.href && (element.target !== "_blank" || !element.relList.contains("noopener"))) faults.push("opens here: " + element.href.slice(0, 80));
    }
    if (getComputedStyle(element).position === "fixed" && !element.matches(".wb-reasons")) faults.push("fixed " + tag);
    if (!model) continue;
    const { left, right, top, bottom } = seen(element);
    if (right - left > 0 && bottom - top > 0 && (left < outer.left - 1 || right > outer.right + 1 || top < outer.top - 1 || bottom > outer.bottom + 1))
      faults.push(`outside: ${tag} in ${element.closest("section")?.textContent.slice(0, 80)}`);
  }
  return [...new Set(faults)].slice(0, 20);
}
"""
OUTSIDE = "() => [...document.body.children].map((element) => element.id || element.localName)"

PANEL = """<!doctype html><meta charset="utf-8"><title>panel</title><link rel="stylesheet" href="/panels.css">
<body><div id="panel" style="width: 1000px"></div>
<script type="module">
import panels from "/panels.js";
const state = await (await fetch("/state.json")).json();
const rich = await (await fetch("/rich.js")).text();
const listeners = new Set();
const empty = { ...state, turns: [], dialogue: { ...state.dialogue, status: "running", live: true } };
const streamed = location.search === "?deltas";
const say = (message) => { for (const listener of [...listeners]) listener(message); };
const model = {
  get: (name) => ({ kind: "dialogue", snapshot: streamed ? empty : state })[name],
  on: (_, listener) => listeners.add(listener),
  off: (_, listener) => listeners.delete(listener),
  send(message) {
    if (message.type === "sync") setTimeout(() => say({ type: "snapshot", ...(streamed ? empty : state) }));
    if (message.type === "rich") setTimeout(() => say({ type: "rich", source: rich }));
    if (message.type === "tree") setTimeout(() => say({ type: "tree", nodes: state.nodes }));
  },
};
const widget = typeof panels === "function" ? await panels() : panels;
const context = { model, el: document.getElementById("panel"), signal: new AbortController().signal };
await widget.initialize?.(context);
await widget.render(context);
if (streamed) {
  await new Promise((done) => setTimeout(done, 100));
  let n = empty.n;
  const pieces = 9;
  say({ type: "update", n: ++n, turns: state.turns.map((turn) => ({ ...turn, text: "", reasoning: "", status: "running", latency: null })) });
  for (let piece = 0; piece < pieces; piece += 1) {
    const part = (text) => text.slice(Math.floor((text.length * piece) / pieces), Math.floor((text.length * (piece + 1)) / pieces));
    say({ type: "update", n: ++n, turns: state.turns.map(({ id, text, reasoning }) => ({ id, append: part(text), append_reasoning: part(reasoning) })) });
    await new Promise((done) => setTimeout(done, 50));
  }
  say({ type: "update", n: ++n, dialogue: { status: "completed", live: false }, turns: state.turns.map(({ id }) => ({ id, status: "completed", latency: 1 })) });
}
window.ready = true;
</script>"""


def attacked():
    """A dialogue in which every attack is said, every other one is thought, and the first is what it is about."""
    start = {"dialogue": "0123456789ab", "at": AT}
    events = [DialogueStarted(**start, seq=1, mode=TEXTS[0], topic=TEXTS[0] + TEXTS[7], run={})]
    for index, text in enumerate(TEXTS, start=1):
        turn = {"dialogue": "0123456789ab", "at": AT + index, "turn": f"t{index}", "seq": index * 4}
        thought = text if index % 2 else ""
        call = Call(id=f"c{index}", asked="small", model="small", provider="p", attempt=1, outcome="ok", started_at=AT + index,
                    timings=Timings(0.0, 0.1, 1.0), served="small", text=text, reasoning=thought)  # fmt: skip
        events.append(TurnStarted(**turn, index=index, role=f"role_{index % 3}", model="small"))
        events.append(CallStarted(**turn, call=call.id, model="small", attempt=1))
        events.append(CallEnded(**turn, call=call))
        events.append(TurnCompleted(**turn, text=text, reasoning=thought))
    events.append(
        DialogueEnded(dialogue="0123456789ab", at=AT + len(TEXTS) + 1, seq=10_000, status=Status.COMPLETED, reason=None)
    )
    return Transcript(events)


class Server(ThreadingHTTPServer):
    """Serves `pages`, and remembers every other visit, handshakes for https included."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages, self.hits = {"/favicon.ico": ("image/x-icon", b"")}, []


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def handle(self):
        greeting = self.connection.recv(4096, socket.MSG_PEEK)
        if greeting.startswith(TLS):
            # Chromium also has business of its own; all addresses in the corpus have this word in their names.
            self.server.hits += ["https"] * (b"example" in greeting)
            return
        super().handle()

    def do_GET(self):
        kind, body = self.server.pages.get(self.path.partition("?")[0], (None, b""))
        ours = self.headers["Host"].startswith("127.0.0.1:") and kind
        if not ours:
            self.server.hits.append(f"{self.headers['Host']}{self.path}")
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET  # noqa: N815 - names that the base class looks for

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def browser(server):
    from playwright.sync_api import sync_playwright

    path = require_chromium()
    with sync_playwright() as playwright:
        # Every name and every port but that of the server leads to the server, so that it sees who asks for whatever.
        rules = f"--host-resolver-rules=MAP * 127.0.0.1:{server.server_port}, EXCLUDE 127.0.0.1"
        chromium = playwright.chromium.launch(executable_path=path, args=[*FLAGS, rules])
        yield chromium
        chromium.close()


CHROMIUM_ITSELF = "update.googleapis.com/service/"
"""Chromium looks for updates of its own components now and then, whatever flags it is given."""


class Watched:
    """A page of which everything is remembered that an attack could bring about."""

    def __init__(self, browser, server):
        self.server = server
        self.context = browser.new_context(viewport={"width": 1200, "height": 900})
        self.page = self.context.new_page()
        self.requests, self.dialogs, self.complaints, self.moves = [], [], [], []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._dismiss)
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("framenavigated", lambda frame: self.moves.append(frame.url))
        self.seen = len(server.hits)

    def _dismiss(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def audit(self, root, allowed):
        """Assert that what stands in `root` does nothing and reaches nowhere."""
        assert self.page.evaluate(f"() => ({AUDIT})(document.querySelector({root!r}))") == []
        self.quiet(allowed)

    def quiet(self, allowed):
        assert self.page.evaluate("() => window.__pwned") is None
        assert self.dialogs == []
        assert self.complaints == []
        assert [url for url in self.requests if url not in allowed and not url.startswith("blob:")] == []
        assert [hit for hit in self.server.hits[self.seen :] if not hit.startswith(CHROMIUM_ITSELF)] == []
        assert len(self.moves) == 1
        assert len(self.context.pages) == 1

    def click_links(self, root):
        """Click what a model linked: this page stays where it is, and what opens knows nothing of it."""
        here, opened = self.page.url, []
        self.context.route("**/*", lambda route: route.abort())
        self.context.on("page", lambda page: opened.append(page))  # noqa: PLW0108 - Playwright takes no built-in methods
        links = self.page.locator(f"{root} a[href^=http]")
        count = links.count()
        assert count > 20
        for number in range(0, count, count // 10):
            self.page.evaluate("(link) => link.click()", links.nth(number).element_handle())
        self.page.wait_for_timeout(500)
        assert opened
        for page in opened:
            assert page.evaluate("() => window.opener === null")
            page.close()
        assert self.moves == [here]
        assert self.page.evaluate("() => window.__pwned") is None


@pytest.fixture
def watched(browser, server):
    watched = Watched(browser, server)
    yield watched
    watched.context.close()


def wait_until_drawn(page):
    """Wait until nothing but clocks has changed on the page for a while."""
    page.evaluate(
        """() => new Promise((done) => {
          let timer = setTimeout(done, 1500);
          const clock = ({ target }) => (target.parentElement ?? target).closest(".wb-clock");
          new MutationObserver((all) => { if (!all.every(clock)) { clearTimeout(timer); timer = setTimeout(done, 1500); } })
            .observe(document.body, { childList: true, subtree: true, characterData: true });
        })"""
    )


def test_the_static_output_of_a_cell(watched, server):
    body = fragment(attacked())
    server.pages["/static.html"] = (
        "text/html; charset=utf-8",
        f"<!doctype html><title>x</title>{body}<p id=end>end</p>".encode(),
    )
    url = f"http://127.0.0.1:{server.server_port}/static.html"
    watched.page.goto(url)
    assert watched.page.evaluate(OUTSIDE) == ["div", "end"]
    assert watched.page.locator(".wb-turn").count() == len(TEXTS)
    watched.page.evaluate("() => { for (const folded of document.querySelectorAll('details')) folded.open = true; }")
    watched.audit(".wb-transcript", {url})
    watched.click_links(".wb-transcript")


def test_the_static_output_put_into_a_page_as_jupyterlab_does(watched, server):
    server.pages["/empty.html"] = ("text/html; charset=utf-8", b"<!doctype html><title>x</title><div id=output></div>")
    url = f"http://127.0.0.1:{server.server_port}/empty.html"
    watched.page.goto(url)
    watched.page.evaluate(
        """(html) => {
          const output = document.getElementById("output");
          output.innerHTML = html;
          for (const script of output.querySelectorAll("script")) {
            const live = document.createElement("script");
            live.textContent = script.textContent;
            script.replaceWith(live);
          }
        }""",
        fragment(attacked()),
    )
    assert watched.page.evaluate(OUTSIDE) == ["output"]
    watched.audit(".wb-transcript", {url})


@pytest.mark.parametrize("how", ["snapshot", "deltas"])
def test_the_live_panel(watched, server, how):
    server.pages |= {
        "/panel.html": ("text/html; charset=utf-8", PANEL.encode()),
        "/panels.js": ("text/javascript", (STATIC / "panels.js").read_bytes()),
        "/panels.css": ("text/css", (STATIC / "panels.css").read_bytes()),
        "/rich.js": ("text/javascript", (STATIC / "rich.js").read_bytes()),
        "/state.json": ("application/json", json.dumps(snapshot(attacked())).encode()),
    }
    base = f"http://127.0.0.1:{server.server_port}"
    watched.page.goto(f"{base}/panel.html?{how}")
    watched.page.wait_for_function("() => window.ready", timeout=60_000)
    watched.page.evaluate("() => { for (const folded of document.querySelectorAll('details')) folded.open = true; }")
    wait_until_drawn(watched.page)
    assert watched.page.locator(".wb-turn .wb-answer").count() == len(TEXTS)
    assert watched.page.locator(".wb-answer math").count() > 5
    assert watched.page.locator(".wb-answer [class^=hljs]").count() > 5
    ours = {f"{base}/{name}" for name in (f"panel.html?{how}", "panels.js", "panels.css", "rich.js", "state.json")}
    watched.audit(".wb-panel", ours)
    if how == "snapshot":
        watched.click_links(".wb-panel")


def family():
    """A dialogue with a card for every attack, in one of which all are said, and a person who is asked all of them."""
    state = snapshot(attacked(), live=True, can=dict.fromkeys(("interject", "call_on", "skip", "fork"), True))
    asked = {"text": "", "status": "running", "waits": "answer", "person": True}
    turns = [turn | asked | {"asked": {"prompt": turn["text"], "fields": None}} for turn in state["turns"]]
    turns[0] |= {"model": "sub-dialogues", "served": None, "calls": [], "waits": None}
    fields = [{"name": text, "kind": "choice", "about": text, "required": True, "choices": TEXTS[:40]} for text in TEXTS[:40]]
    turns[1]["asked"]["fields"] = fields
    card = {"turn": turns[0]["id"], "live": True, "paused": False, "waits": True, "turns": 1, "planned": 2, "cost": None}
    card["status"] = "running"
    cards = [{**card, "id": f"c{n}", "mode": text, "topic": text, "speaker": text} for n, text in enumerate(TEXTS)]
    speakers = [{"role": text, "title": text, "model": text, "speaks": True} for text in TEXTS[:40]]
    facts = {"status": "running", "waits": True, "children": cards, "speakers": speakers}
    child = state["dialogue"] | {"id": "c0", "topic": TEXTS[0], "children": [], "reason": TEXTS[1], "speakers": speakers}
    nodes = [{"id": text, "depth": n % 9, "status": "running", "facts": text} for n, text in enumerate(TEXTS)]
    return {
        "n": 0,
        "dialogue": state["dialogue"] | facts,
        "turns": turns,
        "others": [{"dialogue": child, "turns": state["turns"]}],
        "nodes": nodes,
    }


def test_a_panel_with_sub_dialogues_a_person_and_a_tree(watched, server):
    server.pages |= {
        "/panel.html": ("text/html; charset=utf-8", PANEL.encode()),
        "/panels.js": ("text/javascript", (STATIC / "panels.js").read_bytes()),
        "/panels.css": ("text/css", (STATIC / "panels.css").read_bytes()),
        "/rich.js": ("text/javascript", (STATIC / "rich.js").read_bytes()),
        "/state.json": ("application/json", json.dumps(family()).encode()),
    }
    base = f"http://127.0.0.1:{server.server_port}"
    page = watched.page
    page.goto(f"{base}/panel.html?snapshot")
    page.wait_for_function("() => window.ready", timeout=60_000)
    page.locator(".wb-card-head").first.click()
    page.locator(".wb-inside [aria-label^=Fork]").first.evaluate("(button) => button.click()")
    page.evaluate("() => { for (const folded of document.querySelectorAll('details')) folded.open = true; }")
    wait_until_drawn(page)
    assert page.locator(".wb-card").count() == len(TEXTS)
    assert page.locator(".wb-inside .wb-answer").count() == len(TEXTS)
    assert page.locator(".wb-asked math").count() > 5
    assert page.locator(".wb-field .wb-button").count() == 40 * 40
    assert page.locator(".wb-part option").count() == 40
    assert page.locator(".wb-model-of").count() == 40
    ours = {f"{base}/{name}" for name in ("panel.html?snapshot", "panels.js", "panels.css", "rich.js", "state.json")}
    watched.audit(".wb-panel", ours)
    page.get_by_role("button", name="Tree", exact=True).click()
    page.locator(".wb-node").nth(len(TEXTS) - 1).wait_for(state="attached")
    watched.audit(".wb-panel", ours)
    page.locator(".wb-node").first.click()
    page.get_by_text("Opening the dialogue.").wait_for()
    watched.audit(".wb-panel", ours)


def test_a_saved_page_opened_from_disk(watched, tmp_path):
    transcript = attacked()
    html = to_replay(
        transcript,
        snapshot(transcript),
        bundle=(STATIC / "panels.js").read_text(encoding="utf-8"),
        css=(STATIC / "panels.css").read_text(encoding="utf-8"),
        rich=(STATIC / "rich.js").read_text(encoding="utf-8"),
    )
    file = tmp_path / "debate.html"
    file.write_text(html, encoding="utf-8")
    watched.page.goto(file.as_uri())
    watched.page.locator(".wb-player").wait_for(timeout=60_000)
    watched.page.evaluate("() => { for (const folded of document.querySelectorAll('details')) folded.open = true; }")
    wait_until_drawn(watched.page)
    assert watched.page.locator(".wb-turn .wb-answer").count() == len(TEXTS)
    assert watched.page.locator(".wb-answer math").count() > 5
    watched.audit(".wb-panel", {file.as_uri()})
    watched.page.locator(".wb-scrubber").evaluate(
        "(bar) => { bar.value = bar.max / 2; bar.dispatchEvent(new Event('input')); }"
    )
    wait_until_drawn(watched.page)
    assert 0 < watched.page.locator(".wb-turn").count() < len(TEXTS)
    watched.audit(".wb-panel", {file.as_uri()})


def test_a_saved_page_can_be_read_without_javascript(browser, server, tmp_path):
    html = to_replay(attacked(), {}, bundle="", css="", rich=None)
    (tmp_path / "debate.html").write_text(html, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "debate.html").as_uri())
    assert page.locator("#workbench-replay .wb-transcript .wb-turn").count() == len(TEXTS)
    context.close()


def test_the_watch_sees_what_it_is_there_to_see(watched, server):
    """An attack that is let through on purpose: without this, silence would prove nothing."""
    server.pages["/open.html"] = (
        "text/html; charset=utf-8",
        b"""<!doctype html><title>x</title><div class=root><img src='http://evil.example/x.png' onerror='window.__pwned=1'>
        <img src='https://evil.example/y.png'>
        <div class=wb-said><p style='position:fixed;left:-50px' onclick=x>a</p><a href='javascript:1'>b</a></div></div>""",
    )
    watched.page.goto(f"http://127.0.0.1:{server.server_port}/open.html")
    watched.page.wait_for_function("() => window.__pwned === 1")
    faults = watched.page.evaluate(f"() => ({AUDIT})(document.querySelector('.root'))")
    for fault in ("element img", "img onerror", "fixed p", "p onclick", "href javascript", "outside: p"):
        assert any(found.startswith(fault) for found in faults), fault
    assert "evil.example/x.png" in server.hits
    assert "https" in server.hits
    assert any("404" in complaint for complaint in watched.complaints)
