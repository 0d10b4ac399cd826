"""How the backend's log looks: a line for people, or one JSON object a line for a collector.

Both are redacted. In JSON each text is redacted by itself, so that a line stays JSON.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, Literal

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from rejoin.backend.audit import LOGGER as AUDIT
from rejoin.backend.call_log import CALLS
from rejoin.backend.log_rate import limit_log_rate
from rejoin.backend.log_writer import LogWriter
from rejoin.redact import redact

Form = Literal["text", "json"]

_PROCESSORS: Final[list[Any]] = [
    merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.ExceptionRenderer(),
]


def form_of(setting: str | None, *, terminal: bool) -> Form:
    """`setting`: "text", "json", or None for lines on a terminal and JSON elsewhere."""
    if setting is None:
        return "text" if terminal else "json"
    return "json" if setting == "json" else "text"


def set_up_log(form: Form) -> None:
    """Set the rate limits and the form of this process's log. Audit lines are logged in both forms;
    lines of other calls in JSON, and in text only with `rejoin -v`."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
        writer = LogWriter(handler.stream)
        writer.setFormatter(_json_formatter() if form == "json" else handler.formatter)
        root.removeHandler(handler)
        root.addHandler(writer)
    limit_log_rate()
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    if form == "json":
        logging.getLogger(CALLS).setLevel(logging.INFO)


@contextlib.contextmanager
def request_context(request_id: str) -> Iterator[None]:
    """In JSON, each record that is made in here has the request's id."""
    with bound_contextvars(request_id=request_id):
        yield


def _json_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_PROCESSORS,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redacted,
            structlog.processors.JSONRenderer(),
        ],
    )


_OURS: Final = frozenset(
    {"level", "logger", "time", "request_id", "owner", "operation", "code", "session", "source"}
)
"""Fields that this program makes itself; redacting them too made a line several times as slow."""


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {
        name: redact(value) if isinstance(value, str) and name not in _OURS else value
        for name, value in event.items()
        if value is not None
    }
