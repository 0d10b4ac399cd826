"""What Qt reports about the network becomes events; with a stand-in for Qt."""

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
    """Qt's names."""

    Unknown = 0
    Disconnected = 1
    Local = 2
    Online = 4


class Network(QObject):
    """The part of QNetworkInformation that the hint uses."""

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
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, f"this never became true: {self.heard}"
            QCoreApplication.processEvents()
            time.sleep(0.002)

    def settled(self) -> list[Event]:
        """What was posted once no change is pending."""
        self.until(lambda: not self.hint._timer.isActive())
        self.hint.close()
        return self.heard


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_hint, "QUIET_MS", 20)


def test_only_a_missing_network_is_posted_at_once() -> None:
    assert Scene().settled() == []
    assert Scene(Reachability.Unknown).settled() == []
    assert Scene(Reachability.Disconnected).settled() == [NetworkLost()]


def test_a_network_that_is_lost_and_found_is_posted_as_such() -> None:
    scene = Scene()
    scene.network.becomes(Reachability.Disconnected)
    scene.until(lambda: scene.heard == [NetworkLost()])
    scene.network.becomes(Reachability.Online)
    scene.until(lambda: scene.heard == [NetworkLost(), NetworkFound()])
    scene.hint.close()


def test_a_burst_of_changes_is_one_event_with_the_last_state() -> None:
    scene = Scene()
    for reachable in (Reachability.Disconnected, Reachability.Local, Reachability.Online):
        scene.network.becomes(reachable)
    scene.network.transportMediumChanged.emit("Cellular")
    assert scene.settled() == [NetworkFound()]


def test_a_new_medium_is_a_change_but_a_network_is_lost_only_once() -> None:
    scene = Scene()
    scene.network.transportMediumChanged.emit("WiFi")
    assert scene.settled() == [NetworkFound()]
    scene = Scene(Reachability.Disconnected)
    scene.network.transportMediumChanged.emit("Unknown")
    assert scene.settled() == [NetworkLost()]


def test_after_close_nothing_is_posted() -> None:
    scene = Scene()
    scene.network.becomes(Reachability.Disconnected)
    scene.hint.close()
    scene.hint.close()
    scene.network.becomes(Reachability.Online)
    assert scene.settled() == []


def test_qt_has_what_the_hint_connects_to(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip("PySide6.QtNetwork", exc_type=ImportError)
    information = module.QNetworkInformation
    for name in ("reachabilityChanged", "transportMediumChanged", "reachability", "instance"):
        assert hasattr(information, name)
    assert {one.name for one in Reachability} <= {one.name for one in information.Reachability}
    assert information.Reachability.Disconnected.name == DISCONNECTED
    monkeypatch.setattr(information, "loadDefaultBackend", lambda: False)
    assert qt_network() is None
