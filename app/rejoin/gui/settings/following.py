"""A running game follows the settings that apply at once: the window's look, scaling, and sound."""

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

    @property
    def now(self) -> PlayerSettings:
        """What counts now."""
        return self._now

    def _on_changed(self, loaded: Loaded) -> None:
        """A file that cannot be read, perhaps because it is being edited, changes nothing."""
        if loaded.damaged:
            return
        kept = {name: getattr(self._now, name) for name in self._fixed & _FOLLOWED}
        self._now = replace(loaded.settings, **kept)
        wanted = appearance_of(self._now)
        if wanted != theme.appearance():
            theme.apply(self._application, wanted)
            available = self._window.screen().availableSize()
            self._window.setMinimumSize(least_size(available))
        view = self._window.layers.view
        before, now = view.surface.drawing, drawing_of(self._now)
        view.draw_with(
            Drawing(
                before.scale_filter if "scaling" in self._fixed else now.scale_filter,
                before.sharpness if "sharpness" in self._fixed else now.sharpness,
                before.aspect if "aspect" in self._fixed else now.aspect,
            )
        )
        self._silence()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ActivationChange:
            self._silence()
        return False

    def _silence(self) -> None:
        hidden = not self._window.isActiveWindow()
        self._window.bridge.silence(self._now.mute_in_background and hidden)


_FOLLOWED = frozenset({"mute_in_background", "sound_device"})
"""Fields whose value of the command line is kept here; that of the others is the window's."""


def drawing_of(settings: PlayerSettings) -> Drawing:
    """How the settings draw the picture."""
    return Drawing(ScaleFilter(settings.scaling), settings.sharpness, Aspect(settings.aspect))
