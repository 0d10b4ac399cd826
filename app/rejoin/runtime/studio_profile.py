"""A studio profile: the backend, the sign-in token, and where its streams may come from."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from rejoin.core.model import Policy
from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.ice_servers import MAX_TEXT, IceServers, read_ice_servers
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.dialects import DIALECTS, OURS, Dialect
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.http_environment import tls_context


@dataclass(frozen=True, slots=True)
class StudioProfile:
    """What the player chose.

    `network`: where a stream may come from. `choice`: for dialects whose client names the stream
    group itself. `connection_timeout_s`: for backends that do not report it. `ca_file`: PEM file of
    the certificate authority that the backend's certificate must come from, instead of those of
    the system. `ice_servers_file`: JSON with TURN servers (`rtc/ice_servers`); without one no relay
    is used. `public_only`: no connection to the backend may lead to this computer or its network
    (a link named it). `allow_444`: offer video with colour in full resolution (4:4:4).
    `takes_reports`: the studio wants a small report of each reconnect; the player's own setting
    must allow it too. `probe_url`: another address of the studio, whose answer proves that the
    internet works while the backend does not answer (`signaling.probes.OriginProbe`).
    `issuer`: the identity provider at which the player signed in for this backend; its answer
    proves the same. `keeps_last_picture`: the last picture may be kept beside the ticket (not for
    an unreleased game). `allows_microphone`: the studio accepts the player's voice; the player has
    to turn the microphone on as well. A dialect that needs no token has none here.
    """

    backend_url: str
    token: str | None = field(repr=False)
    token_is_saved: bool = field(default=False, kw_only=True)
    """The keyring already has the token, together with its sign-in."""
    network: NetworkRules = field(default_factory=NetworkRules)
    dialect: Dialect = OURS
    choice: StreamChoice | None = None
    connection_timeout_s: float | None = None
    allow_insecure: bool = False
    ca_file: Path | None = None
    public_only: bool = False
    ice_servers_file: Path | None = None
    allow_444: bool = False
    takes_reports: bool = False
    probe_url: str | None = None
    keeps_last_picture: bool = False
    allows_microphone: bool = False
    issuer: str | None = None

    def trusted_origins(self) -> tuple[str, ...]:
        """Addresses that a probe may call as well as the backend."""
        return tuple(url for url in (self.probe_url, self.issuer) if url is not None)

    def __post_init__(self) -> None:
        if not self.dialect.needs_token:
            object.__setattr__(self, "token", None)

    def backend_address(self) -> BackendAddress:
        """The part for a ticket: without the sign-in token and values that only a start needs."""
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
            str(self.ca_file.absolute()) if self.ca_file else None,
            self.public_only,
            str(self.ice_servers_file.absolute()) if self.ice_servers_file else None,
            self.allow_444,
            self.takes_reports,
            self.probe_url,
            self.keeps_last_picture,
            self.allows_microphone,
        )

    @classmethod
    def from_address(cls, address: BackendAddress, token: str | None) -> StudioProfile:
        """The profile for a ticket's or a link's backend. Raises BadInputError."""
        dialect = DIALECTS.get(address.dialect)
        if dialect is None:
            raise BadInputError(
                Message(
                    "The ticket cannot be used: this version of Rejoin does not know the dialect "
                    "{dialect}.",
                    dialect=address.dialect,
                )
            )
        choice = (
            StreamChoice(address.stream_group, address.application)
            if address.stream_group
            else None
        )
        return cls(
            address.backend_url,
            token,
            network_rules(address.network),
            dialect,
            choice,
            address.connection_timeout_s,
            address.allow_insecure,
            Path(address.ca_file) if address.ca_file else None,
            address.public_only,
            Path(address.ice_servers_file) if address.ice_servers_file else None,
            address.allow_444,
            address.takes_reports,
            address.probe_url,
            address.keeps_last_picture,
            address.allows_microphone,
        )

    async def check(self) -> None:
        """Raises BadInputError if its URL, token or certificate authority, or the environment's
        proxy, is unusable. Makes no call."""
        client = make_client(
            self.dialect,
            self.backend_url,
            self.token,
            self.choice,
            http=HttpSettings(allow_insecure=self.allow_insecure, verify=self.ssl_context()),
        )
        await client.aclose()

    def ssl_context(self) -> ssl.SSLContext | None:
        """Trusts `ca_file` only; None: the authorities of the system. Raises BadInputError."""
        return None if self.ca_file is None else tls_context(self.ca_file)

    def ice_servers(self) -> IceServers:
        """The TURN servers, read anew, as their credentials may be short-lived. Raises
        BadInputError."""
        if self.ice_servers_file is None:
            return IceServers((), ())
        try:
            with self.ice_servers_file.open("rb") as file:
                text = file.read(MAX_TEXT + 1).decode("utf-8-sig")
        except (OSError, ValueError):
            name = self.ice_servers_file.name
            raise BadInputError(
                Message("The file with the ICE servers {name} cannot be read.", name=name)
            ) from None
        return read_ice_servers(text)

    def policy(self) -> Policy:
        """The engine's constants, adjusted to this profile and to what its dialect can do."""
        return replace(
            Policy(),
            connection_timeout_default_s=self.connection_timeout_s,
            reports_status=self.dialect.reports_status,
            forwards_token=self.dialect.forwards_token,
            can_terminate=self.dialect.can_terminate,
        )


def network_rules(network: str) -> NetworkRules:
    """The rules for a network named in `core.ticket.NETWORKS`."""
    return NetworkRules(loopback_only=network == "loopback", allow_private=network == "lan")
