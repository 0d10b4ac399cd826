"""Collects the ids of the AWS requests that a player's call caused; AWS support asks for them.

Each call has a list in its context, which the tasks and threads that it starts share.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

MOST: Final = 8
"""How many ids of one call are kept; a call has two or three requests."""
_ID: Final = re.compile(r"[A-Za-z0-9=_/+.:-]{1,128}")
_ids: ContextVar[list[str] | None] = ContextVar("aws_requests", default=None)


@contextlib.contextmanager
def noted_in(ids: list[str]) -> Iterator[None]:
    """Note the requests made inside this context in the list, in the order of their answers."""
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


def note(parsed: Mapping[str, Any], **_: object) -> None:
    """An answer arrived; a handler of botocore's event `after-call`."""
    ids = _ids.get()
    metadata = parsed.get("ResponseMetadata")
    found = metadata.get("RequestId") if isinstance(metadata, dict) else None
    if ids is not None and len(ids) < MOST and isinstance(found, str) and _ID.fullmatch(found):
        ids.append(found)
