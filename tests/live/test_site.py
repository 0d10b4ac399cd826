"""The site in Chromium: it asks no other host, has no errors, fits a phone, finds its words."""

from __future__ import annotations

import functools
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from docs_site.__main__ import HERE, build
from docs_site.sources import ROOT
from helpers.chromium import CHROMIUM, FLAGS

SPHINX = ROOT / ".venv-docs" / "bin" / "python"

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(CHROMIUM is None, reason="wants Debian's chromium"),
    pytest.mark.skipif(not SPHINX.exists(), reason="`dev.py docs` makes .venv-docs"),
]

PATIENCE_S = 120.0
"""Only a hang takes this long, even on a slow machine."""
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN_PICTURES = """[...document.images].filter((it) => it.complete && !it.naturalWidth)
    .map((it) => it.src)"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder at an address of this machine."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, name="site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def top_pages(page: Page) -> list[str]:
    """The addresses of the navigation's first level, and of the pages below decisions once."""
    links = page.locator(".sidebar-tree > ul > li > a")
    return [str(await link.evaluate("it => it.href")) for link in await links.all()]


async def test_it_asks_nobody_else_and_fits_every_screen(tmp_path: Path) -> None:
    assert build(tmp_path / "site", SPHINX) == ""
    wrong: list[str] = []
    with served(tmp_path / "site") as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, headless=True, args=list(FLAGS)
            )
            page = await browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
            page.set_default_timeout(PATIENCE_S * 1000)
            page.on(
                "request",
                lambda request: (
                    None
                    if request.url.startswith((address, "data:"))
                    else wrong.append(request.url)
                ),
            )
            page.on(
                "console", lambda said: wrong.append(said.text) if said.type == "error" else None
            )
            page.on("pageerror", lambda error: wrong.append(str(error)))
            await page.goto(f"{address}/index.html")
            addresses = await top_pages(page)
            assert len(addresses) > 25
            for each in addresses:
                answer = await page.goto(each)
                assert answer is not None
                assert answer.status == 200
                assert await page.evaluate(OVERFLOW) <= 0, each
                assert await page.evaluate(BROKEN_PICTURES) == []
            # The others, such as decisions and code: nothing of them comes from elsewhere either.
            every = {
                f"{address}/{each.relative_to(tmp_path / 'site').as_posix()}"
                for each in (tmp_path / "site").rglob("*.html")
            }
            assert every > set(addresses)
            for each in sorted(every - set(addresses)):
                await page.goto(each)
            await page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
            await page.goto(f"{address}/performance/index.html")
            assert await page.locator("figure.chart svg rect").count() > 20
            await page.goto(f"{address}/docs/architecture.html")
            assert await page.locator(".diagram svg").count() == 3
            await page.goto(f"{address}/index.html")
            await page.get_by_role("textbox", name="Search").first.fill("reconnect reports")
            await page.keyboard.press("Enter")
            found = page.locator("#search-results li a", has_text="backend")
            await found.first.wait_for()
            await browser.close()
    assert wrong == []


def test_what_is_wrong_in_a_page_is_an_error(tmp_path: Path) -> None:
    """A link without its anchor, a page outside the navigation, a diagram that is none."""
    (tmp_path / "index.md").write_text("# A\n\n[b](#gone)\n\n```mermaid\nflowchart ?\n```\n")
    (tmp_path / "b.md").write_text("# B\n")
    done = subprocess.run(
        [
            *(str(SPHINX), "-m", "sphinx", "--builder", "dummy", "--nitpicky", "--fail-on-warning"),
            *("--conf-dir", str(HERE / "sphinx"), str(tmp_path), str(tmp_path / "out")),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    for complaint in ("gone", "b.md: WARNING: document isn't included in any toctree", "be drawn"):
        assert complaint in done.stderr
