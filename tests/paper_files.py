"""Sample papers with their truth, PDFs made for a purpose, and a local arXiv that speaks its Atom API."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse
from xml.sax.saxutils import escape

sys.modules.setdefault("pymupdf.layout", None)  # PyMuPDF would load a model that no test needs

SAMPLES = Path(__file__).parent.parent / "papers" / "samples"
TRUTH: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))


def pdf_of(*pages: str, **options: Any) -> bytes:
    """A plain PDF, one text a page, its lines as given; `options` go to `Page.insert_text`."""
    import pymupdf

    document = pymupdf.open()
    for text in pages:
        page = document.new_page()
        if text:  # of an empty one PyMuPDF complains in a stream that may be closed by now
            page.insert_text((72, 90), text.split("\n"), **{"fontsize": 10} | options)
    return document.tobytes()


ENTRY = """<entry><id>http://arxiv.org/abs/{id}</id><updated>2023-06-01T00:00:00Z</updated><published>2023-05-09T00:00:00Z</published>
<title>{title}</title><summary>{abstract}</summary>{authors}<arxiv:doi>10.1000/river.7</arxiv:doi>
<link href="http://arxiv.org/abs/{id}" rel="alternate" type="text/html"/>
<link title="pdf" href="http://arxiv.org/pdf/{id}" rel="related" type="application/pdf"/>
<arxiv:primary_category term="cs.CY"/><category term="cs.CY"/></entry>"""
FEED = """<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"><id>x</id><title>x</title><updated>2023-06-01T00:00:00Z</updated>
<opensearch:totalResults>{n}</opensearch:totalResults><opensearch:startIndex>0</opensearch:startIndex>
<opensearch:itemsPerPage>{n}</opensearch:itemsPerPage>{entries}</feed>"""


class FakeArxiv:
    """A server with one paper, 2305.01234 in two versions, and its PDF.

    Attributes:
        faults: answers, by status code, that are given before the right ones.
        asked: the paths that were asked for.
    """

    title, abstract = "Waiting for the Water: the Published Title", "Gauges & gates."
    authors = ("Grace O'Malley", "Hélène Brasseur")

    def __init__(self) -> None:
        self.faults: list[int] = []
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if outer.faults:
                    self.send_error(outer.faults.pop(0))
                    return
                kind, body = outer.answer(self.path)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str) -> tuple[str, bytes]:
        if path.startswith("/pdf/"):
            return "application/pdf", (SAMPLES / "arxiv.pdf").read_bytes()
        query = parse_qs(urlparse(path).query)
        wanted = query.get("id_list", [""])[0]
        known = "2305.01234" in wanted or "river" in query.get("search_query", [""])[0]
        version = wanted if "v" in wanted else "2305.01234v2"
        authors = "".join(f"<author><name>{escape(name)}</name></author>" for name in self.authors)
        entry = ENTRY.format(id=version, title=escape(self.title), abstract=escape(self.abstract), authors=authors)
        entries = entry if known else ""
        return "application/atom+xml", FEED.format(n=int(known), entries=entries).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
