"""Which desktop is asked, by system and platform."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from rejoin.gui.guest import services
from rejoin.gui.guest.hints import Choices
from rejoin.media.audio import bell
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.desktop_bus import BusDesktop, NoDesktop
from rejoin.runtime.player_settings import PlayerSettings


@pytest.mark.parametrize(
    ("platform", "system", "address", "kind"),
    [
        ("xcb", "linux", "unix:path=/x", BusDesktop),
        ("wayland", "linux", "unix:path=/x", BusDesktop),
        ("xcb", "linux", None, NoDesktop),
        ("offscreen", "linux", "unix:path=/x", NoDesktop),
        ("windows", "win32", "unix:path=/x", NoDesktop),
        ("cocoa", "darwin", "unix:path=/x", NoDesktop),
    ],
)
def test_a_desktop_is_asked_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    system: str,
    address: str | None,
    kind: type[object],
) -> None:
    monkeypatch.setattr(services, "bus_address", lambda: address)
    assert type(services.desktop_of(platform, system)) is kind


def test_the_sound_has_the_volume_of_the_game_and_is_silent_with_it(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[float, str | None]] = []
    monkeypatch.setattr(bell, "ring", lambda *arguments: rung.append(arguments))
    choice = SoundChoice(50)
    found = services.services_of(
        application,
        place=None,
        sound=lambda: choice,
        settings=lambda: PlayerSettings(sound_device="Headphones"),
    )
    found.sound()
    choice = SoundChoice(50, muted=True)
    found.sound()
    assert rung == [(0.125, "Headphones")]
    assert found.wayland is None


def test_the_hints_are_what_the_settings_say() -> None:
    assert services.choices_of(PlayerSettings()) == Choices(background=True, sound=False)
    chosen = PlayerSettings(notify_in_background=False, sound_at_the_end=True)
    assert services.choices_of(chosen) == Choices(background=False, sound=True)
