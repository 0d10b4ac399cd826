"""A running game follows the settings that apply at once, or to its next connection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from rejoin.gui import theme
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.settings.watch import SettingsWatch
from rejoin.gui.video_surface import Drawing
from rejoin.gui.window_options import least_size
from rejoin.media.video.scale_filter import Aspect, ScaleFilter
from rejoin.runtime.player_settings import Loaded, PlayerSettings
from rejoin.runtime.stream_limits import StreamLimits

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow


class Following(QObject):
    """Applies changes of the file to one window, until it is deleted."""

    def __init__(
        self, application: QApplication, window: RejoinWindow, followed: FollowedSettings
    ) -> None:
        super().__init__(window)
        self._application = application
        self._window = window
        self._fixed = followed.fixed
        self._now = followed.now
        window.installEventFilter(self)
        if followed.path is not None:
            watch = SettingsWatch(followed.path, self)
            watch.changed.connect(self._on_changed)

    def _on_changed(self, loaded: Loaded) -> None:
        """A file that cannot be read, perhaps because it is being edited, changes nothing."""
        if loaded.damaged:
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
        self._silence()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ActivationChange:
            self._silence()
        return False

    def _silence(self) -> None:
        hidden = not self._window.isActiveWindow()
        self._window.bridge.silence(self._now.mute_in_background and hidden)


def drawing_of(settings: PlayerSettings) -> Drawing:
    """How the settings draw the picture."""
    return Drawing(ScaleFilter(settings.scaling), settings.sharpness, Aspect(settings.aspect))


def limits_of(settings: PlayerSettings) -> StreamLimits:
    """What the settings ask of a new connection."""
    return StreamLimits(settings.max_kbps, settings.max_height, settings.dtls_client)
