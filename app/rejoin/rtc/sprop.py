"""Reads the H.264 parameter sets that an answer announces: sprop-parameter-sets (RFC 6184, 8.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

MAX_SETS = 16
"""How many parameter sets of one payload type are read."""


def parameter_sets(fmtp: Iterable[str]) -> dict[int, tuple[bytes, ...]]:
    """The NAL units by payload type, from the values of `a=fmtp` lines.

    What is malformed is passed over: the stream itself may have what is missing.
    """
    found: dict[int, tuple[bytes, ...]] = {}
    for value in fmtp:
        number, _, parameters = value.strip().partition(" ")
        if not (number.isascii() and number.isdecimal() and len(number) <= 3):
            continue
        for parameter in parameters.split(";"):
            name, _, sets = parameter.strip().partition("=")
            if name.lower() == "sprop-parameter-sets":
                units = map(_decoded, sets.split(",")[:MAX_SETS])
                found[int(number)] = tuple(unit for unit in units if unit)
    return {number: units for number, units in found.items() if units}


def _decoded(text: str) -> bytes:
    """Base64, with or without its padding; empty if it is not."""
    text = text.strip()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
