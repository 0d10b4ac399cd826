"""Configures logging: to standard error and to a file, redacted, and safe for a terminal.

Nothing else in Rejoin configures it.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

from rejoin.printable import printable_lines

if TYPE_CHECKING:
    from types import TracebackType

    from rejoin.runtime.log_file import LogFile

_QUIETED = ("aioice", "aiortc", "httpx", "httpcore", "uvicorn", "botocore", "boto3", "asyncio")
"""Libraries that log addresses, URLs or every packet: logged from ERROR on, redacted."""


class _Formatter(logging.Formatter):
    """What redacts is loaded with the first record: a run that logs nothing needs none."""

    def format(self, record: logging.LogRecord) -> str:
        from rejoin.redact import redact

        return printable_lines(redact(super().format(record)))


class _ToFile(logging.Handler):
    """What writes the file is loaded with the first record, too; it redacts on its own thread."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(
            logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
        )
        self._file: LogFile | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._file is None:
                from rejoin.runtime.log_file import LogFile

                self._file = LogFile()
            self._file.add(self.format(record))
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
    *, verbose: bool = False, to_file: bool = False, stream: TextIO | None = None
) -> None:
    """Log warnings (with `verbose` everything of Rejoin's) to `stream`, default standard error.

    `to_file`: also to the player's log, with what Rejoin says without being a warning."""
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    own = logging.getLogger("rejoin")
    own.setLevel(logging.DEBUG if verbose else logging.WARNING)
    root = logging.getLogger()
    for before in tuple(root.handlers):
        root.removeHandler(before)
    root.addHandler(out)
    if to_file:
        out.setLevel(own.level)
        own.setLevel(min(own.level, logging.INFO))
        file = _ToFile()
        root.addHandler(file)
        _keep_uncaught(file)
    root.setLevel(logging.WARNING)
    for name in _QUIETED:
        logging.getLogger(name).setLevel(logging.ERROR)
    # uvicorn logs requests that it aborts at shutdown as errors; for us that is a normal shutdown.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def keep_error(error: BaseException) -> None:
    """Write an error that nobody expected, with its traceback, to the file alone, where there is
    one: a desktop shows standard error to nobody."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _ToFile):
            _write_error(handler, type(error), error, error.__traceback__)


def _keep_uncaught(file: _ToFile) -> None:
    """Those of Qt's handlers, which Python prints and forgets, go to the file as well."""
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
