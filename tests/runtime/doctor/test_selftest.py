"""What an installation must prove by itself; each test breaks one thing."""

from __future__ import annotations

import sys

import pytest

from rejoin.errors import PeerError
from rejoin.rtc import loopback_check
from rejoin.runtime.doctor import machine, selftest
from rejoin.runtime.doctor.findings import Outcome

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_every_package_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert selftest.imports().outcome is Outcome.OK
    monkeypatch.setattr(machine, "PLAYER_MODULES", ("av", "no_such_package"))
    found = selftest.imports()
    assert found.outcome is Outcome.FAILED
    assert "no_such_package is missing" in found.found


def test_files_that_belong_to_rejoin(monkeypatch: pytest.MonkeyPatch) -> None:
    assert selftest.files().outcome is Outcome.OK
    monkeypatch.setattr(selftest, "ASSETS", (*selftest.ASSETS, "selftest/none"))
    found = selftest.files()
    assert found.outcome is Outcome.FAILED
    assert '"selftest/none"' in found.found


async def test_webrtc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await selftest.webrtc()).outcome is Outcome.OK

    async def fails(within_s: float) -> None:
        raise PeerError("Two peers on this computer: DTLS failed.")

    monkeypatch.setattr(loopback_check, "check_loopback", fails)
    assert (await selftest.webrtc()).outcome is Outcome.FAILED


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a display may be missing")
async def test_without_a_display_qt_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)

    def started(*_: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(machine, "child_command", started)
    assert (await selftest.display()).outcome is Outcome.NOT_KNOWN


async def test_with_a_display_qt_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert (await selftest.display()).outcome is Outcome.OK
