"""The entry point: runs a verb, prints what went wrong in one line, and sets the exit code.

Exit codes: 0 success; 1 failure (the game ended early, the demo or a test failed); 2 unusable
input, a file that cannot be written, a full disk or memory that is used up; 3 the backend cannot be
reached or used; 4 the backend refuses us; 5 to 11 see `errors.py`; 70 a bug in Rejoin; 130 after
Ctrl+C or SIGTERM, except for a server, which these stop with 0. An expected failure is one line on
standard error and never a traceback.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import NoReturn, TextIO

from rejoin.cli import exit_codes
from rejoin.cli.messages import (
    escape_unencodable,
    keep_standard_error,
    open_standard_descriptors,
    say_lines,
    warn,
)
from rejoin.cli.player_log import player_log
from rejoin.cli.secret_variables import taken_from
from rejoin.errors import BadInputError, RejoinError


def main() -> NoReturn:
    """Run a verb and exit with its code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    open_standard_descriptors()
    keep_standard_error()
    escape_unencodable()
    try:
        code = _run()
    except KeyboardInterrupt:  # while an error was being printed
        code = exit_codes.INTERRUPTED
    _end_at_once_when_interrupted(code)
    sys.exit(_flushed(code))


def main_home() -> NoReturn:
    """`rejoin-home`, for desktops: the home window, without a console where a system opens one."""
    sys.argv[1:] = ["home", *sys.argv[1:]]
    main()


def _end_at_once_when_interrupted(code: int) -> None:
    """From now on Ctrl+C and SIGTERM end the process with its code, and say nothing.

    Only libraries still clean up: PortAudio takes up to a second to release the sound devices. An
    exception there would print a traceback.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: os._exit(code))


def _run() -> int:
    """The exit code of the verb that the arguments name; what went wrong is printed."""
    try:
        # First of all, so that no import and no child process inherits the secrets.
        secrets = taken_from(os.environ)
        return _home() if _opens_home(sys.argv[1:]) else _verb(secrets)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except RejoinError as error:
        warn(str(error))
        return error.exit_code
    except Exception as error:
        sentence = _used_up(error)
        if sentence:
            warn(sentence)
            return BadInputError.exit_code
        _report_bug(error)
        return exit_codes.BUG


def _verb(secrets: dict[str, str]) -> int:
    from rejoin.cli import command_line

    return command_line.run(secrets)


def _opens_home(arguments: list[str]) -> bool:
    """Whether these open the home window, which needs no library for command lines: no arguments
    where there is a display, or `home`, alone or with a link."""
    if arguments and (arguments[0] != "home" or len(arguments) > 2):
        return False
    if any(each.startswith("-") for each in arguments):
        return False
    from rejoin.cli import home

    return bool(arguments) or home.can_be_shown()


def _home() -> int:
    from rejoin.gui import qt_loading

    qt_loading.begin()
    from rejoin.cli import home
    from rejoin.runtime import logs

    logs.configure(open_file=player_log)
    return home.show_home(*sys.argv[2:])


_DISK_FULL = "The disk is full."
_TOO_MANY_OPEN = (
    "Too many files and connections are open. Close other programs, or raise the limit (ulimit -n)."
)
_NO_MEMORY = "The memory is used up. Close other programs and try again."
_NO_TEMPORARY_FOLDER = (
    "There is no folder for temporary files: set TMPDIR to one that can be written to."
)
_USED_UP = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EMFILE: _TOO_MANY_OPEN,
    errno.ENFILE: _TOO_MANY_OPEN,
    errno.ENOMEM: _NO_MEMORY,
}


def _used_up(error: BaseException | None) -> str:
    """A sentence if something of this computer is used up or missing, which is no bug; else empty.

    Libraries raise errors of their own on top of the system's.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError):
            return _NO_MEMORY
        if isinstance(error, OSError) and error.errno in _USED_UP:
            return _USED_UP[error.errno]
        if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
            return _NO_TEMPORARY_FOLDER  # from `tempfile`, which has no error of its own for it
        if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
            return _NO_MEMORY
        error = error.__cause__ or error.__context__
    return ""


def _flushed(code: int) -> int:
    """The exit code after writing out standard output; Python's own attempt prints a traceback.

    There may be none: it was closed before, or a window has started us.
    """
    output: TextIO | None = sys.stdout
    if output is None:
        return code
    try:
        output.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == 0:
            warn("Standard output could not be written.")
            return BadInputError.exit_code
    return code


def _as_interrupt(_number: int, frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl+C, by calling whatever handles SIGINT at the moment.

    Where SIGINT is ignored, as in a shell's background job, SIGTERM still interrupts.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        interrupt(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt


def _report_bug(error: Exception) -> None:
    """One sentence; with REJOIN_TRACEBACK set also the traceback, redacted."""
    import traceback

    from rejoin.redact import redact
    from rejoin.runtime import logs

    logs.keep_error(error)
    warn(
        f"unexpected {type(error).__name__}. This is a bug in Rejoin; "
        "set REJOIN_TRACEBACK=1 to see where it happened."
    )
    if os.environ.get("REJOIN_TRACEBACK"):
        say_lines(redact("".join(traceback.format_exception(error))), err=True)
