"""Qt's hint about the network, from a stand-in for Qt's knowledge of it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QObject, Signal

from rejoin.core.events import Event, NetworkFound, NetworkLost
from rejoin.gui import network_hint
from rejoin.gui.network_hint import DISCONNECTED, NetworkHint, qt_network

pytestmark = pytest.mark.usefixtures("application")


class Reachability(enum.Enum):
    """The names that Qt has for it."""

    Unknown = 0
    Disconnected = 1
    Local = 2
    Online = 4


class Network(QObject):
    """What the hint needs of QNetworkInformation."""

    reachabilityChanged = Signal(object)
    transportMediumChanged = Signal(object)

    def __init__(self, now: Reachability = Reachability.Online) -> None:
        super().__init__()
        self._now = now

    def reachability(self) -> Reachability:
        return self._now

    def becomes(self, now: Reachability) -> None:
        self._now = now
        self.reachabilityChanged.emit(now)


class Scene:
    def __init__(self, now: Reachability = Reachability.Online) -> None:
        self.network = Network(now)
        self.heard: list[Event] = []
        self.hint = NetworkHint(self.heard.append, self.network)

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not true():
            assert time.monotonic() < end, f"it never came to it: {self.heard}"
            QCoreApplication.processEvents()
            time.sleep(0.002)

    def settled(self) -> list[Event]:
        """What was heard once all that was said has had its time."""
        self.until(lambda: not self.hint._timer.isActive())
        self.hint.close()
        return self.heard


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_hint, "QUIET_MS", 20)


def test_a_network_that_is_there_is_not_told_and_one_that_is_not_is_told_at_once() -> None:
    assert Scene().settled() == []
    assert Scene(Reachability.Unknown).settled() == []
    assert Scene(Reachability.Disconnected).settled() == [NetworkLost()]


def test_it_goes_and_comes_back() -> None:
    scene = Scene()
    scene.network.becomes(Reachability.Disconnected)
    scene.until(lambda: scene.heard == [NetworkLost()])
    scene.network.becomes(Reachability.Online)
    scene.until(lambda: scene.heard == [NetworkLost(), NetworkFound()])
    scene.hint.close()


def test_a_burst_is_one_event_and_tells_how_it_ended() -> None:
    scene = Scene()
    for reachable in (Reachability.Disconnected, Reachability.Local, Reachability.Online):
        scene.network.becomes(reachable)
    scene.network.transportMediumChanged.emit("Cellular")
    assert scene.settled() == [NetworkFound()]


def test_another_medium_is_a_change_and_no_network_twice_is_none() -> None:
    scene = Scene()
    scene.network.transportMediumChanged.emit("WiFi")
    assert scene.settled() == [NetworkFound()]
    scene = Scene(Reachability.Disconnected)
    scene.network.transportMediumChanged.emit("Unknown")
    assert scene.settled() == [NetworkLost()]


def test_after_close_nothing_is_heard() -> None:
    scene = Scene()
    scene.network.becomes(Reachability.Disconnected)
    scene.hint.close()
    scene.hint.close()
    scene.network.becomes(Reachability.Online)
    assert scene.settled() == []


def test_qt_itself_has_what_the_hint_connects_to(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip("PySide6.QtNetwork", exc_type=ImportError)
    information = module.QNetworkInformation
    for name in ("reachabilityChanged", "transportMediumChanged", "reachability", "instance"):
        assert hasattr(information, name)
    assert {one.name for one in Reachability} <= {one.name for one in information.Reachability}
    assert information.Reachability.Disconnected.name == DISCONNECTED
    monkeypatch.setattr(information, "loadDefaultBackend", lambda: False)
    assert qt_network() is None
