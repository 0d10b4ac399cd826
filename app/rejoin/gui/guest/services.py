"""What this system's desktop offers to a window. The only place that asks which system it is."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtGui import QGuiApplication

from rejoin.gui.guest.guest import Services
from rejoin.gui.guest.hints import Choices
from rejoin.gui.guest.wayland_idle import inhibitor_of
from rejoin.gui.platform_plugin import WITH_A_DESKTOP
from rejoin.media.audio import bell
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.desktop_bus import BusDesktop, Desktop, NoDesktop, OnClick
from rejoin.runtime.place_file import PlaceFile
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.session_bus import bus_address


def desktop_of(
    platform: str, system: str = sys.platform, *, on_click: OnClick = lambda token: None
) -> Desktop:
    """`platform`: Qt's. Nothing is done on Windows and macOS."""
    if not system.startswith("linux") or platform not in WITH_A_DESKTOP:
        return NoDesktop()
    address = bus_address()
    return NoDesktop() if address is None else BusDesktop(address, on_click)


def choices_of(settings: PlayerSettings) -> Choices:
    """What the player has chosen of hints."""
    return Choices(settings.notify_in_background, settings.sound_at_the_end)


def services_of(
    application: QGuiApplication,
    *,
    place: PlaceFile | None,
    sound: Callable[[], SoundChoice],
    settings: Callable[[], PlayerSettings],
    on_click: OnClick = lambda token: None,
) -> Services:
    """What a window on this desktop uses. `sound`: the volume of the game, which counts for the
    sound as well. `settings`: the player's, now. `on_click`: of a notification; on any thread."""

    def ring() -> None:
        choice = sound()
        if not choice.silent:
            bell.ring(choice.amplitude, settings().sound_device)

    return Services(
        desktop_of(application.platformName(), on_click=on_click),
        sound=ring,
        wayland=inhibitor_of(application),
        place=place,
    )
