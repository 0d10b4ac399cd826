"""The window: the picture, and over it whatever the newest snapshot has to say.

One face for each stage: the starting card, the game, the reconnect card, the end card. All of them
are made anew from the newest snapshot and the clock, at each snapshot and at each tick.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import assert_never

from PySide6.QtCore import QBuffer, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QCursor,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from rejoin.clock import Clock, boot_s
from rejoin.core.events import (
    CloseForNowRequested,
    EndGameRequested,
    StartRequested,
    TryNowRequested,
)
from rejoin.core.model import Ending, HealthLevel, Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.announcement import announce
from rejoin.gui.bridge import Bridge, StreamPort
from rejoin.gui.card import Card, Pill
from rejoin.gui.end_card import EndCard
from rejoin.gui.input import HeldControls, PointerTravel, usage_of
from rejoin.gui.reconnect_overlay import ReconnectOverlay
from rejoin.gui.sound_control import SoundControl
from rejoin.gui.starting_card import StartingCard
from rejoin.gui.stats_overlay import StatsOverlay, lines
from rejoin.gui.video_view import VideoView
from rejoin.media.audio.volume import SoundChoice
from rejoin.redact import redact

BADGE_AFTER_S = 0.5
BACK_FOR_S = 3.0
PROBLEM_FOR_S = 8.0
HINT_FOR_S = 4.0
SOUND_NOTE_FOR_S = 1.5
SOUND_CONTROL_FOR_S = 2.5
"""The loudspeaker stays so long after the last move of a mouse that the game does not have."""
LEAVE_WITHIN_S = 10.0
"""A closed window waits this long, unseen, for the engine to say goodbye."""
SPOKEN_TIMES_S = (60, 30, 10, 0)
"""A screen reader hears the time left when it falls to these."""

_TICK_MS = 100
_MARGIN_PX = 14
_EDGE_SHARE = 0.2


class RejoinWindow(QWidget):
    """One game. Signals are sent on the GUI thread."""

    refreshed = Signal()
    """After each snapshot and each tick, once everything shown is up to date."""

    announced = Signal(str)
    """What a screen reader was told."""

    gone = Signal()
    """The window was closed and the engine is done (or had its time)."""

    def __init__(
        self,
        port: StreamPort,
        *,
        title: str = "Rejoin",
        clock: Clock = boot_s,
        reduced_motion: bool = False,
        smooth: bool = False,
        drop_again: Callable[[], None] | None = None,
        report_facts: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """`smooth`: as `VideoView`'s. `drop_again`: what F8 does; None outside a demo.

        `report_facts`: lines for the report.
        """
        super().__init__()
        self.setWindowTitle(title)
        self.setMinimumSize(640, 400)
        self.resize(1280, 720)
        self._clock = clock
        self._drop_again = drop_again
        self._report_facts = report_facts
        self._snapshot = Snapshot(Stage.IDLE)
        self._start_asked = False
        self._left_by_player = False
        self._spoken = ""
        self._times_to_speak: list[int] = []
        self._problem: str | None = None
        self._problem_since_at: float | None = None
        self._live_since_at: float | None = None
        self._captured = False
        self._captured_at_drop = False
        self._freed_by_keys = False
        self._mouse_moved_at: float | None = None
        self._sound_noted_at: float | None = None
        self._travel = PointerTravel()
        self._was_maximized = False

        self.bridge = Bridge(port)
        self.controls = HeldControls(self.bridge.set_controls)
        self._build(reduced_motion, smooth)

        self.bridge.snapshot_changed.connect(self._take)
        self.bridge.open()
        self._ticking = QTimer(self)
        self._ticking.setInterval(_TICK_MS)
        self._ticking.timeout.connect(self.refresh)
        self._ticking.start()
        self.refresh()

    def _build(self, reduced_motion: bool, smooth: bool) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.banner = Pill("banner")
        # The banner takes room of its own: it stays, and must not cover a part of the game.
        self.banner_row = QWidget()
        banner_column = QVBoxLayout(self.banner_row)
        banner_column.setContentsMargins(6, 6, 6, 6)
        banner_column.addWidget(self.banner, 0, Qt.AlignmentFlag.AlignHCenter)
        self.banner_row.hide()
        self.stage = QWidget()
        # Moves without a button reach the window only through widgets that all track them.
        self.stage.setMouseTracking(True)
        self.setMouseTracking(True)
        self.stage.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        column.addWidget(self.banner_row)
        column.addWidget(self.stage, 1)

        self.view = VideoView(
            self.bridge,
            clock=self._clock,
            reduced_motion=reduced_motion,
            smooth=smooth,
            parent=self.stage,
        )
        self.badge = Pill(icon="icons/unstable.svg")
        self.note = Pill()
        self.problem_note = Pill()
        self.sound_note = Pill()
        self.captured_hint = Pill("hint")
        self.drop_hint = Pill("hint")
        self.corners = QWidget(self.stage)
        self.corners.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        grid = QGridLayout(self.corners)
        grid.setContentsMargins(_MARGIN_PX, _MARGIN_PX, _MARGIN_PX, _MARGIN_PX)
        top = QVBoxLayout()
        top.setSpacing(8)
        for pill in (self.badge, self.note, self.problem_note, self.sound_note):
            top.addWidget(pill, 0, Qt.AlignmentFlag.AlignRight)
        top.addStretch()
        grid.addLayout(top, 0, 0, 1, 2)
        grid.addWidget(self.drop_hint, 1, 0, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.captured_hint, 1, 1, Qt.AlignmentFlag.AlignRight)
        grid.setRowStretch(0, 1)

        self.stats = StatsOverlay(self.bridge, self.stage)
        self.stats.move(_MARGIN_PX, _MARGIN_PX)

        self.sound = SoundControl(self.bridge.sound(), self.stage)
        self.sound.chosen.connect(self._sound_chosen)

        self.starting = StartingCard(self._clock, reduced_motion=reduced_motion, parent=self.stage)
        self.starting.start.connect(self.start)
        self.starting.cancel.connect(lambda: self.bridge.post(CloseForNowRequested()))
        self.overlay = ReconnectOverlay(
            self._clock, reduced_motion=reduced_motion, parent=self.stage
        )
        self.overlay.try_now.connect(lambda: self.bridge.post(TryNowRequested()))
        self.overlay.end_game.connect(lambda: self.bridge.post(EndGameRequested()))
        self.overlay.close_for_now.connect(self.close)
        self.end = EndCard(self._clock, self.report, parent=self.stage)
        self.end.closed.connect(self.close)
        self.end.copied.connect(lambda: self._announce(texts.REPORT_COPIED))

    # --- what is known --------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    @property
    def captured(self) -> bool:
        """Whether the mouse belongs to the game."""
        return self._captured

    def start(self) -> None:
        """Ask for a game, as the *Start* button does."""
        self._start_asked = True
        self.bridge.post(StartRequested())
        self.refresh()

    def come_to_front(self) -> None:
        """Show the window to who was looking for it elsewhere, as far as the desktop allows."""
        if self._left_by_player:
            return
        if self.isMinimized():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def report(self, ending: Ending) -> str:
        """The text of *Copy report*, with everything secret taken out."""
        painted = self.view.painted
        try:
            build = version("rejoin")
        except PackageNotFoundError:
            build = "unknown"
        facts = {
            "Drops": str(self._snapshot.episode),
            "Pictures shown": str(painted.pictures),
            "Oldest picture": f"{painted.age_max_s * 1000:.0f} ms",
            **self._report_facts(),
        }
        numbers = self.bridge.statistics()
        report = texts.report_text(
            ending,
            version=build,
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            written=datetime.now().astimezone().isoformat(timespec="seconds"),
            facts=facts,
            stream=() if numbers is None else lines(numbers),
        )
        return redact(report)

    def save_picture(self, file: Path) -> bool:
        """Save what it shows as PNG, with animations at their end. False if it cannot be."""
        return self.take_picture()(file)

    def take_picture(self) -> Callable[[Path], bool]:
        """What saves the present look of the window, as `save_picture`, when there is time for it.

        Compressing takes a tenth of a second, in which no other thread has the interpreter.
        """
        self.refresh()
        self.view.show_newest()
        self.view.finish_dimming()
        look = self.grab()

        def save(file: Path) -> bool:
            # Written by us and not by Qt: libpng complains to standard error itself.
            content = QBuffer()
            content.open(QBuffer.OpenModeFlag.WriteOnly)
            look.save(content, "PNG")
            try:
                file.write_bytes(content.data().data())
            except OSError:
                return False
            return True

        return save

    def _take(self, snapshot: Snapshot) -> None:
        before, self._snapshot = self._snapshot.stage, snapshot
        if before is Stage.STARTING and snapshot.stage is Stage.LIVE:
            self._live_since_at = self._clock()
        self.refresh()
        if self._left_by_player and snapshot.stage is Stage.ENDED:
            self._go()

    # --- showing it -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring everything shown up to date with the newest snapshot and the clock."""
        now, snapshot = self._clock(), self._snapshot
        self._govern_input()
        self.banner.tell(texts.VIEW_ONLY if snapshot.view_only else "")
        self.banner_row.setVisible(snapshot.view_only)
        face = self._face()
        for card in (self.starting, self.overlay, self.end):
            if card is not face and not card.isHidden():
                self._sink(card)
        if face is self.starting:
            asked = self._start_asked and snapshot.stage is Stage.IDLE
            shown = replace(snapshot, stage=Stage.STARTING) if asked else snapshot
            self.starting.show_snapshot(shown, now)
        elif face is self.overlay:
            self.overlay.show_snapshot(snapshot, now)
        elif face is self.end and snapshot.ending is not None:
            self.end.show_ending(snapshot.ending, now)
        if face is None:
            self._focus_game()
        else:
            face.rise()
            self._focus_card(face)
        self.view.dimmed = face is not None
        self._corners(now)
        self._speak(now)
        self.refreshed.emit()

    def _face(self) -> Card | None:
        stage = self._snapshot.stage
        match stage:
            case Stage.IDLE | Stage.STARTING:
                return self.starting
            case Stage.LIVE:
                return None
            case Stage.LOST | Stage.RECONNECTING:
                return self.overlay
            case Stage.ENDING:
                return self.starting if self.view.picture is None else self.overlay
            case Stage.ENDED:
                return self.end
            case _:
                assert_never(stage)

    def _sink(self, card: Card) -> None:
        if card is self.overlay:
            self.overlay.sink()
        else:
            card.hide()

    def _focus_game(self) -> None:
        if not self.view.takes_tab:
            self.view.takes_tab = True
            self.view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _focus_card(self, card: Card) -> None:
        if self.view.takes_tab:
            self.view.takes_tab = False
            self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if self.focusWidget() not in card.buttons():
            card.first_focus().setFocus(Qt.FocusReason.OtherFocusReason)

    def _corners(self, now: float) -> None:
        snapshot = self._snapshot
        live = snapshot.stage is Stage.LIVE
        since_at = snapshot.trouble_since_at
        trouble = (
            live
            and snapshot.health is not HealthLevel.HEALTHY
            and since_at is not None
            and now - since_at >= BADGE_AFTER_S
        )
        self.badge.tell(texts.BADGE if trouble else "")
        back = live and snapshot.back_at is not None and now - snapshot.back_at < BACK_FOR_S
        fresh = self._live_since_at is not None and now - self._live_since_at < HINT_FOR_S
        can_capture = self.controls.is_open and not self._captured
        if back:
            again = self._captured_at_drop and can_capture
            self.note.tell(texts.BACK, texts.CLICK_TO_CONTROL if again else "")
        else:
            if live and snapshot.back_at is not None:
                self._captured_at_drop = False
            self.note.tell(texts.CLICK_TO_CONTROL if live and fresh and can_capture else "")
        self.problem_note.tell(self._problem_now(now) if live else "")
        self.captured_hint.tell(texts.CAPTURED_HINT if self._captured else "")
        self.drop_hint.tell(texts.DROP_HINT if live and self._drop_again is not None else "")
        noted_at, moved_at = self._sound_noted_at, self._mouse_moved_at
        noted = live and noted_at is not None and now - noted_at < SOUND_NOTE_FOR_S
        self.sound_note.tell(texts.sound_text(self.bridge.sound()) if noted else "")
        moved = moved_at is not None and now - moved_at < SOUND_CONTROL_FOR_S
        self.sound.setVisible(live and not self._captured and (moved or self.sound.held))

    def _problem_now(self, now: float) -> str:
        """A problem is shown once, for a while, from when the player can see it."""
        problem = self.bridge.problem()
        if problem != self._problem:
            self._problem = problem
            self._problem_since_at = now
            if problem:
                self._announce(problem)
        if problem is None or self._problem_since_at is None:
            return ""
        return problem if now - self._problem_since_at < PROBLEM_FOR_S else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._spread()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._spread()
        return done

    def _spread(self) -> None:
        """Everything over the picture is as large as the picture."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
        area = self.stage.rect()
        for widget in (self.view, self.corners, self.starting, self.overlay, self.end):
            widget.setGeometry(area)
        self.sound.adjustSize()
        self.sound.move(
            area.width() - self.sound.width() - _MARGIN_PX,
            area.height() - self.sound.height() - _MARGIN_PX,
        )

    # --- saying it ------------------------------------------------------------------------------

    def _announce(self, text: str, *, urgent: bool = False) -> None:
        announce(self, text, urgent=urgent)
        self.announced.emit(text)

    def _speak(self, now: float) -> None:
        """Tell a screen reader what changed: the face, what is done, and few of the times."""
        snapshot = self._snapshot
        if snapshot.stage is Stage.LIVE:
            key = self.note.text() if not self.note.isHidden() else ""
            if not self.badge.isHidden():
                key = f"{key} {texts.BADGE}".strip()
            text = key or texts.announcement(snapshot, now)
            key = f"live {text}"
        else:
            key = f"{snapshot.stage} {snapshot.doing} {snapshot.offline} {snapshot.portal}"
            text = texts.announcement(snapshot, now)
        deadline_at = snapshot.shown_deadline_at
        left_s = None if deadline_at is None else deadline_at - now
        if key != self._spoken:
            self._spoken = key
            if text:
                self._announce(text, urgent=snapshot.stage is not Stage.LIVE)
            # The time was said with the rest; go on with what is still to come.
            self._times_to_speak = [t for t in SPOKEN_TIMES_S if left_s is not None and left_s > t]
        elif left_s is not None and self._face() is self.overlay and not snapshot.deadline_checking:
            due = [t for t in self._times_to_speak if left_s <= t]
            if due:
                self._times_to_speak = [t for t in self._times_to_speak if t not in due]
                self._announce(texts.time_face(snapshot, now).sentence)

    # --- leaving --------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """While a game runs, closing is *Close for now*: unseen until the engine is done."""
        self.release_mouse()
        stage = self._snapshot.stage
        if stage in (Stage.IDLE, Stage.ENDED) or self._left_by_player:
            event.accept()
            self._go()
            return
        event.ignore()
        self._left_by_player = True
        self.controls.close()
        if stage is not Stage.ENDING:
            self.bridge.post(CloseForNowRequested())
        self.hide()
        QTimer.singleShot(round(LEAVE_WITHIN_S * 1000), self, self._go)

    def _go(self) -> None:
        if self._ticking.isActive():
            self._ticking.stop()
            self.controls.close()
            self.bridge.close()
            self.hide()
            self.gone.emit()

    # --- keyboard and mouse ---------------------------------------------------------------------

    def _govern_input(self) -> None:
        """Controls are open exactly while there is a game that hears them."""
        snapshot = self._snapshot
        wanted = (
            snapshot.stage is Stage.LIVE
            and snapshot.input_open
            and not snapshot.view_only
            and not self._left_by_player
        )
        if wanted and not self.controls.is_open:
            self.controls.open()
        elif not wanted and self.controls.is_open:
            if self._captured and snapshot.stage is not Stage.LIVE:
                self._captured_at_drop = True
            self.release_mouse()
            self.controls.close()

    def capture_mouse(self) -> None:
        """Give the mouse to the game: hidden, and only its travel counts."""
        if self._captured or not self.controls.is_open:
            return
        self._captured = True
        self._freed_by_keys = False
        self._mouse_moved_at = None
        self._captured_at_drop = False
        self._live_since_at = None
        self.view.setCursor(Qt.CursorShape.BlankCursor)
        self.view.grabMouse()
        at = QCursor.pos()
        self._travel.begin(at.x(), at.y())
        self.refresh()

    def release_mouse(self) -> None:
        """Give the mouse back; buttons that were held are let go."""
        if not self._captured:
            return
        self._captured = False
        self.view.releaseMouse()
        self.view.unsetCursor()
        self.controls.release_all()
        self.captured_hint.tell("")

    def _change_sound(self, choice: SoundChoice) -> None:
        """By a key: said in the corner, and a mouse that Ctrl+Alt freed goes back to the game."""
        again = self._freed_by_keys
        self.controls.release_all()
        self.sound.set_choice(choice)
        self.bridge.set_sound(choice)
        self._sound_noted_at = self._clock()
        self._announce(texts.sound_text(choice))
        if again:
            self.capture_mouse()
        self._corners(self._clock())

    def _sound_chosen(self, choice: SoundChoice) -> None:
        """By the mouse: the control shows it. Only the switch is worth saying."""
        if choice.silent != self.bridge.sound().silent:
            self._announce(texts.sound_text(choice))
        self.bridge.set_sound(choice)

    def _sound_key(self, event: QKeyEvent) -> bool:
        """Whether this key was for the volume: Ctrl+Alt and M, Up or Down, while there is sound."""
        wanted = _SOUND_KEYS.get(event.key())
        if (
            wanted is None
            or not _with_control_and_alt(event.modifiers())
            or self._snapshot.stage is not Stage.LIVE
        ):
            return False
        if not event.isAutoRepeat() or wanted is not SoundChoice.toggled:
            self._change_sound(wanted(self.bridge.sound()))
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        if key == Qt.Key.Key_F11 or (alt and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            if not event.isAutoRepeat():
                self.controls.release_all()
                self._toggle_full_screen()
        elif key == Qt.Key.Key_S and _with_control_and_alt(modifiers):
            if not event.isAutoRepeat():
                self.controls.release_all()
                self.stats.toggle()
        elif self._sound_key(event):
            pass
        elif (
            key == Qt.Key.Key_F8
            and self._drop_again is not None
            and self._snapshot.stage is Stage.LIVE
        ):
            if not event.isAutoRepeat():
                self._drop_again()
        elif self._captured and _is_way_out(key, modifiers) and not event.isAutoRepeat():
            self.release_mouse()
            self._freed_by_keys = True
        elif self.controls.is_open:
            self._pass_on(event, pressed=True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in _WAY_OUT and not event.isAutoRepeat():
            self._freed_by_keys = False
        if self.controls.is_open:
            self._pass_on(event, pressed=False)
        else:
            super().keyReleaseEvent(event)

    def _pass_on(self, event: QKeyEvent, *, pressed: bool) -> None:
        if event.isAutoRepeat():
            return
        scan_code = event.nativeScanCode()
        usage = usage_of(event.key(), scan_code, QGuiApplication.platformName())
        if usage is not None:
            # Negative where there is no scan code: never mistaken for one.
            self.controls.key(scan_code or -usage, usage, pressed)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._captured:
            self.controls.button(event.button(), True)
        elif self.controls.is_open and event.button() == Qt.MouseButton.LeftButton:
            self.capture_mouse()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._captured:
            self.controls.button(event.button(), False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._captured:
            self._mouse_moved_at = self._clock()
            if self.sound.isHidden():
                self._corners(self._mouse_moved_at)
            return
        at = event.globalPosition()
        self.controls.travel(*self._travel.moved(at.x(), at.y()))
        inside = self.view.mapFromGlobal(at)
        width, height = self.view.width(), self.view.height()
        margin_x, margin_y = width * _EDGE_SHARE, height * _EDGE_SHARE
        if not (
            margin_x <= inside.x() <= width - margin_x
            and margin_y <= inside.y() <= height - margin_y
        ):
            middle = self.view.mapToGlobal(QPoint(width // 2, height // 2))
            self._travel.warped(middle.x(), middle.y())
            QCursor.setPos(middle)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._captured:
            self.controls.wheel(event.angleDelta().y())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.release_mouse()
            self._freed_by_keys = False
            self.controls.release_all()
        elif event.type() == QEvent.Type.WindowStateChange and not self.isMinimized():
            self.view.show_newest()

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            if self._was_maximized:
                self.showMaximized()
            else:
                self.showNormal()
        else:
            self._was_maximized = self.isMaximized()
            self.showFullScreen()


_WAY_OUT = (Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr)
_SOUND_KEYS: Mapping[int, Callable[[SoundChoice], SoundChoice]] = {
    Qt.Key.Key_M: SoundChoice.toggled,
    Qt.Key.Key_Up: SoundChoice.louder,
    Qt.Key.Key_Down: SoundChoice.quieter,
}


def _with_control_and_alt(modifiers: Qt.KeyboardModifier) -> bool:
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    return modifiers & both == both


def _is_way_out(key: int, modifiers: Qt.KeyboardModifier) -> bool:
    """Ctrl+Alt, whichever of the two came last."""
    if key in (Qt.Key.Key_Alt, Qt.Key.Key_AltGr):
        return bool(modifiers & Qt.KeyboardModifier.ControlModifier)
    if key == Qt.Key.Key_Control:
        return bool(modifiers & Qt.KeyboardModifier.AltModifier)
    return False
