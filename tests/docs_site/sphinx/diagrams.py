"""Draws blocks of Mermaid as SVG at build time: a reader's browser runs no script for them.

The drawing's style sheet is left out; `static/site.css` gives it the colours of the page, light or
dark.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, ClassVar

import mmdr
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_SIZE = re.compile(r' width="100%"(.*?) style="max-width:([\d.]+)px[^"]*"')
_FILTER = re.compile(r' (?:filter|data-points)="[^"]*"')
_SMALLEST, _SMALLEST_PX = 0.6, 620
"""A wide drawing is made no smaller than the larger of these: it scrolls in its frame."""


class Mermaid(SphinxDirective):
    """One diagram."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        number = self.env.new_serialno("diagram")
        try:
            drawn = mmdr.render("\n".join(self.content)).svg()
        except Exception as error:
            raise self.error(f"This diagram cannot be drawn: {error}") from error
        about = f"Diagram. Its text: {' '.join(self.content)}"
        return [nodes.raw("", for_page(drawn, f"diagram-{number}", about), format="html")]


def for_page(svg: str, name: str, about: str) -> str:
    """The drawing with ids of its own, without its style sheet, in a frame that scrolls."""
    found = _SIZE.search(svg)
    if found is None:
        raise ValueError("mmdr's SVG has another form than before")
    width = float(found[2])
    least = min(width, max(_SMALLEST_PX, _SMALLEST * width))
    size = f'{found[1]} style="width:{width:.0f}px;min-width:{least:.0f}px"'
    svg = _SIZE.sub(lambda _: size, svg, count=1)
    svg = _FILTER.sub("", _STYLE.sub("", svg))
    svg = svg.replace("merman", name).replace(f"{name}-foreignobject", "shown")
    svg = re.sub(r' role="[^"]*" aria-roledescription="[^"]*"', "", svg, count=1)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(about)}" ', 1)
    return f'<div class="diagram" tabindex="0">{svg}</div>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
