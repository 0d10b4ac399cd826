"""Fetches a small file and its signature, which lies beside it as NAME.minisig.

The rules are those of calls to a backend (`exchange`): https only, or http on this machine; limits
of time and size; no redirects. Its errors appear only in the log, so they are not translated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rejoin.signaling.exchange import DEFAULT_HTTP, Exchange, HttpSettings

SUFFIX = ".minisig"


async def fetch_signed(
    url: str,
    *,
    within_s: float,
    http: HttpSettings | None = None,
    on_written: Callable[[], None] | None = None,
) -> tuple[bytes, bytes]:
    """The file behind `url` and its signature, as received. Raises CallFailedError and
    BadInputError. `within_s`: for each of the two. `on_written`: called when the first byte of a
    request is about to be sent."""
    exchange = Exchange(
        url,
        None,
        http=replace(http or DEFAULT_HTTP, first_connect_timeout_s=within_s),
        stranger="has no such file",
        server="server of updates",
    )
    try:
        found = []
        for suffix in ("", SUFFIX):
            reply = await exchange.call("GET", suffix, budget_s=within_s, on_written=on_written)
            if reply.status != 200:
                raise exchange.not_ours(reply)
            found.append(reply.content)
    finally:
        await exchange.aclose()
    return found[0], found[1]
