"""The JavaScript of our small browser, put together from resources/web/browser."""

from __future__ import annotations

from typing import Final

from rejoin import assets

FILES: Final = (
    "realm", "events", "timers", "values", "url", "dom", "page", "gamepads", "rtc", "keys", "input",
    "commands",
)  # fmt: skip
"""In order: each file uses what those before it define. The last one returns the function."""


def browser_source() -> str:
    """One expression, a function of text; all names of the files stay in its scope."""
    files = "\n".join(assets.text(f"web/browser/{name}.js") for name in FILES)
    return f'(() => {{\n"use strict";\n{files}\n}})()'
