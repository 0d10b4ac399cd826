"""The player's limits for every new connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """`max_kbps` in kbit/s and `max_height` in rows of a picture: what the host may send; None: no
    limit. `dtls_client`: act as the DTLS client (ADR 0023)."""

    max_kbps: int | None = None
    max_height: int | None = None
    dtls_client: bool = False
