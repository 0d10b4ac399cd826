"""The seam between service and host, as both sides fulfil it."""

from __future__ import annotations

from helpers.fake_host import FakeHost
from helpers.game_hosts import PROTOCOL_URL, Listener
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import AdjustableHost, HostFactory, StreamHost


def test_a_host_says_by_its_methods_whether_it_follows_changed_settings() -> None:
    game_host: StreamHost = GameHost(Listener(), EmulatorSettings(), protocol_url=PROTOCOL_URL)
    assert isinstance(game_host, AdjustableHost)
    factory: HostFactory = FakeHost
    assert not isinstance(factory(Listener(), EmulatorSettings()), AdjustableHost)
