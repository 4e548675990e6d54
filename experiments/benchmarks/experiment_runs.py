"""A large experiment: 10,000 cases in 2 arms at a provider that takes 50 ms, 200 at once, killed half-way and resumed.

`python experiments/benchmarks/experiment_runs.py [--cases N] [--at-once N]` prints memory over time, the wall time beside the
same requests in a bare loop, and whether each observation is there once. The server counts what it is asked, in a process of
its own. `--engine dask` makes the same run on a Dask cluster of two processes, the record in PostgreSQL (that of the tests),
and kills one worker half-way instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DELAY = 0.05


def main() -> None:
    """Run all of it, or one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--engine", choices=["local", "dask"], default="local")
    parser.add_argument("--record", default="")
    parser.add_argument("--part", choices=["run", "resume", "bare", "server"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--url", default="")
    wanted = parser.parse_args()
    parts = {"run": _run, "resume": _run, "bare": _bare, "server": _server, None: _all}
    parts[wanted.part](wanted)


def _all(wanted: argparse.Namespace) -> None:
    total = 2 * wanted.cases
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, __file__, "--part", "server"], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        common = ["--cases", str(wanted.cases), "--at-once", str(wanted.at_once), "--folder", folder, "--url", url]
        try:
            bare = json.loads(_part("bare", common)[-1])["wall"]
            asked = _asked(url)
            began = time.perf_counter()
            if wanted.engine == "dask":
                _with_a_worker_killed(common, total)
                wall = time.perf_counter() - began
                print(json.dumps({"requests": _asked(url) - asked, "observations": total, "wall": wall, "bare": bare}))
                return
            first = subprocess.Popen([sys.executable, __file__, "--part", "run", *common], stdout=subprocess.PIPE, text=True)
            assert first.stdout is not None
            for line in first.stdout:
                print(line.rstrip(), flush=True)
                if json.loads(line).get("done", 0) >= total / 2:
                    first.send_signal(signal.SIGKILL)
                    break
            first.wait()
            half = _asked(url) - asked
            print(json.dumps({"killed": True, "requests": half}), flush=True)
            for line in _part("resume", common):
                print(line, flush=True)
            wall = time.perf_counter() - began
            print(json.dumps({"requests": _asked(url) - asked, "observations": total, "wall": wall, "bare": bare}))
        finally:
            server.kill()


def _with_a_worker_killed(common: list[str], total: int) -> None:
    import psutil

    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    from postgres_server import PostgresServer

    postgres = PostgresServer()
    postgres.start()
    try:
        command = [sys.executable, __file__, "--part", "run", "--engine", "dask", "--record", postgres.url(), *common]
        driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert driver.stdout is not None
        killed = False
        for line in driver.stdout:
            print(line.rstrip(), flush=True)
            if not killed and json.loads(line).get("done", 0) >= total / 2:
                children = psutil.Process(driver.pid).children(recursive=True)
                worker = next(child for child in children if any("spawn_main" in word for word in child.cmdline()))
                worker.kill()
                killed = True
                print(json.dumps({"killed": f"worker {worker.pid}"}), flush=True)
        driver.wait()
    finally:
        postgres.remove()


def _part(name: str, common: list[str]) -> list[str]:
    done = subprocess.run([sys.executable, __file__, "--part", name, *common], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.strip().splitlines()


def _asked(url: str) -> int:
    from urllib.request import urlopen

    with urlopen(f"{url}/count") as answer:
        return int(answer.read())


def _run(wanted: argparse.Namespace) -> None:
    import psutil

    from workbench.dialogue import Orchestrator
    from workbench.experiments import Experiment
    from workbench.settings import Settings

    card = {"id": "openai/bench", "api_base": f"{wanted.url}/v1", "concurrency": wanted.at_once}
    settings = Settings(workspace=wanted.folder, models={"bench": card}, record={"url": wanted.record or None})
    place = {"engine": "dask", "workers": 2} if wanted.engine == "dask" else {}
    own, told = psutil.Process(os.getpid()), time.monotonic()

    def tell(progress: Any) -> None:
        nonlocal told
        if (now := time.monotonic()) - told > 2 or progress.status != "running":
            told = now
            memory = own.memory_info().rss / 1e6
            print(json.dumps({"done": progress.done, "MB": round(memory), "seats": progress.seats}), flush=True)

    with Orchestrator(settings=settings) as orchestrator:
        if wanted.part == "resume":
            experiment = Experiment.load("large", orchestrator).resume(tell)
        else:
            arms = {name: {"model": "bench", "prompt": f"{name} {{q}}"} for name in ("a", "b")}
            cases = ({"id": f"case-{number}", "q": f"What is {number} and one?"} for number in range(wanted.cases))
            experiment = Experiment(
                "large", cases=cases, arms=arms, metrics={"size": {"kind": "regex", "pattern": "x"}}, orchestrator=orchestrator
            )
            experiment.run(tell, **place)
        frame = experiment.results
        once = not frame.duplicated(["case", "arm", "repeat"]).any()
        print(
            json.dumps(
                {"status": experiment.status, "rows": len(frame), "each once": bool(once), "cpu": sum(own.cpu_times()[:2])}
            )
        )


def _bare(wanted: argparse.Namespace) -> None:
    import aiohttp

    async def ask() -> float:
        seats = asyncio.Semaphore(wanted.at_once)
        body = {"model": "bench", "messages": [{"role": "user", "content": "What is 1 and one?"}]}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=wanted.at_once)) as session:

            async def one() -> None:
                async with seats, session.post(f"{wanted.url}/v1/chat/completions", json=body) as answer:
                    await answer.json()

            began = time.perf_counter()
            await asyncio.gather(*(one() for _ in range(2 * wanted.cases)))
            return time.perf_counter() - began

    print(json.dumps({"wall": asyncio.run(ask())}))


def _server(_wanted: argparse.Namespace) -> None:
    from aiohttp import web

    count = 0
    choice = {"index": 0, "message": {"role": "assistant", "content": "two"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13}
    answer = {"id": "b", "object": "chat.completion", "created": 1, "model": "bench", "choices": [choice], "usage": usage}

    async def complete(request: web.Request) -> web.Response:
        nonlocal count
        await request.read()
        await asyncio.sleep(DELAY)
        count += 1
        return web.json_response(answer)

    async def counted(_request: web.Request) -> web.Response:
        return web.Response(text=str(count))

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", complete)
        app.router.add_get("/count", counted)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
