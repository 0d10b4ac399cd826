"""Where log lines go: to standard error, redacted; nothing else ever configures logging."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from rejoin.redact import RedactingFormatter

_LOUD = ("aioice", "aiortc", "httpx", "httpcore", "uvicorn", "botocore", "boto3", "asyncio")
"""Libraries that log addresses, URLs or every packet: heard from ERROR on, and redacted then."""


def configure(*, verbose: bool = False, stream: TextIO | None = None) -> None:
    """Log warnings (everything of ours when `verbose`) to `stream`, standard error by default."""
    out = logging.StreamHandler(stream or sys.stderr)
    out.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for before in tuple(root.handlers):
        root.removeHandler(before)
    root.addHandler(out)
    root.setLevel(logging.WARNING)
    logging.getLogger("rejoin").setLevel(logging.DEBUG if verbose else logging.WARNING)
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    # uvicorn calls requests that it cuts at its end an error; for us that is how a backend ends.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
