"""Loads Qt and its binding quickly, and keeps the binding from slowing later imports.

`begin`: a thread maps Qt's libraries without the interpreter's lock, while the main thread imports
modules that do not use Qt. `load_qt`: at every start PySide compiles Python sources of its own; the
ones for writing type stubs are left out, which saves 15 ms. Once the binding is loaded, PySide
would also read the source of every module that is imported later, for names in snake case
(`from __feature__ import ...`), which nothing here uses. Preventing that saves 12 ms until the home
window is painted, and a part of every later import.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

_NO_READER: Final = "__orig_import__"
"""Where PySide keeps the import that reads no sources (6.11)."""
_LIBRARIES: Final = ("QtCore.abi3.so", "QtGui.abi3.so", "QtWidgets.abi3.so")
"""The binding in PySide's folder, as its wheels for Linux have it; needs Qt's own libraries."""
_FOR_STUBS: Final = ("signature/lib/enum_sig.py", "signature/lib/pyi_generator.py")
"""The modules with which PySide writes .pyi files, by their names when it compiles them (6.11)."""


def begin() -> None:
    """Begin to load Qt's libraries. Does nothing on other systems than Linux, or where the
    libraries are missing."""
    if sys.platform == "linux":
        threading.Thread(target=_load_libraries, name="qt-libraries", daemon=True).start()


def _load_libraries() -> None:
    import ctypes

    found = find_spec("PySide6")
    if found is None or found.origin is None:
        return
    for name in _LIBRARIES:
        try:
            ctypes.CDLL(str(Path(found.origin).parent / name))
        except OSError:
            return  # the import that needs it says why


def load_qt() -> None:
    """Import it. Raises ImportError; where a library of the system is missing, QtGui's names it."""
    with _nothing_for_stubs():
        import PySide6.QtGui  # noqa: F401

    own: Callable[..., Any] | None = getattr(builtins, _NO_READER, None)
    if own is not None:
        builtins.__import__ = own


@contextmanager
def _nothing_for_stubs() -> Iterator[None]:
    """While this is active, PySide's modules for writing stubs are compiled as empty ones."""
    compiling: Callable[..., Any] = builtins.compile

    def compile_less(source: Any, name: Any, *others: Any, **more: Any) -> Any:
        is_for_stubs = isinstance(name, str) and name.endswith(_FOR_STUBS)
        return compiling("" if is_for_stubs else source, name, *others, **more)

    builtins.compile = compile_less  # type: ignore[assignment]  # it passes all overloads on
    try:
        yield
    finally:
        builtins.compile = compiling
