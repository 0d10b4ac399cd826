"""A profile: which backend, who I am to it, and what an answer may make us do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rejoin.core.model import Policy
from rejoin.rtc.signal import NetworkRules


@dataclass(frozen=True, slots=True)
class Profile:
    """What a player chose. `connection_timeout_s` is for backends that do not tell it."""

    backend_url: str
    token: str = field(repr=False)
    network: NetworkRules = field(default_factory=NetworkRules)
    connection_timeout_s: float | None = None
    allow_insecure: bool = False

    def policy(self) -> Policy:
        """The engine's constants, with what this profile supplies."""
        return replace(Policy(), connection_timeout_default_s=self.connection_timeout_s)
