"""Facts are asked when they are shown, and nothing that is missing is an error."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin.gui.settings.facts import FactFinder
from rejoin.gui.settings.rows import Playing
from rejoin.runtime.data_used import DataTotal


class Network:
    """As `QNetworkInformation`."""

    class Feature:
        Metered = object()

    def __init__(self, supported: bool, metered: bool) -> None:
        self.supported, self.metered = supported, metered

    def supports(self, feature: object) -> bool:
        return feature is Network.Feature.Metered and self.supported

    def isMetered(self) -> bool:
        return self.metered


def finder(tmp_path: Path, **changes: Any) -> FactFinder:
    known: dict[str, Any] = {
        "data_path": tmp_path / "data_used.json",
        "list_devices": lambda: ("Speakers",),
        "network": lambda: None,
    }
    return FactFinder(lambda: Playing("the processor"), **{**known, **changes})


def test_what_is_known_at_once(application: QApplication, tmp_path: Path) -> None:
    (tmp_path / "data_used.json").write_text(
        json.dumps({"received_bytes": 5, "played_s": 1, "since_unix_s": 2})
    )
    facts = finder(tmp_path).facts()
    assert facts.playing == Playing("the processor")
    named = [screen.name() for screen in application.screens() if screen.name()]
    assert [screen.name for screen in facts.screens] == named
    assert facts.data == DataTotal(5, 1.0, 2.0)
    assert (facts.devices, facts.metered, facts.verdict) == (None, None, None)


@pytest.mark.usefixtures("application")
def test_devices_are_listed_on_a_thread_once_their_section_is_shown(tmp_path: Path) -> None:
    asked: list[str] = []

    def devices() -> tuple[str, ...]:
        asked.append(threading.current_thread().name)
        return ("Speakers",)

    found, changes = finder(tmp_path, list_devices=devices), list[bool]()
    found.changed.connect(lambda: changes.append(True))
    found.ask_for("video")
    assert found.facts().devices is None
    for _ in range(2):
        found.ask_for("sound")
    assert wait_until(lambda: bool(changes), 30)
    assert found.facts().devices == ("Speakers",)
    assert asked == ["rejoin-sound-devices"]


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize(
    ("network", "metered"),
    [
        (lambda: None, None),
        (lambda: Network(False, True), None),
        (lambda: Network(True, True), True),
        (lambda: Network(True, False), False),
    ],
)
def test_whether_the_network_counts_data(
    tmp_path: Path, network: Callable[[], Any], metered: bool | None
) -> None:
    found = finder(tmp_path, network=network)
    assert found.facts().metered is None, "nobody has asked"
    found.ask_for("data")
    assert found.facts().metered is metered


@pytest.mark.usefixtures("application")
def test_a_small_system_lacks_the_library(tmp_path: Path) -> None:
    def missing() -> Any:
        raise ImportError("libgssapi_krb5.so.2")

    found = finder(tmp_path, network=missing)
    found.ask_for("data")
    assert found.facts().metered is None


@pytest.mark.usefixtures("application")
def test_data_is_counted_anew(tmp_path: Path) -> None:
    path = tmp_path / "data_used.json"
    path.write_text("{}")
    finder(tmp_path).count_data_anew()
    assert not path.exists()
    finder(tmp_path).count_data_anew()


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize("counts", [True, False])
def test_qt_itself_is_asked_by_default(monkeypatch: pytest.MonkeyPatch, counts: bool) -> None:
    class Network:
        class Feature:
            Metered = "metered"

        def supports(self, feature: object) -> bool:
            return feature == "metered"

        def isMetered(self) -> bool:
            return counts

    monkeypatch.setattr("rejoin.gui.network_hint.qt_network", Network)
    found = FactFinder(lambda: None)
    assert found.facts().metered is None, "not before it is needed"
    found.ask_for("data")
    assert found.facts().metered is counts
