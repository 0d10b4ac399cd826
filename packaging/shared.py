"""What several recipes need: recipes by name, the version and date, what is left out, icons.

Standard library only. A recipe finds it by putting this folder on its path.
"""

from __future__ import annotations

import importlib.util
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "resources" / "icons"
NO_CHECKOUT = 1580601600
ICO_SIZES = (16, 24, 32, 48, 256)
ICNS_TYPES = {"ic11": 32, "ic07": 128, "ic08": 256, "ic09": 512}
"""Types of an .icns whose content is a PNG, by its side in pixels."""

LEFT_OUT = re.compile(
    r"""
      plugins/platformthemes/libqgtk3      # loads GTK, which no system is asked to have
    | plugins/platforms/(lib)?q(eglfs|linuxfb|minimal|minimalegl|vkkhrdisplay|vnc)\b
    | plugins/egldeviceintegrations/
    | plugins/(generic|networkinformation|tls|qmltooling|sqldrivers|printsupport)/
    | plugins/platforminputcontexts/(lib)?qtvirtualkeyboard
    | plugins/imageformats/(lib)?q(gif|icns|ico|tga|tiff|wbmp|webp|pdf|jp2|mng)
    | PySide6/(Qt/)?translations/(?!qtbase_(de|ja)\.qm)  # ours: resources/languages
    | Qt6?(VirtualKeyboard|Quick|Qml|Pdf|EglF[sS]|Test|Sql)\w*\.
    | sdl2dll/dll/(?!(lib)?SDL2[-.])  # SDL alone, without what goes with it
    | PySide6/opengl32sw  # Mesa's OpenGL in software; Rejoin draws without
    | portaudio-binaries/.*-asio  # has Steinberg's SDK, whose licence is another
    | \.dist-info/(direct_url\.json|.*__pycache__/)  # say where it was built
    """,
    re.VERBOSE,
)
"""By their paths in a program: what wheels bring and the player does not use."""


def recipe(name: str) -> ModuleType:
    """`build.py` of another folder beside this module."""
    file = ROOT / "packaging" / name / "build.py"
    spec = importlib.util.spec_from_file_location(f"{name}_recipe", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def version() -> str:
    text = (ROOT / "app" / "rejoin" / "version.py").read_text(encoding="utf-8")
    [found] = re.findall(r'^VERSION: Final = "([^"]+)"$', text, re.MULTILINE)
    return str(found)


def date_of(root: Path = ROOT) -> int:
    """Of what is made from this source, in seconds since 1970, so that it is the same whenever it
    is made: SOURCE_DATE_EPOCH (reproducible-builds.org), or the date of the commit; that of
    2020-02-02 where this is no checkout, as hatchling has it."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    try:
        asked = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "-C", str(root), "log", "-1", "--format=%ct"],
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return NO_CHECKOUT
    return int(asked.stdout) if asked.returncode == 0 else NO_CHECKOUT


def run_main(main: Callable[[], int]) -> int:
    """A recipe's exit code. An interrupt ends it without a traceback; what started it says so."""
    try:
        return main()
    except KeyboardInterrupt:
        return 130


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


def without(package: str, lock: str) -> str:
    """The lock's text without this package. Raises ValueError where it has none."""
    rest, count = re.subn(
        rf"^{re.escape(package)}==.*\n(?:[ \t]+.*\n)*", "", lock, flags=re.MULTILINE
    )
    if count != 1:
        raise ValueError(f"the lock names {package} {count} times")
    return rest
