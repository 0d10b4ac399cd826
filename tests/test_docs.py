"""The documents name what exists: paths, links, headings, and pages that the code cites.

Decisions (docs/adr) keep the names of their day. A path in them that is gone must be in
docs/design/moved.md, which says what it is called now.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "app" / "rejoin"
DOCS = ROOT / "docs"
MOVED = DOCS / "design" / "moved.md"

PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "packaging").rglob("*.md")]
    if path.name != "CHANGELOG.md"  # it names options and files that are gone
)
DECISIONS = DOCS / "adr"

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w.+*-]+/)+[\w.+*-]*(?:\.\w+)?")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r'\b([\w-]+\.md)(?:,|\'s)\s+"([^"]+)"')
_CITATION = re.compile(r"\b((?:[\w-]+/)*[\w-]+\.md)\b")

MADE_BY_RUNNING = ("demo-out/", ".venv/", "dist/", "build/")
"""Folders that a command of ours makes."""

ELSEWHERE = ("text/", "application/", "api/", "session/", "streamgroups/")
"""First words of content types and URLs, which look like paths."""


def paths_in(text: str) -> list[str]:
    """What stands in backticks and begins with one of our folders."""
    roots = {path.name for path in [*ROOT.iterdir(), *APP.iterdir()] if path.is_dir()}
    found = []
    for quoted in _CODE.findall(text):
        for path in _PATH.findall(quoted):
            if path.startswith((*MADE_BY_RUNNING, *ELSEWHERE)):
                continue
            if path.split("/")[0] in roots:
                found.append(path.rstrip("."))
    return found


def exists(path: str) -> bool:
    """A path below the root, or below app/rejoin with or without its ending; * stands for any."""
    for base in (ROOT, APP):
        for name in (path.rstrip("/"), path + ".py"):
            if "*" in name:
                if any(base.glob(name)):
                    return True
            elif (base / name).exists():
                return True
    return False


def moved() -> set[str]:
    """Every old path that docs/design/moved.md knows."""
    rows = [line for line in MOVED.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    return {path for row in rows for path in _CODE.findall(row.split("|")[1])}


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    words = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s", "-", words.strip())


def anchors(page: Path) -> set[str]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return {slug(line.lstrip("#")) for line in lines if line.startswith("#")}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_in_a_document_exists(page: Path) -> None:
    old = moved() if DECISIONS in page.parents or page == MOVED else set()
    gone = [
        path
        for path in paths_in(page.read_text(encoding="utf-8"))
        if not exists(path) and path.removesuffix(".py") not in old and path not in old
    ]
    assert not gone


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_in_a_document_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_decision_is_listed_once_in_order() -> None:
    listed = re.findall(r"\(adr/(\d{4}-[\w-]+\.md)\)", (DOCS / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in DECISIONS.glob("*.md"))


def names_pages_of_the_site(path: Path) -> bool:
    """Some of which are made at build time."""
    return ROOT / "tests" / "docs_site" in path.parents or path.name == "test_site.py"


def test_every_page_that_code_cites_exists() -> None:
    pages = {path.name for path in PAGES} | {name_of(path) for path in PAGES}
    cited = [
        f"{name_of(path)}: {page}"
        for folder, endings in (("app", (".py",)), ("resources", (".toml",)), ("tests", (".py",)))
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in endings and path != Path(__file__) and not names_pages_of_the_site(path)
        for page in _CITATION.findall(path.read_text(encoding="utf-8"))
        if page not in pages and page.rpartition("/")[2] not in pages
    ]
    assert not cited


def test_every_thread_with_a_name_is_on_the_page_about_threads() -> None:
    page = (DOCS / "threads.md").read_text(encoding="utf-8")
    modules = (path.read_text(encoding="utf-8") for path in APP.rglob("*.py"))
    names = {
        str(keyword.value.value)
        for module in modules
        if "thread" in module
        for call in ast.walk(ast.parse(module))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("threading.Thread", "run_in_daemon_thread")
        for keyword in call.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }
    assert names
    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_every_heading_that_code_cites_exists() -> None:
    headings = {
        path.name: {
            line.lstrip("# ")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        }
        for path in PAGES
    }
    cited = [
        (name_of(path), page, heading)
        for path in sorted(APP.rglob("*.py"))
        for page, heading in _HEADING.findall(path.read_text(encoding="utf-8"))
    ]
    assert cited
    assert not [each for each in cited if each[2] not in headings[each[1]]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`core/engine` and `app/rejoin/core`", ["core/engine", "app/rejoin/core"]),
        ("core/engine without quotes, `rtc`", []),
        ("`text/html`, `POST /session/x`, `demo-out/a.png`", []),
        ("`resources/profiles/*.toml`", ["resources/profiles/*.toml"]),
    ],
)
def test_paths_are_found_in_a_text(text: str, found: list[str]) -> None:
    assert paths_in(text) == found


def test_a_path_that_is_gone_is_noticed() -> None:
    assert exists("core/phases")
    assert exists("resources/profiles/*.toml")
    assert not exists("core/nothing_of_that_name")
    assert not exists("resources/profiles/*.nothing")


def test_every_picture_of_the_players_guide_is_made_by_its_script() -> None:
    """And that page, or the one about languages, shows every picture that the script makes."""
    spec = importlib.util.spec_from_file_location("guide", ROOT / "tests" / "gui" / "guide.py")
    assert spec is not None
    assert spec.loader is not None
    guide = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = guide
    spec.loader.exec_module(guide)
    made = {f"images/{run.folder}/{name}.png" for run in guide.RUNS for name in run.names}
    pages = [(DOCS / name).read_text(encoding="utf-8") for name in ("player.md", "languages.md")]
    assert set(re.findall(r"\]\((images/[^)]+)\)", "".join(pages))) == made
