"""Wayland's part that needs no compositor; `tests/live/test_wayland_controls.py` has the rest."""

from __future__ import annotations

import logging

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from rejoin.gui import wayland


class OnWayland:
    """An application, as far as it is asked."""

    def platformName(self) -> str:
        return "wayland-egl"

    def nativeInterface(self) -> None:
        return None


def test_on_another_platform_there_is_none(application: QApplication) -> None:
    assert wayland.desktop_of(application) is None


@pytest.mark.parametrize("error", [OSError("no library"), AttributeError("no such symbol")])
def test_a_library_that_cannot_be_used_is_logged_and_the_game_is_played(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(wayland, "_Library", fail)
    application: QGuiApplication = OnWayland()  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        assert wayland.desktop_of(application) is None
    assert str(error) in caplog.text


def test_each_message_has_as_many_types_as_its_signature_says() -> None:
    """libwayland reads that many, whatever there is."""
    try:
        library = wayland._Library()
    except OSError:
        pytest.skip("libwayland-client is not installed")
    seen: list[str] = []
    for interface in (
        library.locked_pointer,
        library.constraints,
        library.relative_pointer,
        library.relative_manager,
        library.inhibitor,
        library.inhibit_manager,
    ):
        counts = (
            (interface.methods, interface.method_count),
            (interface.events, interface.event_count),
        )
        for messages, count in counts:
            for message in messages[:count]:
                letters = [each for each in message.signature.decode() if each in "iufsonah"]
                types = message.types[: len(letters)]
                assert len(types) == len(letters)
                objects = [bool(kind) for kind in types]
                new = message.signature.startswith(b"n")
                assert not new or objects[0] or message.name == b"confine_pointer"
                seen.append(message.name.decode())
    assert {"lock_pointer", "locked", "unlocked", "relative_motion", "inhibit_shortcuts"} <= {*seen}
