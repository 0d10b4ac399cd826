"""Debian's headless Chromium and the pages that play in it, for tests and benches."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

PAGES = Path(__file__).parents[1] / "data" / "chromium"

CHROMIUM = shutil.which("chromium")

FLAGS = (
    "--no-sandbox",  # not available to root, and only our page is opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # Needed, with the permission below, where there is no network but loopback (docs/browser.md).
    "--allow-loopback-in-peer-connection",
)


def page_and_backend(backend: httpx.AsyncClient) -> Starlette:
    """A site with the pages and, under the same origin, a proxy to the studio's backend."""

    async def file(request: Request) -> Response:
        name = request.url.path.strip("/") or "play.html"
        return FileResponse(PAGES / name)

    async def icon(_: Request) -> Response:
        return Response(status_code=204)

    async def proxy(request: Request) -> Response:
        kept = ("authorization", "content-type", "idempotency-key")
        answer = await backend.request(
            request.method,
            request.url.path,
            params=dict(request.query_params),
            content=await request.body(),
            headers={name: value for name, value in request.headers.items() if name in kept},
        )
        kind = answer.headers.get("content-type")
        return Response(answer.content, answer.status_code, media_type=kind)

    return Starlette(
        routes=[
            Route("/", file),
            *(Route(f"/{page.name}", file) for page in PAGES.iterdir()),
            Route("/favicon.ico", icon),
            Route("/v1/{rest:path}", proxy, methods=["GET", "POST", "DELETE"]),
        ]
    )
