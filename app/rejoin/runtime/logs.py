"""Configures logging: to standard error, redacted, and safe for a terminal.

Nothing else in Rejoin configures it.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from rejoin.printable import printable_lines

_QUIETED = ("aioice", "aiortc", "httpx", "httpcore", "uvicorn", "botocore", "boto3", "asyncio")
"""Libraries that log addresses, URLs or every packet: logged from ERROR on, redacted."""


class _Formatter(logging.Formatter):
    """What redacts is loaded with the first record: a run that logs nothing needs none."""

    def format(self, record: logging.LogRecord) -> str:
        from rejoin.redact import redact

        return printable_lines(redact(super().format(record)))


def configure(*, verbose: bool = False, stream: TextIO | None = None) -> None:
    """Log warnings (with `verbose` everything of Rejoin's) to `stream`, default standard error."""
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for before in tuple(root.handlers):
        root.removeHandler(before)
    root.addHandler(out)
    root.setLevel(logging.WARNING)
    logging.getLogger("rejoin").setLevel(logging.DEBUG if verbose else logging.WARNING)
    for name in _QUIETED:
        logging.getLogger(name).setLevel(logging.ERROR)
    # uvicorn logs requests that it aborts at shutdown as errors; for us that is a normal shutdown.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
