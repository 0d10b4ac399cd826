"""Every fault profile has its verdict, or honestly none, and no verdict is ever untrue.

The engine runs in the simulated world of each profile. Once a second of an episode it gets what
probes would find there; the truth is the world itself.
"""

from __future__ import annotations

import random

import pytest

from rejoin.core import events
from rejoin.core.model import Policy
from rejoin.core.phases import episode_of, verdict_of
from rejoin.core.retry import FailureKind
from rejoin.core.verdict import BackendState, Findings, InternetState, LinkState, Verdict
from rejoin.injector.seeds import chance_of, network_profiles
from rejoin.netem.network_profile import PLACES
from rejoin.service_model.lifecycle import Rules
from rejoin.verify.environment import World
from rejoin.verify.faults import changes, rtt_s
from rejoin.verify.simulate import _Run

V = Verdict
EXPECTED: dict[str, set[Verdict]] = {
    "iface_down": {V.NETWORK_GONE},
    "http_html_portal": {V.SERVICE_SILENT},
    "http_big_json": {V.SERVICE_SILENT},
    "http_blocked_udp_ok": set(),  # the stream goes on: nothing was lost
    "dns_fail": {V.SERVICE_SILENT},
    "server_no_media": {V.HOST_SILENT},
    "udp_blocked_http_ok": {V.PATH_BROKEN},
    "cut_30s": {V.PATH_BROKEN},
    "cut_until_window-1": {V.PATH_BROKEN},
    "cut_until_window": {V.PATH_BROKEN},
    "cut_until_window+1": {V.PATH_BROKEN},
    "cut_forever": {V.PATH_BROKEN},
    "oneway_down": {V.PATH_BROKEN},
    "oneway_up": {V.PATH_BROKEN},
}
"""What is said of a profile at some time; of the others nothing is."""

_BACKEND = {
    None: BackendState.ANSWERS,
    FailureKind.NOT_SENT: BackendState.SILENT,
    FailureKind.NOT_BACKEND: BackendState.PAGE,
    FailureKind.TLS: BackendState.STRANGER,
}


class ProbedRun(_Run):
    """A run with probes, which notes each verdict and complains of one that is not true."""

    def __init__(self, world: World, policy: Policy) -> None:
        super().__init__(world, policy, random.Random(1).random, None)
        self.probed_at = self.dark_at = 0.0
        self.said: set[Verdict] = set()
        self.untrue: list[tuple[float, Verdict]] = []

    def watch_recovery(self) -> None:
        super().watch_recovery()
        if self.dark:
            self.dark_at = self.clock.now
        if self.asleep_since_at is not None or episode_of(self.state.phase) is None:
            return
        now = self.clock.now
        if now - self.probed_at >= 1.0:
            self.probed_at = now
            self.handle(events.ProbesFinished(self.findings()))
            self._note(now)

    @property
    def offline(self) -> bool:
        return self.state.facts.offline_since_at is not None

    def findings(self) -> Findings:
        works = self.backend.failure is None or not self.dark  # both: the computer is cut off
        return Findings(
            LinkState.GONE if self.offline else LinkState.UP,
            backend=_BACKEND[self.backend.failure],
            internet=InternetState.REACHED if works else InternetState.SILENT,
        )

    @property
    def dark(self) -> bool:
        return not (self.connections.down and self.connections.up)

    def _note(self, now: float) -> None:
        verdict = verdict_of(self.state)
        if verdict is None or verdict is V.NOT_KNOWN:
            return
        self.said.add(verdict)
        true = {
            V.NETWORK_GONE: self.offline,
            V.SERVICE_SILENT: not self.backend.works,
            V.HOST_SILENT: not self.connections.media,
            # It is as old as the last try of a new connection.
            V.PATH_BROKEN: now - self.dark_at <= self.policy.firewall_every_s,
        }
        if not true[verdict]:
            self.untrue.append((now, verdict))


def run(name: str) -> ProbedRun:
    profile = network_profiles().get(name)
    happens = changes(name, profile, at_s=2.0, until_s=60.0, window_s=45.0, chance=chance_of(1))
    world = World(
        rtt_s=max(0.04, rtt_s(profile)),
        notice_silent_client_s=5.0,
        rules=Rules(connection_timeout_s=40.0),
        faults=happens,
    )
    it = ProbedRun(world, Policy())
    it.play(100.0)
    return it


@pytest.mark.parametrize("name", PLACES)
def test_each_fault_profile_has_its_verdict_or_none(name: str) -> None:
    it = run(name)
    assert it.said == EXPECTED.get(name, set())


@pytest.mark.parametrize("name", PLACES)
def test_no_verdict_is_untrue_when_it_is_said(name: str) -> None:
    assert run(name).untrue == []
