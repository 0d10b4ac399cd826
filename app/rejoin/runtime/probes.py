"""One round of probes, side by side: links, gateway, names, the backend, another trusted origin.

Bounded: one call to each, `signaling.probes.BUDGET_S` at most. Private: without a token, and only
to the backend and the origins that the profile names. The session's status and the checks to the
host are not part of a round: the engine makes them anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from rejoin.core.verdict import Answer, Findings, InternetState, LinkState
from rejoin.runtime.gateway import way_out
from rejoin.runtime.network import Reach, reach_of
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.system_word import SystemWord, system_word
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.name_lookup import NameLookup, is_address
from rejoin.signaling.probes import BackendProbe, OriginProbe, is_other_origin

MAX_ORIGINS: Final = 2
WayOut = Callable[[Reach], tuple[LinkState, Answer]]


class Probes:
    """`runtime.ports.ProbesPort` of a studio profile. To be used in one event loop; to make it
    blocks for as long as it takes to read the certificates."""

    def __init__(
        self,
        profile: StudioProfile,
        http: HttpSettings,
        *,
        word: SystemWord | None = None,
        way: WayOut = way_out,
        names: NameLookup | None = None,
    ) -> None:
        """Raises BadInputError for a `probe_url` that is no URL."""
        self._reach = reach_of(profile.network)
        self._backend = BackendProbe(profile.backend_url, profile.dialect, http)
        others = [
            url for url in profile.trusted_origins() if is_other_origin(url, profile.backend_url)
        ][:MAX_ORIGINS]
        self._origins = [OriginProbe(url, _origin_http(http)) for url in others]
        self._word = word or system_word()
        self._way = way
        self._names = names or NameLookup()

    async def findings(self) -> Findings:
        """What one round found. Does not raise."""
        backend, names, sign_in, origins = await asyncio.gather(
            self._backend.state(),
            self._name(),
            self._word.is_behind_sign_in_page(),
            asyncio.gather(*(each.state() for each in self._origins)),
        )
        # Last: by now the kernel knows from the other probes whether the gateway answers.
        link, gateway = self._way(self._reach)
        if names is Answer.SILENT:
            # Perhaps name resolution is down: an origin with a literal address does not show that.
            named = [not probe.has_address for probe in self._origins]
            origins = [state for state, is_named in zip(origins, named, strict=True) if is_named]
        return Findings(link, gateway, names, backend, _internet(origins, sign_in=sign_in))

    async def aclose(self) -> None:
        """Stop what still runs."""
        await self._backend.aclose()
        for origin in self._origins:
            await origin.aclose()
        await self._names.aclose()

    async def _name(self) -> Answer:
        host = self._backend.host
        if is_address(host) or self._backend.behind_proxy:
            return Answer.UNKNOWN  # an address, or a proxy's name: no look-up here
        try:
            await self._names.addresses(host, self._backend.port)
        except OSError:
            return Answer.SILENT
        return Answer.ANSWERS


def _origin_http(http: HttpSettings) -> HttpSettings:
    """HTTP settings for an origin that is not the backend: with the system's authorities; http is
    allowed, as a probe reveals nothing."""
    return replace(http, allow_insecure=True, verify=None)


def _internet(states: Sequence[InternetState], *, sign_in: bool) -> InternetState:
    """The state of the internet, by the origins' answers and the system's own check (`sign_in`)."""
    for state in (InternetState.REACHED, InternetState.SIGN_IN):
        if state in states:
            return state
    if sign_in:
        return InternetState.SIGN_IN
    silent = bool(states) and all(each is InternetState.SILENT for each in states)
    return InternetState.SILENT if silent else InternetState.UNKNOWN
