"""Each page of the site is in the navigation, or it is said where it has to be put."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs_site import navigation
from docs_site.__main__ import write_sources
from docs_site.navigation import UnlistedPageError
from docs_site.sources import ORPHAN, write


def test_a_page_without_a_place_is_named_with_what_to_do(tmp_path: Path) -> None:
    toctree = "# Title\n\n```{toctree}\n:caption: Play\n\ndocs/a\nOther title <docs/b>\n```\n"
    write(tmp_path / "index.md", toctree)
    write(tmp_path / "docs" / "a.md", "# A\n\n```{toctree}\n:hidden:\n\nbelow/c\n```\n")
    write(tmp_path / "docs" / "b.md", "# B\n\n```text\ndocs/new\n```\n")
    write(tmp_path / "docs" / "below" / "c.md", "# C\n")
    write(tmp_path / "docs" / "adr" / "0001-x.md", f"{ORPHAN}# 0001\n")
    navigation.check(tmp_path)
    write(tmp_path / "docs" / "new.md", "# New\n")
    with pytest.raises(UnlistedPageError, match=r"sphinx/index\.md:\ndocs/new$"):
        navigation.check(tmp_path)


def test_the_navigation_has_every_page(tmp_path: Path) -> None:
    write_sources(tmp_path)
