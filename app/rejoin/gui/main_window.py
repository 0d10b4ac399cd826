"""The window: the picture, and over it what the newest snapshot says.

One face for each stage: the starting card, the game, the reconnect card, the end card. All of them
are made from the newest snapshot and the clock, again at each snapshot and ten times a second.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rejoin.clock import Clock, boot_s
from rejoin.core.events import (
    CloseForNowRequested,
    EndGameRequested,
    ReconnectRequested,
    StartRequested,
    TryNowRequested,
)
from rejoin.core.model import Ending, Snapshot, Stage
from rejoin.gui import screenshot, shortcuts, texts
from rejoin.gui.announcer import Announcer
from rejoin.gui.bridge import Bridge, StreamPort
from rejoin.gui.input import HeldControls, send_key, vertical_turn
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.layers import Layers
from rejoin.gui.mouse_capture import Free, FreedByDrop, FreedByKeys, MouseCapture, Refused
from rejoin.gui.notes import Memory, Notes, WindowState, is_just_back, notes
from rejoin.gui.pill import Pill
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.report import game_report
from rejoin.gui.shortcuts import Condition, ShortcutAction
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.surface_fallback import replace_surface
from rejoin.gui.video_surface import MakeSurface
from rejoin.media.audio.volume import SoundChoice

LEAVE_WITHIN_S = 10.0
"""A closed window, hidden, waits at most this long for the engine to finish."""

FIRST_SIZE = QSize(1280, 720)
_FIRST_SHARE = 0.92
"""The share of a smaller screen that a new window takes: the rest is for its frame."""

_REFRESH_EVERY_MS = 100
_PACED_EVERY_MS = 250
"""Where the graphics card draws the picture: four times a second, and with it everything over the
picture (`Layers.pace`)."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """How a window behaves.

    `smooth`: as `VideoView`'s. `drop_again`: what F8 does; None outside a demo. `report_facts`:
    more lines for the report. `before_start`: what is shown until the engine has started; by
    default a window that waits for *Start*. `first_size`: in pixels; None: what fits the screen.
    `picture`: how `application.run` chooses what draws. `make_surface`: what draws; when it fails,
    `on_surface_failed` is called with the reason, and the processor draws.
    """

    title: str = "Rejoin"
    reduced_motion: bool = False
    smooth: bool = False
    drop_again: Callable[[], None] | None = None
    report_facts: Callable[[], Mapping[str, str]] = dict
    before_start: Snapshot = Snapshot(Stage.IDLE)  # noqa: RUF009 frozen
    first_size: tuple[int, int] | None = None
    picture: PictureOptions = PictureOptions()  # noqa: RUF009 frozen
    make_surface: MakeSurface = RasterSurface
    on_surface_failed: Callable[[str], None] = lambda why: None


class _Presence(enum.Enum):
    """Whether the window is open, being closed, or gone."""

    OPEN = "open"
    START_REQUESTED = "start_requested"
    """Open, and the player has requested a game."""
    LEAVING = "leaving"
    """Closed and hidden, until the engine has finished."""
    GONE = "gone"


def first_size(available: QSize) -> QSize:
    """The size of a new window: `FIRST_SIZE` if that fits the screen with a frame around it."""
    most = available * _FIRST_SHARE
    fits = FIRST_SIZE.width() <= most.width() and FIRST_SIZE.height() <= most.height()
    return FIRST_SIZE if fits else FIRST_SIZE.scaled(most, Qt.AspectRatioMode.KeepAspectRatio)


class RejoinWindow(QWidget):
    """One game. Signals are sent on the GUI thread."""

    refreshed = Signal()
    """After each snapshot and each tick, once everything shown is up to date."""

    announced = Signal(str)
    """The text that was announced to screen readers."""

    gone = Signal()
    """The window was closed and the engine has finished (or had its time)."""

    def __init__(
        self,
        port: StreamPort,
        options: WindowOptions = WindowOptions(),
        *,
        clock: Clock = boot_s,
    ) -> None:
        super().__init__()
        self.setWindowTitle(options.title)
        available = self.screen().availableSize()
        self.setMinimumSize(QSize(640, 400).boundedTo(available))
        self.resize(QSize(*options.first_size) if options.first_size else first_size(available))
        self._options = options
        self._clock = clock
        self._snapshot = options.before_start
        self._presence = _Presence.OPEN
        self._starts = 0
        """Connections that failed before the first picture: they are no drops."""
        self._memory = Memory()
        self._captures_when_active = False
        """The mouse was captured when the native window was made anew."""
        self._leave_full_screen: Callable[[], None] = self.showNormal

        self.keys = KeysDown()
        self.bridge = Bridge(port)
        self.controls = HeldControls(self.bridge.set_controls)
        self._announcer = Announcer(self, self.announced.emit)
        self._build()
        self._connect_buttons()
        self.mouse = MouseCapture(self.layers.view, self.controls)

        self.bridge.snapshot_changed.connect(self._on_snapshot)
        self.bridge.open()
        self._refreshing = QTimer(self)
        self._pace()
        self._refreshing.timeout.connect(self._on_tick)
        self._refreshing.start()
        self.refresh()

    def _build(self) -> None:
        self.banner = Pill("banner")
        # It is shown during the whole game, so it has its own row and covers nothing.
        self.banner_row = QWidget()
        banner_column = QVBoxLayout(self.banner_row)
        banner_column.setContentsMargins(6, 6, 6, 6)
        banner_column.addWidget(self.banner, 0, Qt.AlignmentFlag.AlignHCenter)
        self.banner_row.hide()
        self.layers = Layers(
            self.bridge,
            self.report,
            clock=self._clock,
            keys=self.keys,
            reduced_motion=self._options.reduced_motion,
            smooth=self._options.smooth,
            make_surface=self._options.make_surface,
        )
        self.layers.view.surface_failed.connect(self._on_surface_failed)
        self.setMouseTracking(True)  # as all layers do
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner_row)
        column.addWidget(self.layers, 1)

    def _connect_buttons(self) -> None:
        layers, post = self.layers, self.bridge.post
        layers.starting.start.connect(self.start)
        layers.starting.cancel.connect(lambda: post(CloseForNowRequested()))
        layers.starting.close_for_now.connect(self.close)
        layers.overlay.try_now.connect(lambda: post(TryNowRequested()))
        layers.overlay.end_game.connect(lambda: post(EndGameRequested()))
        layers.overlay.close_for_now.connect(self.close)
        layers.end.closed.connect(self.close)
        layers.end.copied.connect(lambda: self._announcer.say(texts.REPORT_COPIED))
        layers.reconnect.clicked.connect(lambda: post(ReconnectRequested()))
        layers.sound.chosen.connect(self._on_sound_chosen)

    # --- what is known --------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def start(self) -> None:
        """Request a game, as the *Start* button does."""
        if self._presence is _Presence.OPEN:
            self._presence = _Presence.START_REQUESTED
        self.bridge.post(StartRequested())
        self.refresh()

    def come_to_front(self) -> None:
        """Show the window above all others, as far as the desktop allows."""
        if self._has_left():
            return
        if self.isMinimized():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def report(self, ending: Ending) -> str:
        """The text of *Copy report*, with everything secret taken out."""
        return game_report(
            ending,
            drops=self._snapshot.episode - self._starts,
            painted=self.layers.view.painted,
            facts=self._options.report_facts(),
            statistics=self.bridge.statistics(),
        )

    def save_picture(self, file: Path) -> bool:
        """Save what the window shows as PNG, with animations at their end. False if it cannot."""
        return self.take_picture()(file)

    def take_picture(self) -> Callable[[Path], bool]:
        """Grab what the window shows now, for `save_picture` later (`screenshot.grab`)."""
        self.refresh()
        self.layers.view.show_newest()
        self.layers.view.finish_dimming()
        return screenshot.grab(self)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.stage is Stage.IDLE:
            snapshot = self._options.before_start
        before, self._snapshot = self._snapshot.stage, snapshot
        if snapshot.stage is Stage.STARTING:
            self._starts = snapshot.episode
        if before is Stage.STARTING and snapshot.stage is Stage.LIVE:
            self._memory = replace(self._memory, started_at=self._clock())
        self.refresh()
        if self._presence is _Presence.LEAVING and snapshot.stage is Stage.ENDED:
            self._close_for_good()

    # --- showing it -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Update everything shown, from the newest snapshot and the clock."""
        now, snapshot = self._clock(), self._snapshot
        self._open_or_close_controls()
        self.banner.set_text(texts.VIEW_ONLY if snapshot.view_only else "")
        self.banner_row.setVisible(snapshot.view_only)
        requested = self._presence is _Presence.START_REQUESTED
        self.layers.show_snapshot(
            snapshot,
            now,
            start_requested=requested,
            mouse_was_captured=isinstance(self.mouse.state, FreedByDrop),
        )
        self._announcer.update(snapshot, self._show_notes(now), now)
        self.refreshed.emit()

    def _show_notes(self, now: float) -> Notes:
        snapshot = self._snapshot
        if snapshot.stage is Stage.LIVE:
            self._memory = self._memory.with_problem(self.bridge.problem(), now)
            if snapshot.back_at is not None and not is_just_back(snapshot, now):
                self.mouse.forget_drop()
        state = WindowState(
            mouse=self.mouse.state,
            takes_input=self.controls.is_open,
            sound=self.bridge.sound(),
            can_drop=self._options.drop_again is not None,
            volume_control_held=self.layers.sound.held,
        )
        shown = notes(snapshot, now, self._memory, state)
        self.layers.show_notes(shown, now)
        return shown

    def _on_tick(self) -> None:
        self.layers.stats.tick(self._refreshing.interval())
        self.refresh()

    def _pace(self) -> None:
        on_card = self.layers.view.surface.on_card
        self._refreshing.setInterval(_PACED_EVERY_MS if on_card else _REFRESH_EVERY_MS)
        self.layers.pace()

    def _on_surface_failed(self, why: str) -> None:
        """The graphics card cannot draw any more: the processor does, in a native window made anew.

        What belongs to the old one is let go first: the mouse, which is captured again as soon as
        the new one is active, and keys that are held.
        """
        if self._presence is _Presence.GONE:
            return
        captured = self.mouse.captured
        self.release_mouse()
        self.controls.release_all()
        self._options.on_surface_failed(why)
        replace_surface(self, self.layers.view, RasterSurface)
        self._captures_when_active = captured
        self._pace()
        self.refresh()

    # --- leaving --------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """While a game runs, closing is *Close for now*: hidden until the engine has finished."""
        self.release_mouse()
        stage = self._snapshot.stage
        if stage in (Stage.IDLE, Stage.ENDED) or self._has_left():
            event.accept()
            self._close_for_good()
            return
        event.ignore()
        self._presence = _Presence.LEAVING
        self.controls.close()
        if stage is not Stage.ENDING or texts.waits_to_end(self._snapshot):
            self.bridge.post(CloseForNowRequested())
        self.hide()
        QTimer.singleShot(round(LEAVE_WITHIN_S * 1000), self, self._close_for_good)

    def _has_left(self) -> bool:
        """Whether the player has closed the window."""
        return self._presence in (_Presence.LEAVING, _Presence.GONE)

    def _close_for_good(self) -> None:
        if self._presence is not _Presence.GONE:
            self._presence = _Presence.GONE
            self._refreshing.stop()
            self.controls.close()
            self.bridge.close()
            self.hide()
            self.gone.emit()

    # --- keyboard -------------------------------------------------------------------------------

    def _open_or_close_controls(self) -> None:
        """Controls are open exactly while a game takes input."""
        snapshot = self._snapshot
        wanted = (
            snapshot.stage is Stage.LIVE
            and snapshot.input_open
            and not snapshot.view_only
            and not self._has_left()
        )
        if wanted and not self.controls.is_open:
            self.controls.open()
        elif not wanted and self.controls.is_open:
            self.mouse.release(Free() if snapshot.stage is Stage.LIVE else FreedByDrop())
            self.controls.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        repeated = not self.keys.press(event)
        shortcut = shortcuts.find(event.key(), event.modifiers(), self._conditions())
        if shortcut is not None:
            if shortcut.repeats or not repeated:
                self._run(shortcut.action)
        elif not self.controls.is_open:
            super().keyPressEvent(event)
        elif not repeated:
            send_key(self.controls, event, pressed=True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        released = self.keys.release(event)
        if released and event.key() in shortcuts.FREE_MOUSE_KEYS:
            self.mouse.keys_released()
        if self.controls.is_open:
            send_key(self.controls, event, pressed=False)
        else:
            super().keyReleaseEvent(event)

    def _conditions(self) -> frozenset[Condition]:
        """Which conditions of shortcuts are true now."""
        held = {
            Condition.LIVE: self._snapshot.stage is Stage.LIVE,
            Condition.CAN_RECONNECT: self._snapshot.can_reconnect,
            Condition.CAN_DROP: self._options.drop_again is not None,
            Condition.MOUSE_CAPTURED: self.mouse.captured,
        }
        return frozenset(condition for condition, true in held.items() if true)

    def _run(self, action: ShortcutAction) -> None:
        match action:
            case ShortcutAction.TOGGLE_FULL_SCREEN:
                self.controls.release_all()
                self._toggle_full_screen()
            case ShortcutAction.TOGGLE_STATISTICS:
                self.controls.release_all()
                self.layers.stats.toggle()
            case ShortcutAction.TOGGLE_SOUND:
                self._change_sound(self.bridge.sound().toggled())
            case ShortcutAction.LOUDER:
                self._change_sound(self.bridge.sound().louder())
            case ShortcutAction.QUIETER:
                self._change_sound(self.bridge.sound().quieter())
            case ShortcutAction.RECONNECT:
                self.controls.release_all()
                self.bridge.post(ReconnectRequested())
            case ShortcutAction.DROP_CONNECTION:
                if self._options.drop_again is not None:
                    self._options.drop_again()
            case ShortcutAction.FREE_MOUSE:
                self.release_mouse(FreedByKeys())
            case _:
                assert_never(action)

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self._leave_full_screen()
        else:
            self._leave_full_screen = self.showMaximized if self.isMaximized() else self.showNormal
            self.showFullScreen()

    # --- sound ----------------------------------------------------------------------------------

    def _change_sound(self, choice: SoundChoice) -> None:
        """Change the volume by a key: show it and announce it.

        If Ctrl+Alt, which belong to the shortcut, have freed the mouse, it is captured again.
        """
        freed_by_keys = isinstance(self.mouse.state, FreedByKeys)
        self.controls.release_all()
        self.layers.sound.set_choice(choice)
        self.bridge.set_sound(choice)
        self._memory = replace(self._memory, volume_changed_at=self._clock())
        self._announcer.say(texts.sound_text(choice))
        if freed_by_keys:
            self.capture_mouse()
        self._show_notes(self._clock())

    def _on_sound_chosen(self, choice: SoundChoice) -> None:
        """Changed with the mouse: the control shows it, so only on and off are announced."""
        if choice.silent != self.bridge.sound().silent:
            self._announcer.say(texts.sound_text(choice))
        self.bridge.set_sound(choice)

    # --- mouse ----------------------------------------------------------------------------------

    def capture_mouse(self) -> None:
        """Capture the mouse: hide the pointer and send only its movement."""
        if self.mouse.capture():
            self._memory = self._memory.captured()
        self._note_refusal()
        self.refresh()

    def _note_refusal(self) -> None:
        """Show for a while that the mouse could not be captured, or was lost again."""
        if isinstance(self.mouse.state, Refused):
            self._memory = replace(self._memory, mouse_refused_at=self._clock())

    def release_mouse(self, to: Free | FreedByKeys = Free()) -> None:  # noqa: B008 frozen
        """Free the mouse."""
        if self.mouse.release(to):
            self.layers.corners.free_mouse_hint.set_text("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.keys.set_button(event.button(), True)
        if self.mouse.captured:
            self.mouse.button(event.button(), True)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.capture_mouse()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.keys.set_button(event.button(), False)
        self.mouse.button(event.button(), False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.mouse.captured:
            if not self.mouse.move(event.globalPosition()):
                self._note_refusal()
                self.refresh()
            return
        now = self._clock()
        self._memory = replace(self._memory, mouse_moved_at=now)
        if self.layers.sound.isHidden():
            self._show_notes(now)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.mouse.wheel(vertical_turn(event))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.release_mouse()
            self.mouse.keys_released()
            self.controls.release_all()
            self.keys.forget()
        elif event.type() == QEvent.Type.ActivationChange and self._captures_when_active:
            self._captures_when_active = False
            self.capture_mouse()
        elif event.type() == QEvent.Type.WindowStateChange and not self.isMinimized():
            self.layers.view.show_newest()
