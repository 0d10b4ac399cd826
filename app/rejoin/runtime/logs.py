"""Configures logging: to standard error and to a file, redacted, and safe for a terminal.

Nothing else in Rejoin configures it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TextIO

from rejoin.printable import printable_lines

if TYPE_CHECKING:
    from types import TracebackType

_QUIETED = ("aioice", "aiortc", "httpx", "httpcore", "uvicorn", "botocore", "boto3", "asyncio")
"""Libraries that log addresses, URLs or every packet: logged from ERROR on, redacted."""


class _Formatter(logging.Formatter):
    """Loads the redaction with the first record: a run that logs nothing does not need it."""

    def format(self, record: logging.LogRecord) -> str:
        from rejoin.redact import redact

        return printable_lines(redact(super().format(record)))


class Lines(Protocol):
    """Redacts lines and writes them: `log_file.LogFile`."""

    def add(self, text: str) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class _ToFile(logging.Handler):
    """Loads the file's writer with the first record, too."""

    def __init__(self, open_file: Callable[[], Lines]) -> None:
        super().__init__(logging.INFO)
        self._open_file = open_file
        self.setFormatter(
            logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
        )
        self._file: Lines | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._file is None:
                self._file = self._open_file()
            self._file.add(self.format(record))
        except ImportError:  # the part of players is not installed
            return
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def configure(
    *,
    verbose: bool = False,
    open_file: Callable[[], Lines] | None = None,
    stream: TextIO | None = None,
) -> None:
    """Log warnings (with `verbose` everything of Rejoin's) to `stream`, default standard error.

    `open_file`: makes a second target, which also gets Rejoin's messages below a warning; called
    with the first record."""
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    own = logging.getLogger("rejoin")
    own.setLevel(logging.DEBUG if verbose else logging.WARNING)
    root = logging.getLogger()
    for before in tuple(root.handlers):
        root.removeHandler(before)
    root.addHandler(out)
    if open_file is not None:
        out.setLevel(own.level)
        own.setLevel(min(own.level, logging.INFO))
        file = _ToFile(open_file)
        root.addHandler(file)
        _keep_uncaught(file)
    root.setLevel(logging.WARNING)
    for name in _QUIETED:
        logging.getLogger(name).setLevel(logging.ERROR)
    # uvicorn logs requests that it aborts at shutdown as errors; for us that is a normal shutdown.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def keep_error(error: BaseException) -> None:
    """Write an unexpected error with its traceback to the file only, if there is one: on a desktop
    nobody sees standard error."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _ToFile):
            _write_error(handler, type(error), error, error.__traceback__)


def _keep_uncaught(file: _ToFile) -> None:
    """Uncaught errors in Qt's handlers, which Python only prints, go to the file as well."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _write_error(file, kind, error, trace)
        before(kind, error, trace)

    sys.excepthook = hook


def _write_error(
    file: _ToFile,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    record = logging.LogRecord(
        "rejoin", logging.ERROR, __file__, 0, "unexpected", None, (kind, error, trace)
    )
    file.handle(record)
