"""What several recipes need: the version, and the icon in the forms of Windows and macOS.

Standard library only. A recipe finds it by putting this folder on its path.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "resources" / "icons"
ICO_SIZES = (16, 24, 32, 48, 256)
ICNS_TYPES = {"ic11": 32, "ic07": 128, "ic08": 256, "ic09": 512}
"""Types of an .icns whose content is a PNG, by its side in pixels."""


def version() -> str:
    text = (ROOT / "app" / "rejoin" / "version.py").read_text(encoding="utf-8")
    [found] = re.findall(r'^VERSION: Final = "([^"]+)"$', text, re.MULTILINE)
    return str(found)


def ico() -> bytes:
    """Every size as PNG, which Windows Vista and later read."""
    pictures = [(size, (ICONS / f"rejoin-{size}.png").read_bytes()) for size in ICO_SIZES]
    head = struct.pack("<HHH", 0, 1, len(pictures))
    at = len(head) + 16 * len(pictures)
    for size, picture in pictures:
        side = size % 256  # 0 says 256
        head += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), at)
        at += len(picture)
    return head + b"".join(picture for _, picture in pictures)


def icns() -> bytes:
    """Every size as PNG."""
    parts = b""
    for kind, size in ICNS_TYPES.items():
        picture = (ICONS / f"rejoin-{size}.png").read_bytes()
        parts += kind.encode("ascii") + struct.pack(">I", 8 + len(picture)) + picture
    return b"icns" + struct.pack(">I", 8 + len(parts)) + parts
