"""The picture and everything over it: corners, statistics, volume control, and one card at most."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.core.model import EndingKind, Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.bridge import Bridge
from rejoin.gui.card import Card
from rejoin.gui.corners import MARGIN_PX, Corners
from rejoin.gui.end_card import EndCard
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.menu.history import History
from rejoin.gui.menu.menu_layer import MenuLayer
from rejoin.gui.menu_tab import MenuTab
from rejoin.gui.notes import Notes
from rejoin.gui.reconnect_button import ReconnectButton
from rejoin.gui.reconnect_overlay import ReconnectOverlay
from rejoin.gui.report_page import ReportPage
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.gui.sound_control import SoundControl
from rejoin.gui.starting_card import StartingCard
from rejoin.gui.stats_overlay import StatsOverlay
from rejoin.gui.video_view import VideoView
from rejoin.gui.window_options import WindowOptions


class Layers(QWidget):
    """All layers of one window, which connects their signals."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        clock: Clock,
        keys: KeysDown | None = None,
        options: WindowOptions = WindowOptions(),  # noqa: B008 frozen
        parent: QWidget | None = None,
    ) -> None:
        """`keys`: what is held down in the window."""
        super().__init__(parent)
        reduced_motion = options.reduced_motion
        # Qt reports moves without a pressed button only if all widgets in between track them.
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._bridge = bridge
        self._game_had_keyboard = False
        self.view = VideoView(
            bridge,
            clock=clock,
            reduced_motion=reduced_motion,
            smooth=options.smooth,
            make_surface=options.make_surface,
            parent=self,
        )
        self.corners = Corners(self)
        self.stats = StatsOverlay(bridge, lambda: self.view.surface.drawn_by, self)
        self.stats.move(MARGIN_PX, MARGIN_PX)
        self.sound = SoundControl(bridge.sound(), self)
        self.reconnect = ReconnectButton(clock, self)
        self.menu_tab = MenuTab(clock, self)
        self.starting = StartingCard(clock, reduced_motion=reduced_motion, parent=self)
        self.overlay = ReconnectOverlay(clock, reduced_motion=reduced_motion, parent=self)
        self.end = EndCard(
            clock,
            bridge.play_report,
            can_start_again=options.start_again is not None,
            parent=self,
        )
        self.report_page = ReportPage(clock, parent=self)
        self._cards: tuple[Card, ...] = (self.starting, self.overlay, self.end, self.report_page)
        held = keys or KeysDown()
        for card in self._cards:
            card.keys = held
        self.history = History()
        self.menu = MenuLayer(self.history, clock, held, self)
        self.pace()

    def name_keys(self, shortcuts: Shortcuts) -> None:
        """Tool tips name the keys that do the same."""
        self.sound.name_keys(shortcuts)
        self.reconnect.name_keys(shortcuts.label(ShortcutAction.RECONNECT))
        self.menu_tab.name_keys(shortcuts.label(ShortcutAction.OPEN_MENU))

    def pace(self) -> None:
        """Where the card draws, what is over the picture repaints with the window's ticks alone:
        each repaint there uploads the whole window."""
        paced = self.view.surface.on_card
        for ring in (self.starting.ring, self.overlay.ring):
            ring.paced = paced
        self.stats.paced = paced

    def begin_again(self) -> None:
        """Another game begins: nothing of the last one is shown."""
        self.view.clear()
        self.starting.begin_again()
        self.end.forget()
        self.report_page.is_open = False
        self.history.forget()

    # --- what is shown --------------------------------------------------------------------------

    def show_snapshot(
        self,
        snapshot: Snapshot,
        now: float,
        *,
        start_requested: bool,
        mouse_was_captured: bool = False,
    ) -> None:
        """Show the card of the snapshot's stage, or none and let the game have the focus.

        `start_requested`: the player has requested a game; the snapshot may not show it yet.
        `mouse_was_captured`: until the stage changed, clicks were for the game.
        """
        if start_requested and snapshot.stage is Stage.IDLE:
            snapshot = replace(snapshot, stage=Stage.STARTING)
        card = self._card(snapshot)
        for other in self._cards:
            if other is not card and not other.isHidden():
                other.disappear()
        if card is None and self.menu.is_open:
            self._leave_game()
            self.menu.appear()
        elif card is None:
            self._focus_game()
        else:
            self.menu.disappear()
            self._fill(card, snapshot, now)
            card.follows_game = self._game_had_keyboard and not _ended_by_player(snapshot)
            card.appear(mouse_was_captured=mouse_was_captured)
            self._focus_card(card)
        self.view.dimmed = card is not None or self.menu.is_open

    def sample(self, now: float, *, live: bool) -> None:
        """Called at each tick: the last minute is kept, and shown while the charts are open."""
        taken = self.history.tick(now, self._bridge.statistics, live=live)
        if taken and self.menu.statistics.isVisible():
            self.menu.statistics.refresh()

    def show_notes(self, notes: Notes, now: float) -> None:
        self.menu_tab.show_now(notes.shows_menu_tab and not self.menu.is_open, now)
        tab = self.menu_tab.size()
        self.corners.keep_clear(None if self.menu_tab.isHidden() else tab)
        self.corners.show_notes(notes)
        self.reconnect.show_offer(notes.offers_reconnect, now)
        self.reconnect.place(self.rect(), self.corners.lower_px)
        self.sound.setVisible(notes.shows_volume_control and not self.menu.is_open)

    def _card(self, snapshot: Snapshot) -> Card | None:
        """The card of a snapshot's stage; None while playing."""
        stage = snapshot.stage
        match stage:
            case Stage.IDLE | Stage.STARTING:
                return self.starting
            case Stage.LIVE:
                return None
            case Stage.LOST | Stage.RECONNECTING:
                return self.overlay
            case Stage.ENDING:
                # Only the overlay has *Try now*, for an end that did not reach the studio.
                plain = self.view.picture is None and not texts.waits_to_end(snapshot)
                return self.starting if plain else self.overlay
            case Stage.ENDED:
                return self.report_page if self.report_page.is_open else self.end
            case _:
                assert_never(stage)

    def _fill(self, card: Card, snapshot: Snapshot, now: float) -> None:
        if card is self.starting:
            self.starting.show_snapshot(snapshot, now)
        elif card is self.overlay:
            self.overlay.show_snapshot(snapshot, now)
        elif card is self.end:
            self.end.show_snapshot(snapshot)

    def _focus_game(self) -> None:
        if not self.view.takes_tab:
            self._game_had_keyboard = True
            self.view.takes_tab = True
            self.view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _leave_game(self) -> None:
        if self.view.takes_tab:
            self.view.takes_tab = False
            self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _focus_card(self, card: Card) -> None:
        self._leave_game()
        if self.window().focusWidget() not in card.buttons():
            card.take_focus()

    # --- where it is ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._lay_out()
        return done

    def _lay_out(self) -> None:
        """Everything over the picture is as large as the picture."""
        area = self.rect()
        for widget in (self.view, self.corners, self.menu, *self._cards):
            widget.setGeometry(area)
        self.sound.adjustSize()
        at_end = area.width() - self.sound.width() - MARGIN_PX
        y = area.height() - self.sound.height() - MARGIN_PX
        # The corners are mirrored where one reads from right to left.
        self.sound.move(MARGIN_PX if self.isRightToLeft() else at_end, y)
        self.reconnect.place(area, self.corners.lower_px)
        self.menu_tab.place(area)


def _ended_by_player(snapshot: Snapshot) -> bool:
    """A question was answered before, so no key is meant for the game any more."""
    ending = snapshot.ending
    return ending is not None and ending.kind is EndingKind.ENDED_BY_PLAYER
