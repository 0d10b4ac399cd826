"""What goes with the window of one game: it follows the settings, and is a guest on the desktop."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from rejoin.clock import Clock
from rejoin.gui.guest.guest import Guest
from rejoin.gui.guest.services import choices_of, services_of
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.settings.following import Following
from rejoin.runtime.place_file import PlaceFile


class _Clicked(QObject):
    """Brings a click on a notification to the window's thread. It has no parent: whoever sends it
    from another thread keeps it alive."""

    clicked = Signal(object)


@dataclass(frozen=True, slots=True)
class Hosted:
    """Of one window, until `close`, which has to come before the window is deleted."""

    guest: Guest
    following: Following

    def close(self) -> None:
        """May be called twice."""
        self.guest.close()
        self.following.close()


def hosted(
    application: QApplication,
    window: RejoinWindow,
    settings: FollowedSettings,
    clock: Clock,
    *,
    place: PlaceFile | None,
) -> Hosted:
    """`place`: where the window's is kept; None: by somebody else, or nowhere."""
    following = Following(application, window, settings)
    clicked = _Clicked()
    clicked.clicked.connect(window.come_to_front, Qt.ConnectionType.QueuedConnection)

    def on_click(token: str | None) -> None:  # holds `clicked`
        clicked.clicked.emit(token)

    services = services_of(
        application,
        place=place,
        sound=window.bridge.sound,
        settings=lambda: following.now,
        on_click=on_click,
    )
    # The window is its parent.
    guest = Guest(window, services, choices=lambda: choices_of(following.now), clock=clock)
    return Hosted(guest, following)
