"""Makes the profile of a studio's own backend from a few texts, such as an ini file has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rejoin.errors import BadInputError
from rejoin.runtime.studio_profile import StudioProfile, network_rules
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import DIALECTS

NETWORKS: Final = ("internet", "lan", "loopback")
_YES: Final = frozenset({"1", "true", "yes", "on"})


def profile_of(options: Mapping[str, str], token: str | None) -> StudioProfile:
    """The profile for these options: `backend`, and those of `dialect`, `network`, `stream_group`,
    `application`, `connection_timeout`, `ca_file` and `insecure` that are not empty.

    Raises BadInputError for what cannot be used.
    """
    given = {name: text.strip() for name, text in options.items() if text.strip()}
    name, network = given.get("dialect", "ours"), given.get("network", "internet")
    if name not in DIALECTS:
        raise BadInputError(f"rejoin_dialect is one of {', '.join(sorted(DIALECTS))}, not {name}.")
    if network not in NETWORKS:
        raise BadInputError(f"rejoin_network is one of {', '.join(NETWORKS)}, not {network}.")
    dialect = DIALECTS[name]
    if dialect.needs_token and not token:
        raise BadInputError("A sign-in token is needed: set REJOIN_TOKEN.")
    group = given.get("stream_group")
    if dialect.needs_stream_group and group is None:
        raise BadInputError(f"A backend of dialect {name} needs rejoin_stream_group.")
    ca_file = given.get("ca_file")
    return StudioProfile(
        given["backend"],
        token,
        network_rules(network),
        dialect=dialect,
        choice=None if group is None else StreamChoice(group, given.get("application")),
        connection_timeout_s=_seconds(given.get("connection_timeout")),
        allow_insecure=given.get("insecure", "").lower() in _YES,
        ca_file=None if ca_file is None else Path(ca_file),
    )


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise BadInputError(f"rejoin_connection_timeout is 1 to 3600 seconds, not {text}.")
    return seconds
