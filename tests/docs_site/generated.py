"""The pages that no file of the repository has, and the navigation below pages that have one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from docs_site import (
    command_line_page,
    emulator_page,
    performance_page,
    schema_pages,
    settings_pages,
    sources,
)

_DECISIONS = """\
# Decisions

Each page is one decision that is costly to reverse, in about ten lines: what was decided, why,
what else there was. Pages keep the names of their day; [Old and new names](../design/moved.md)
says what things are called now.

"""
_PACKAGES = """\
# Ways of shipping

Each page is about one folder of `packaging`.

"""


def pages() -> dict[str, str]:
    """By path. Raises MissingFigureError."""
    packages = [page.parent.name + "/README" for page in _below("packaging", "*/README.md")]
    return {
        "reference/command-line.md": command_line_page.page(),
        "reference/settings.md": settings_pages.page(),
        "reference/contract.md": schema_pages.contract_page(),
        "reference/trace.md": schema_pages.trace_page(),
        "reference/results.md": schema_pages.results_page(),
        "reference/emulator.md": emulator_page.page(),
        "performance/index.md": performance_page.page(),
        "docs/adr/index.md": _DECISIONS + "\n".join(map(_decision, _below("docs/adr"))) + "\n",
        "packaging/index.md": _PACKAGES
        + toctree([each for each in packages if each != "backend/README"]),
    }


def children() -> dict[str, Sequence[str]]:
    """Pages of the repository that others are below: by path, the names of those."""
    design = [each.stem for each in _below("docs/design") if each.name != "README.md"]
    return {"docs/design/README.md": design}


def _decision(page: PurePosixPath) -> str:
    heading = (sources.ROOT / page).read_text(encoding="utf-8").partition("\n")[0]
    return f"- [{heading.lstrip('# ')}]({page.name})"


def toctree(names: Sequence[str]) -> str:
    """A list of links with the pages' titles, which is their place in the navigation too."""
    return "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```\n"


def hidden(names: Sequence[str]) -> str:
    """The same, in the navigation alone."""
    return "\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"


def _below(folder: str, pattern: str = "*.md") -> list[PurePosixPath]:
    found = sorted((sources.ROOT / folder).glob(pattern))
    return [PurePosixPath(path.relative_to(sources.ROOT).as_posix()) for path in found]
