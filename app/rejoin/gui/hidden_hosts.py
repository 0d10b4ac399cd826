"""Removes the studio's host and addresses from a sentence, for streamer mode. Pure."""

from __future__ import annotations

import contextlib
from typing import Final
from urllib.parse import urlsplit

from rejoin.language import mark, tr
from rejoin.redact import redact

HIDDEN_HOST: Final = mark("[hidden]")


def without_host(text: str, backend_url: str) -> str:
    """The text, translated already, without the backend's URL and host, and without whole IP
    addresses, so that it may be seen by others."""
    named = {backend_url}
    with contextlib.suppress(ValueError):  # it is no URL
        parts = urlsplit(backend_url)
        named |= {f"{parts.scheme}://{parts.netloc}", parts.netloc, parts.hostname or ""}
    for each in sorted(named - {""}, key=len, reverse=True):
        text = text.replace(each, tr(HIDDEN_HOST))
    return redact(text)
