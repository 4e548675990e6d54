"""A service that takes everything and keeps nothing, in a process of its own: `python sync_takes_all.py` prints its port."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web


async def take(request: web.Request) -> web.Response:
    """Take a request; OTLP wants an empty message for an answer, the others JSON."""
    await request.read()
    if request.path.endswith("/traces"):
        return web.Response(content_type="application/x-protobuf")
    return web.json_response({})


async def main() -> None:
    """Serve until stdin ends."""
    app = web.Application(client_max_size=2**28)
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
