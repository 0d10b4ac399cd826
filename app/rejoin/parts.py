"""The optional parts of Rejoin, and the sentence that names the one to install.

The wheel's own dependencies are enough for `--help`, `--version` and error messages. Everything
else belongs to an extra of `pyproject.toml`, named here by `Part`, and is imported when a verb
runs. `tests/test_parts.py` compares what each verb imports with what its parts install.
"""

from __future__ import annotations

import contextlib
import functools
import re
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final, Literal, ParamSpec, TypeVar

from rejoin.errors import MissingPartError
from rejoin.language import Message, mark
from rejoin.version import DISTRIBUTION, VERSION

Part = Literal["player", "backend", "studio", "qa", "fleet"]
"""An extra of the wheel. The extra `all` is all of them."""

DEBIAN_PACKAGES: Final = {
    "libEGL": "libegl1",
    "libGL": "libgl1",
    "libGLX": "libgl1",
    "libdbus-1": "libdbus-1-3",
    "libfontconfig": "libfontconfig1",
    "libgcc_s": "libgcc-s1",
    "libglib-2.0": "libglib2.0-0",
    "libgthread-2.0": "libglib2.0-0",
    "libstdc++": "libstdc++6",
    "libxcb-cursor": "libxcb-cursor0",
    "libxcb-icccm": "libxcb-icccm4",
    "libxcb-keysyms": "libxcb-keysyms1",
    "libxcb-shape": "libxcb-shape0",
    "libxcb-xkb": "libxcb-xkb1",
    "libxkbcommon": "libxkbcommon0",
    "libxkbcommon-x11": "libxkbcommon-x11-0",
}
"""Which package of Debian 12 and Ubuntu has a library that Qt or a wheel links to (`dev.py`
installs them)."""

_LIBRARY: Final = re.compile(r"\b((lib[\w.+-]+?)\.so[.\d]*): cannot open shared object file")
"""The message of Linux's dynamic loader about a missing library."""
_TOO_OLD: Final = re.compile(r"version `((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found")
"""The same about a library that lacks what a wheel was built for."""
_DLL: Final = re.compile(r"DLL load failed while importing (\w+)")
"""What Python says on Windows, which does not name the library."""
_DYLIB: Final = re.compile(r"Library not loaded: \S*?([^/\s]+)(?:\s|$)")
"""What macOS's dynamic loader says."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def needs(
    *parts: Part,
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """Decorator of a verb that works only where these parts are installed.

    An import that fails because a package or a system library is missing ends the verb with
    `MissingPartError`. Any other ImportError is a bug and passes through.
    """

    def decorate(verb: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        @functools.wraps(verb)
        def checked(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            try:
                return verb(*args, **kwargs)
            except ImportError as error:
                sentence = explanation(error, parts)
                if sentence is None:
                    raise
                raise MissingPartError(sentence) from error

        return checked

    return decorate


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """While Qt is being loaded Ctrl+C and SIGTERM wait: an exception in the middle of it aborts the
    process. Windows cannot make them wait."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def explanation(error: ImportError, parts: tuple[Part, ...]) -> str | None:
    """What is missing and what to install; None if the import failed for another reason."""
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in ("", "rejoin") or package in sys.stdlib_module_names:
            return None
        return _missing_package(package, parts)
    found = _LIBRARY.search(str(error))
    if found is None:
        return _other_library(str(error))
    library, stem = found.groups()
    debian = DEBIAN_PACKAGES.get(stem)
    if debian is None:
        return Message(
            "The system library {library} is missing. Install the package that contains it.",
            library=library,
        )
    return Message(
        "The system library {library} is missing. "
        "On Debian or Ubuntu install it with: apt-get install {package}",
        library=library,
        package=debian,
    )


def _other_library(message: str) -> str | None:
    """What is wrong with a library, where no file of it is missing on Linux; None: nothing."""
    too_old = _TOO_OLD.search(message)
    if too_old is not None:
        return Message(
            "This system is too old: it lacks {library}. Use a newer one, such as Debian 12 or "
            "Ubuntu 22.04.",
            library=too_old[1],
        )
    dll = _DLL.search(message)
    if dll is not None:
        return Message(
            "A library of Windows that {library} needs is missing. Install the Microsoft Visual "
            "C++ Redistributable.",
            library=dll[1],
        )
    dylib = _DYLIB.search(message)
    if dylib is not None:
        return Message("The library {library} is missing. Install Rejoin again.", library=dylib[1])
    return None


def _missing_package(package: str, parts: tuple[Part, ...]) -> str:
    named = " and ".join(f"`{part}`" for part in parts)
    wheel = f"{DISTRIBUTION.replace('-', '_')}-{VERSION}-py3-none-any.whl[{','.join(parts)}]"
    template = mark(
        "The Python package {package} is missing. Install Rejoin's wheel with its {parts} parts, "
        "for example: pip install '{wheel}'"
    )
    if len(parts) == 1:
        template = mark(
            "The Python package {package} is missing. Install Rejoin's wheel with its {parts} "
            "part, for example: pip install '{wheel}'"
        )
    return Message(template, package=package, parts=named, wheel=wheel)
