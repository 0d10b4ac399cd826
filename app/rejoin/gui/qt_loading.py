"""Loads Qt and its binding quickly, and keeps the binding from slowing later imports.

`begin`: the system maps Qt's libraries on a thread of its own, without the interpreter's lock,
while this one imports what knows no Qt. `load_qt`: once the binding is there, PySide would read the
source of every module that is imported from then on, for names in snake case
(`from __feature__ import ...`), which nothing here uses: 12 ms until the home window is painted,
and a part of every later import.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

_NO_READER: Final = "__orig_import__"
"""Where PySide keeps the import that reads no sources (6.11)."""
_LIBRARY: Final = Path("Qt", "lib", "libQt6Widgets.so.6")
"""In PySide's folder, as its wheels for Linux have it; needs QtGui's and QtCore's."""


def begin() -> None:
    """Begin to load Qt's libraries. Elsewhere than on Linux, or where they are not, does
    nothing."""
    if sys.platform == "linux":
        threading.Thread(target=_load_libraries, name="qt-libraries", daemon=True).start()


def _load_libraries() -> None:
    import ctypes

    found = find_spec("PySide6")
    if found is None or found.origin is None:
        return
    try:
        ctypes.CDLL(str(Path(found.origin).parent / _LIBRARY))
    except OSError:
        return  # whoever imports it hears why


def load_qt() -> None:
    """Import it. Raises ImportError; where a library of the system is missing, QtGui's names it."""
    import PySide6.QtGui  # noqa: F401

    own: Callable[..., Any] | None = getattr(builtins, _NO_READER, None)
    if own is not None:
        builtins.__import__ = own
