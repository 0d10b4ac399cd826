"""A profile: which backend, who I am to it, and what an answer may make us do."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from rejoin.core.model import Policy
from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import DIALECTS, OURS, Dialect


@dataclass(frozen=True, slots=True)
class StudioProfile:
    """What a player chose.

    `connection_timeout_s` is for backends that do not tell it; `choice` for those whose client
    names the stream group itself; `authority` is a PEM file with whom to trust as the issuer of the
    backend's certificate, in place of the usual authorities.
    """

    backend_url: str
    token: str | None = field(repr=False)
    network: NetworkRules = field(default_factory=NetworkRules)
    dialect: Dialect = OURS
    choice: StreamChoice | None = None
    connection_timeout_s: float | None = None
    allow_insecure: bool = False
    authority: Path | None = None

    def door(self) -> BackendAddress:
        """What of it a ticket holds: all but the sign-in token and what a start alone needs."""
        network = "internet"
        if self.network.loopback_only:
            network = "loopback"
        elif self.network.allow_private:
            network = "lan"
        return BackendAddress(
            self.backend_url,
            self.dialect.name,
            network,
            self.choice.stream_group if self.choice else None,
            self.choice.application if self.choice else None,
            self.connection_timeout_s,
            self.allow_insecure,
            str(self.authority.absolute()) if self.authority else None,
        )

    @classmethod
    def through(cls, door: BackendAddress, token: str | None) -> StudioProfile:
        """The profile that a ticket was written with. Raises BadInputError."""
        dialect = DIALECTS.get(door.dialect)
        if dialect is None:
            raise BadInputError(
                f"The ticket cannot be used: this Rejoin does not know the dialect {door.dialect}."
            )
        return cls(
            door.backend_url,
            token,
            network_rules(door.network),
            dialect,
            StreamChoice(door.stream_group, door.application) if door.stream_group else None,
            door.connection_timeout_s,
            door.allow_insecure,
            Path(door.ca_file) if door.ca_file else None,
        )

    def verify(self) -> ssl.SSLContext | None:
        """Whom to trust for https; None is the usual authorities. Raises BadInputError."""
        if self.authority is None:
            return None
        try:
            return ssl.create_default_context(cafile=self.authority)
        except OSError as error:  # ssl.SSLError is one: not PEM, or no certificate in it
            raise BadInputError(
                f"{self.authority.name} cannot be used as the certificate of an authority: "
                "it must be a readable PEM file."
            ) from error

    def policy(self) -> Policy:
        """The engine's constants, with what this profile supplies and its dialect can do."""
        return replace(
            Policy(),
            connection_timeout_default_s=self.connection_timeout_s,
            reports_status=self.dialect.reports_status,
            forwards_token=self.dialect.forwards_token,
        )


def network_rules(network: str) -> NetworkRules:
    """Where a stream may come from, by its name in `core.ticket.NETWORKS`."""
    return NetworkRules(loopback_only=network == "loopback", allow_private=network == "lan")
