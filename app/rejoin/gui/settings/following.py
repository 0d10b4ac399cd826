"""A running game follows the settings that apply at once, or to its next connection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication

from rejoin.core.model import Stage
from rejoin.gui import theme
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.settings.chosen_controls import controls_of, pads_of
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.settings.rows import Playing
from rejoin.gui.settings.watch import SettingsWatch
from rejoin.gui.video_surface import Drawing
from rejoin.gui.window_size import least_size
from rejoin.media.video.scale_filter import Aspect, ScaleFilter
from rejoin.runtime.loaded_settings import Loaded
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.stream_limits import StreamLimits

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow


class Following(QObject):
    """Applies changes of the file to one window, until `close`.

    That must come before the window is deleted: an event filter that Qt asks about a window that is
    being deleted ends the process.
    """

    def __init__(
        self, application: QApplication, window: RejoinWindow, followed: FollowedSettings
    ) -> None:
        super().__init__()
        self._application = application
        self._window = window
        self._fixed = followed.fixed
        self._now = followed.now
        # Queued: by then it is known which window is the active one.
        application.focusWindowChanged.connect(self._silence, Qt.ConnectionType.QueuedConnection)
        self._closed = False
        if followed.path is not None:
            watch = SettingsWatch(followed.path, self)
            watch.changed.connect(self._on_changed)

    @property
    def now(self) -> PlayerSettings:
        """What counts now."""
        return self._now

    def close(self) -> None:
        """Follow nothing any more. May be called twice."""
        if not self._closed:
            self._closed = True
            self._application.focusWindowChanged.disconnect(self._silence)
            self.deleteLater()

    def _on_changed(self, loaded: Loaded) -> None:
        """A file that cannot be read, perhaps because it is being edited, changes nothing."""
        if loaded.damaged or self._closed:
            return
        kept = {name: getattr(self._now, name) for name in self._fixed}
        self._now = replace(loaded.settings, **kept)
        wanted = appearance_of(self._now)
        if wanted != theme.appearance():
            theme.apply(self._application, wanted)
            available = self._window.screen().availableSize()
            self._window.setMinimumSize(least_size(available))
        self._window.layers.view.draw_with(drawing_of(self._now))
        self._window.bridge.use_limits(limits_of(self._now))
        self._window.files.hides_folders = self._now.streamer_mode
        self._window.use_controls(controls_of(self._now), pads_of(self._now))
        self._window.bridge.microphone.use(
            in_background=self._now.microphone_in_background, in_menu=self._now.microphone_in_menu
        )
        self._silence()

    def _silence(self) -> None:
        if self._closed:
            return
        hidden = not self._window.isActiveWindow()
        self._window.bridge.silence(self._now.mute_in_background and hidden)


def drawing_of(settings: PlayerSettings) -> Drawing:
    """How the settings draw the picture."""
    return Drawing(ScaleFilter(settings.scaling), settings.sharpness, Aspect(settings.aspect))


def limits_of(settings: PlayerSettings) -> StreamLimits:
    """What the settings ask of a new connection."""
    return StreamLimits(settings.max_kbps, settings.max_height, settings.dtls_client)


def playing_in(window: RejoinWindow) -> Playing | None:
    """What `page.SettingsPage` says of the game in this window; None while none runs."""
    if window.snapshot.stage is not Stage.LIVE:
        return None
    numbers = window.bridge.statistics()
    view = window.layers.view
    return Playing(
        drawn_by=view.surface.drawn_by,
        decoder="" if numbers is None or numbers.decoder is None else numbers.decoder,
        picture=None if view.picture is None else (view.picture.width, view.picture.height),
        view=view.device_size(),
    )
