"""A QR code of an address: its modules, to be drawn, and as text for a terminal."""

from __future__ import annotations

from typing import Final

QUIET_ZONE: Final = 4
"""Light modules around the code, which readers need (ISO/IEC 18004)."""

Modules = tuple[tuple[bool, ...], ...]
"""Rows of modules, the quiet zone included; True is dark."""


def qr_modules(text: str) -> Modules:
    """The QR code of `text`. Raises ValueError for what is too long for one."""
    import segno

    code = segno.make_qr(text, error="m")
    return tuple(tuple(bool(module) for module in row) for row in code.matrix_iter(1, QUIET_ZONE))


def as_text(modules: Modules) -> str:
    """The code in half blocks, two rows a line. The light modules are the ones that are drawn, for
    a terminal with a dark background; readers also take the opposite."""
    lines = []
    for top in range(0, len(modules), 2):
        upper = modules[top]
        lower = modules[top + 1] if top + 1 < len(modules) else (True,) * len(upper)
        lines.append("".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True)))
    return "\n".join(lines)


_BLOCKS: Final = {
    (True, True): " ",
    (True, False): "▄",
    (False, True): "▀",
    (False, False): "█",
}
