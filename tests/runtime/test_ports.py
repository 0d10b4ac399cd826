"""The ports and what implements them agree in names and parameters; mypy compares the types."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from helpers.fake_world import FakePeer, FakeWorld
from rejoin.core.model import ConnectionNumber, Policy
from rejoin.rtc.peer import Peer
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.ports import (
    BackendPort,
    EngineOptions,
    EnginePorts,
    PeerPort,
    TicketStore,
)
from rejoin.signaling.client import BackendClient


def members(port: type[Any]) -> dict[str, Any]:
    return {name: member for name, member in vars(port).items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("port", "implementation"),
    [
        (PeerPort, Peer),
        (PeerPort, FakePeer),
        (BackendPort, BackendClient),
        (BackendPort, FakeWorld),
        (TicketStore, LocalStore),
    ],
)
def test_an_implementation_accepts_every_call_of_its_port(
    port: type[Any], implementation: type[Any]
) -> None:
    for name, member in members(port).items():
        if isinstance(member, property):
            assert isinstance(getattr(implementation, name), property), name
            continue
        wanted: Callable[..., Any] = member
        found: Callable[..., Any] = getattr(implementation, name)
        required, parameters = (
            inspect.signature(wanted).parameters,
            inspect.signature(found).parameters,
        )
        assert [each for each in parameters if each in required] == [*required], name
        added = [each for key, each in parameters.items() if key not in required]
        assert all(each.default is not inspect.Parameter.empty for each in added), name
        assert inspect.iscoroutinefunction(wanted) == inspect.iscoroutinefunction(found), name


def test_ports_without_the_optional_ones_do_nothing() -> None:
    world = FakeWorld(lambda: 0.0)
    ports = EnginePorts(world, world.make_peer)
    assert ports.watch(lambda event: None) is None
    peer = world.make_peer(ConnectionNumber(1), lambda event: None)
    ports.on_statistics(1.0, peer.statistics())
    assert (ports.tickets, ports.refresh_sign_in) == (None, None)
    assert EngineOptions().policy == Policy()
