"""Links of pages lead to what the site has."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from docs_site import sources
from docs_site.sources import BrokenLinkError

PAGE = PurePosixPath("docs/page.md")


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    """A repository of a few files."""
    for name, content in {
        "README.md": "# Readme\n\n[code](app/a.py), [page](docs/page.md#here)\n",
        "docs/page.md": "# Page\n",
        "docs/data.json": "{}\n",
        "docs/images/a.png": "",
        "docs/adr/0001-a.md": "# 0001\n",
        "app/a.py": '"""What it\nis.\n\nMore.\n"""\n',
        "packaging/deb/README.md": "# Deb\n",
        "packaging/deb/build.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ("../README.md#words", "../README.md#words"),
        ("#here", "#here"),
        ("https://example.org/a#b", "https://example.org/a#b"),
        ("images/a.png", "images/a.png"),
        ("data.json", "data.json"),
        ("../app/a.py", "../source/app/a.py.md"),
        ("../app", "../source/app/index.md"),
        ("../packaging/deb", "../packaging/deb/README.md"),
        ("../packaging/", "../packaging/index.md"),
        ("adr/", "adr/index.md"),
    ],
)
def test_a_link_leads_to_what_the_site_has(root: Path, link: str, becomes: str) -> None:
    relinked, _ = sources.relinked(PAGE, f"See [this]({link}).\n", root)
    assert relinked == f"See [this]({becomes}).\n"


def test_a_link_by_the_name_of_a_file_gets_the_title_of_the_page(root: Path) -> None:
    """MyST puts it where a link has no text."""
    text = "[../README.md](../README.md#words), [adr/0001-a.md](adr/0001-a.md), [here](page.md)\n"
    relinked, _ = sources.relinked(PAGE, text, root)
    assert relinked == "[](../README.md#words), [](adr/0001-a.md), [here](page.md)\n"


def test_code_is_left_as_it_is(root: Path) -> None:
    text = "```sh\n[a](gone.md)\n```\n~~~\n[a](gone.md)\n```\n~~~\n"
    assert sources.relinked(PAGE, text, root) == (text, set())


def test_a_link_to_nothing_is_an_error(root: Path) -> None:
    with pytest.raises(BrokenLinkError, match=r"docs/page\.md links to \.\./gone\.py"):
        sources.relinked(PAGE, "[a](../gone.py)", root)


def test_what_is_linked_to_has_a_page(root: Path, tmp_path: Path) -> None:
    into = tmp_path / "site"
    (root / "docs" / "page.md").write_text("[folder](../app) [data](data.json)\n")
    sources.copy_all(into, root)
    assert "[code](source/app/a.py.md)" in (into / "README.md").read_text()
    assert "- [`a.py`](a.py.md): What it is." in (into / "source/app/index.md").read_text()
    assert "~~~~~~python\n" in (into / "source/app/a.py.md").read_text()
    assert (into / "docs/data.json").exists()
    assert (into / "docs/images/a.png").exists()


def test_every_page_of_the_repository_can_be_copied(tmp_path: Path) -> None:
    sources.copy_all(tmp_path)
    assert (tmp_path / "source/app/rejoin/core/health.py.md").exists()
    assert [page for page in sources.pages() if not (tmp_path / page).exists()] == []
