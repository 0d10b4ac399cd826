"""The seam between service and host, as both sides fulfil it."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from helpers.fake_host import FakeHost
from helpers.game_hosts import PROTOCOL_URL, Listener
from rejoin.emulator.host.game_host import GameHost
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostFactory, StreamHost


@pytest.mark.parametrize(
    "factory", [FakeHost, functools.partial(GameHost, protocol_url=PROTOCOL_URL)]
)
def test_a_host_is_made_with_settings_and_follows_changed_ones(factory: HostFactory) -> None:
    settings = EmulatorSettings()
    host: StreamHost = factory(Listener(), settings)
    changed = dataclasses.replace(settings, resolution_scale=0.5)
    host.settings_changed(changed)
    assert getattr(host, "settings") is changed  # noqa: B009 - not part of the seam
