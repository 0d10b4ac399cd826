"""The window: the picture, and over it the face of the newest snapshot.

One face for each stage: the starting card, the game, the reconnect card, the end card. All of them
are made from the newest snapshot and the clock, again at each snapshot and several times a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer, Signal
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
from rejoin.core.model import Snapshot, Stage
from rejoin.gamepads.choices import PadChoices
from rejoin.gui import hand, screenshot, texts
from rejoin.gui.announcer import Announcer
from rejoin.gui.bridge import Bridge, StreamPort
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.controls import Controls
from rejoin.gui.front import bring_to_front
from rejoin.gui.input import PlayerInput
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.layers import Layers
from rejoin.gui.leaving import Leaving
from rejoin.gui.menu.menu_control import menu_of
from rejoin.gui.microphone_sign import MicrophoneSign
from rejoin.gui.mouse_capture import Free, FreedByDrop
from rejoin.gui.note_keeper import NoteKeeper
from rejoin.gui.notes import Notes
from rejoin.gui.pad_keys import PadKeys
from rejoin.gui.pad_pointer import pad_acted
from rejoin.gui.pill import Pill, row_of
from rejoin.gui.player_files import PlayerFiles
from rejoin.gui.practice.practice_control import practice_of
from rejoin.gui.practice.practice_options import with_keys
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.report import game_report
from rejoin.gui.shortcuts import Condition, ShortcutAction
from rejoin.gui.surface_fallback import replace_surface
from rejoin.gui.window_options import WindowOptions
from rejoin.gui.window_shortcuts import shortcuts_of
from rejoin.gui.window_size import size_window
from rejoin.input_events.wishes import Wish

_REFRESH_EVERY_MS = 100
_PACED_EVERY_MS = 250
"""Where the graphics card draws the picture: four times a second, and with it everything over the
picture (`Layers.pace`)."""


class RejoinWindow(QWidget):
    """One game: a window of its own, or a part of one with more in it (`parent`), which it fills
    and which passes on its changes (`window_changed`). Signals are sent on the GUI thread."""

    refreshed = Signal()
    """After each snapshot and each tick, once everything shown is up to date."""

    announced = Signal(str)
    """The text that was announced to screen readers."""

    left = Signal()
    """The player has closed it while a game runs: it is hidden until the engine has finished."""

    gone = Signal()
    """The window was closed and the engine has finished (or had its time)."""

    def __init__(
        self,
        port: StreamPort,
        options: WindowOptions = WindowOptions(),  # noqa: B008 frozen
        *,
        clock: Clock = boot_s,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        if parent is None:
            self.setWindowTitle(options.title)
            size_window(self, options.first_size)
        controls = with_keys(options.controls, options.practice)
        self._options = options = replace(options, controls=controls)
        self._clock = clock
        self._snapshot = options.before_start
        self._leaving = Leaving(self, self._let_go)
        self._captures_when_active = False
        """The mouse was captured when the native window was made anew."""

        self.keys = KeysDown()
        self.bridge = Bridge(port)
        send = self.bridge.send_input
        self.inputs = PlayerInput(send, clock, options.pads, options.controls.mouse)
        self._announcer = Announcer(self, self.announced.emit)
        self._build()
        self._notes = NoteKeeper(
            *(self.layers, self.bridge, self._announcer, clock),
            can_drop=options.drop_again is not None,
            idle_limit_s=options.idle_limit_s,
            controls=options.controls,
        )
        pill, keys = self.layers.corners.microphone, options.controls.shortcuts
        self.microphone = MicrophoneSign(self.bridge, pill, self._announcer, keys, clock)
        hidden = options.settings.now.streamer_mode
        self.files = PlayerFiles(self.layers, self.report, self, hides_folders=hidden)
        self.files.noted.connect(self._notes.note_picture)
        self.files.spoken.connect(self._announcer.say)
        self._connect_buttons()
        self.layers.sound.chosen.connect(self._notes.choose_sound)
        self.controls = Controls(
            self.window(), self, self.layers.view, self.inputs, self.keys, options.controls, clock
        )
        self.controls.touch.began = self._notes.finger_down
        self.mouse = self.controls.mouse
        self.practice = practice_of(self, options.practice, self._announcer.say, clock)
        self.menu = menu_of(self, options.settings, self.controls, self._notes, self._announcer)
        self.shortcuts = shortcuts_of(self, self._notes, options.drop_again)
        act = partial(pad_acted, self.controls.pointer, self._notes)
        self.pad_keys = PadKeys(options.pads, self, self.menu.toggle, act)
        self.bridge.snapshot_changed.connect(self._on_snapshot)
        self.bridge.wished.connect(self._on_wish)
        self.bridge.open()
        self._refreshing = QTimer(self)
        self._pace()
        self._refreshing.timeout.connect(self._on_tick)
        self._refreshing.start()
        self.refresh()

    def _build(self) -> None:
        self.banner = Pill("banner")
        # Shown during the whole game: it covers nothing.
        self.banner_row = row_of(self.banner, self)
        self.layers = Layers(
            self.bridge,
            clock=self._clock,
            keys=self.keys,
            options=self._options,
            parent=self,
        )
        self.layers.name_keys(self._options.controls.shortcuts)
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
        layers.starting.cancel.connect(self._cancel_start)
        layers.starting.close_for_now.connect(self.close)
        layers.overlay.try_now.connect(lambda: post(TryNowRequested()))
        layers.overlay.end_game.connect(lambda: post(EndGameRequested()))
        layers.overlay.close_for_now.connect(self.close)
        layers.overlay.asked.connect(lambda text: self._announcer.say(text, urgent=True))
        layers.end.closed.connect(self.close)
        layers.end.start_again.connect(self._start_again)
        layers.report_page.left.connect(self.refresh)
        layers.end.report_wanted.connect(self.refresh)
        layers.reconnect.clicked.connect(lambda: post(ReconnectRequested()))

    def use_controls(self, controls: ControlOptions, pads: PadChoices | None = None) -> None:
        """Use these choices of the player from now on."""
        controls = with_keys(controls, self._options.practice)
        self.controls.use(controls)
        self._notes.use(controls)
        self.layers.name_keys(controls.shortcuts)
        self.microphone.use(controls.shortcuts)
        if pads is not None:
            hand.swap_buttons(pads.swap_ab_cards)
            self._options.pads.choose(pads)

    # --- what is known --------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def start(self) -> None:
        """Request a game, as the *Start* button does."""
        self._leaving.request_start()
        self.bridge.post(StartRequested())
        self.refresh()

    def come_to_front(self, token: str | None = None) -> None:
        """Show the window above all others, as far as the desktop allows (`bring_to_front`)."""
        if not self._leaving.has_left:
            bring_to_front(self.window(), token)

    def report(self) -> str:
        """The text of *Report a problem*, with everything secret taken out."""
        return game_report(
            self._snapshot,
            play=self.bridge.play_report(),
            painted=self.layers.view.painted,
            facts=self._options.report_facts(),
            statistics=self.bridge.statistics(),
        )

    def play(self, port: StreamPort, options: WindowOptions) -> None:
        """Show another game in this window, which was asked for by `WindowOptions.start_again`.
        `options`: how it is reported, paced and controlled; the rest stays as it was."""
        facts, before, pads = options.report_facts, options.before_start, options.pads
        self._options = replace(self._options, report_facts=facts, before_start=before, pads=pads)
        self.layers.view.pace_with(smooth=options.smooth)
        self.inputs.use(pads, options.controls.mouse)
        self.pad_keys.use(pads)
        self.use_controls(options.controls)
        self.bridge.reopen(port)
        self.controls.show_view(again=True)
        self.refresh()

    def _start_again(self) -> None:
        """The game is over and another one is wanted: until it is there, nothing is shown of it."""
        if self._options.start_again is None:
            return
        self.bridge.close()
        self._snapshot = Snapshot(Stage.IDLE)
        self._leaving.request_start()
        self._notes.forget()
        self.layers.begin_again()
        self._options.start_again()
        self.refresh()

    def _cancel_start(self) -> None:
        """While the last game still lets go of everything, there is nothing else to cancel."""
        if self.bridge.is_open:
            self.bridge.post(CloseForNowRequested())
        else:
            self.close()

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
        self._notes.follow(before, snapshot)
        self.layers.history.follow(snapshot, self._clock())
        self.menu.follow(snapshot)
        self.refresh()
        self._leaving.follow(snapshot.stage)

    # --- showing it -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Update everything shown, from the newest snapshot and the clock."""
        now, snapshot = self._clock(), self._snapshot
        self.controls.show_view()
        self._open_or_close_input()
        self.controls.update_system_keys()
        self.banner.set_text(texts.view_only(snapshot))
        self.banner_row.setVisible(snapshot.view_only is not None)
        self.layers.show_snapshot(
            snapshot,
            now,
            start_requested=self._leaving.start_requested,
            mouse_was_captured=isinstance(self.mouse.state, FreedByDrop),
        )
        shown = self._show_notes()
        self.menu.show(shown.badge or " ".join(part for part in shown.limit if part))
        self.microphone.update(active=self.window().isActiveWindow())
        self._announcer.update(snapshot, shown, now)
        self.refreshed.emit()

    def _show_notes(self) -> Notes:
        return self._notes.show(
            self._snapshot,
            self.mouse,
            takes_input=self.inputs.is_open,
            keyboard_captured=self.controls.system_keys.taken,
        )

    def _on_tick(self) -> None:
        self.layers.stats.tick(self._refreshing.interval())
        self.layers.sample(self._clock(), live=self._snapshot.stage is Stage.LIVE)
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
        if self._leaving.is_gone:
            return
        captured = self.mouse.captured
        self.release_mouse()
        self.inputs.release_all()
        self._options.on_surface_failed(why)
        replace_surface(self.window(), self.layers.view, RasterSurface)
        self._captures_when_active = captured
        self._pace()
        self.refresh()

    # --- leaving --------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        self.release_mouse()
        self._leaving.close(event)

    def _let_go(self) -> None:
        """The window was left, and the engine has finished or had its time."""
        self._refreshing.stop()
        self.inputs.close()
        self.pad_keys.close()
        self.bridge.close()
        self.hide()
        self.files.saving.close()
        self.gone.emit()

    # --- keyboard -------------------------------------------------------------------------------

    def _open_or_close_input(self) -> None:
        """Input is open exactly while a game takes input."""
        snapshot = self._snapshot
        wanted = (
            snapshot.stage is Stage.LIVE
            and snapshot.input_open
            and not snapshot.view_only
            and not self._leaving.has_left
            and not self.menu.is_open
        )
        if wanted == self.inputs.is_open:
            return
        if wanted:
            self.inputs.open()
        else:
            self.controls.grants.forget()
            self.mouse.release(Free() if snapshot.stage is Stage.LIVE else FreedByDrop())
            self.inputs.close()
        self.mouse.show_cursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.controls.press_key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.controls.release_key(event):
            super().keyReleaseEvent(event)

    def conditions(self) -> frozenset[Condition]:
        """Which conditions of shortcuts are true now, but those of mouse and keyboard."""
        held = {
            Condition.LIVE: self._snapshot.stage is Stage.LIVE,
            Condition.CAN_RECONNECT: self._snapshot.can_reconnect,
            Condition.CAN_DROP: self._options.drop_again is not None,
            Condition.PRACTICE: self.practice is not None,
        }
        ours = self.microphone.conditions(self._snapshot.stage)
        return ours | {condition for condition, true in held.items() if true}

    def hold_shortcut(self, action: ShortcutAction, held: bool) -> None:
        """The key of a shortcut that lasts, is held or not any more: there is one."""
        self.microphone.hold(held)

    def run_shortcut(self, action: ShortcutAction) -> None:
        """Do what a shortcut is for; nothing is held any more."""
        self.shortcuts[action]()
        self.controls.show_view()

    def _on_wish(self, wish: Wish) -> None:
        self.controls.on_wish(wish, self.capture_mouse)

    # --- mouse ----------------------------------------------------------------------------------

    def capture_mouse(self) -> None:
        """Capture the mouse: hide the pointer and send only its movement."""
        self.mouse.capture()
        self._notes.note_refusal(self.mouse)
        self.refresh()

    def mouse_changed(self) -> None:
        """It was captured, maybe some time after the wish, or freed."""
        if self.mouse.captured:
            self._notes.captured()
            self.refresh()
        else:
            self._notes.freed()
            self.layers.corners.free_mouse_hint.set_text("")

    def release_mouse(self) -> None:
        """Free the mouse; the input module gets it again only after a new click."""
        self.controls.grants.forget()
        self.mouse.release()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.keys.set_button(event.button(), True)
        self.controls.pointer.press(event)

    mouseDoubleClickEvent = mousePressEvent

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.keys.set_button(event.button(), False)
        self.controls.pointer.release(event)
        self._note_pointer(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        was_captured = self.mouse.captured
        if not self.controls.pointer.move(event):
            self._notes.note_refusal(self.mouse)
            self.refresh()
        if not was_captured:
            self._note_pointer(event)

    def _note_pointer(self, event: QMouseEvent) -> None:
        """A free pointer is here; the controls for it may have to be shown."""
        at = self.layers.mapFrom(self, event.position().toPoint())
        near = not event.buttons() and self.layers.menu_tab.is_near(at)
        if not self.mouse.captured and self._notes.mouse_moved(near_menu=near):
            self._show_notes()

    def leaveEvent(self, event: QEvent) -> None:
        self.controls.pointer.leave()
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.controls.pointer.wheel(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self.isWindow():
            self.window_changed(event.type())

    def window_changed(self, what: QEvent.Type) -> None:
        """The window was activated or not any more, or has another state."""
        if what not in (QEvent.Type.ActivationChange, QEvent.Type.WindowStateChange):
            return
        self.controls.show_view()  # first: a page hears of the lost focus before it loses the mouse
        if what == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.microphone.update(active=False)
            self.controls.let_go()
            self.release_mouse()
            self.controls.update_system_keys()
            self.controls.keys_released()
            self.inputs.release_all()
            self.keys.forget()
        elif what == QEvent.Type.ActivationChange and self._captures_when_active:
            self._captures_when_active = False
            self.capture_mouse()
        elif what == QEvent.Type.WindowStateChange and not self.window().isMinimized():
            self.layers.view.show_newest()
