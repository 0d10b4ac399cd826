"""Makes Markdown: plain text that is shown as it is, code, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*_<>\[\]|#{}])")


def text(plain: str) -> str:
    """In one line, as it is; what stands in backticks is code."""
    parts = _CODE.split(" ".join(plain.split()))
    return "".join(part if part[:1] == "`" else _SPECIAL.sub(r"\\\1", part) for part in parts)


def paragraphs(plain: str) -> str:
    """As `text`, with its blank lines."""
    return "\n\n".join(text(part) for part in re.split(r"\n\s*\n", plain) if part.strip())


def code(plain: object) -> str:
    """A word as code; nothing for an empty one."""
    shown = " ".join(str(plain).split())
    if not shown:
        return ""
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def words(values: Iterable[object]) -> str:
    """Each as code, with commas."""
    return ", ".join(code(value) for value in values)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already; a bar within code is escaped, since it would end the cell."""
    lines = [_row(head), "|" + "---|" * len(head)]
    lines += [_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |"


def raw(html: str) -> str:
    """HTML that the page has as it is."""
    return f"```{{raw}} html\n{html.strip()}\n```\n"
