"""The first page: the game that can still be saved, the player's games, and the ways elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rejoin.gui import hand, theme
from rejoin.gui.button_row import ButtonRow
from rejoin.gui.hand import Hand
from rejoin.gui.home import texts
from rejoin.gui.home.contents import Alive, GameCard, HomeContents
from rejoin.gui.home.continue_panel import ContinuePanel
from rejoin.gui.home.game_card import AddTile, GameTile, TileButton
from rejoin.gui.labels import TextButton, label, set_text
from rejoin.language import tr

EDGE = 32
"""Pixels between the window's edge and what is in it."""
GAP = 16
_LEAST_CARD = 260
_LOGO = QSize(26, 26)
_TEXT_WIDTH = 640
_LOW = 660
"""In less height the panel is lower, so that a row of cards stands whole beneath it."""


class _Scrolling(QScrollArea):
    """Leaves the arrows to the page, which moves the focus by them."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            super().keyPressEvent(event)
        else:
            event.ignore()


class HomePage(QWidget):
    """Everything shown comes from `show_contents`; everything chosen leaves by a signal."""

    continued = Signal()
    dismissed = Signal()
    played = Signal(str)
    """A game, by its key."""
    more = Signal(str, object)
    """The menu of a game, by its key, at this widget."""
    renaming = Signal(str)
    removing = Signal(str)
    adding = Signal()
    cards_changed = Signal()
    """Other cards are shown than before."""
    chosen = Signal(str)
    """A page, by its name in the table of `extra_pages`, or "about"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = ContinuePanel()
        self.panel.chosen.connect(self.continued)
        self.panel.dismissed.connect(self.dismissed)
        self.tiles: list[GameTile] = []
        self.add_tile = AddTile()
        self.add_tile.clicked.connect(self.adding)
        self.top = QHBoxLayout()
        self.top.setSpacing(GAP)
        self.bottom = ButtonRow()
        self._hints = QWidget()
        self._columns = 0
        self._buttons: dict[bool, list[QPushButton]] = {True: [], False: []}
        """By whether they are at the top."""
        self._build()

    def _build(self) -> None:
        self._build_top()
        self.heading = label("name")
        self.empty_title = label("page")
        self.empty_text = label("quiet")
        self.empty_text.setMaximumWidth(theme.scaled(_TEXT_WIDTH))
        self.problem = label("problem")
        self.grid = QGridLayout()
        self.grid.setSpacing(GAP)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(EDGE, 0, EDGE, 8)
        column.setSpacing(GAP)
        column.addWidget(self.panel)
        column.addSpacing(8)
        for line in (self.empty_title, self.empty_text, self.heading, self.problem):
            column.addWidget(line)
        column.addLayout(self.grid)
        column.addStretch()
        self.scroll_area = _Scrolling()
        self.scroll_area.setWidget(inside)
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._build_bottom()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 14, 0, 24)
        whole.setSpacing(14)
        whole.addLayout(self.top)
        whole.addWidget(self.scroll_area, 1)
        whole.addWidget(self._foot())
        self._say_texts()

    def _say_texts(self) -> None:
        """What does not come with the contents, in the language of now."""
        self.heading.setText(tr(texts.YOUR_GAMES))
        self.empty_title.setText(tr(texts.EMPTY_TITLE))
        self.empty_text.setText(tr(texts.EMPTY_TEXT))
        self.help_hint.setText(tr(texts.HELP_HINT))

    def _build_top(self) -> None:
        self.logo = QLabel()
        self.logo.setPixmap(theme.icon().pixmap(_LOGO, self.devicePixelRatioF()))
        name = label("name", wraps=False)
        name.setText(texts.APP)
        self.top.setContentsMargins(EDGE, 0, EDGE, 0)
        self.top.addWidget(self.logo)
        self.top.addWidget(name)
        self.top.addStretch()

    def _build_bottom(self) -> None:
        hints = QHBoxLayout(self._hints)
        hints.setContentsMargins(0, 0, 0, 0)
        hints.setSpacing(12)
        self.enter_hint = label("small", wraps=False)
        self.help_hint = label("small", wraps=False)
        self.enter_key = label("key", wraps=False)
        self.help_key = label("key", wraps=False)
        self.help_key.setText("F1")
        for key, meaning in (
            (self.enter_key, self.enter_hint),
            (self.help_key, self.help_hint),
        ):
            for part in (key, meaning):
                hints.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)

    def _foot(self) -> QWidget:
        """The buttons, and what the keys do: beside them, or below them where there is no room."""
        foot = ButtonRow(24)
        foot.setContentsMargins(EDGE, 0, EDGE, 0)
        foot.add(self.bottom)
        foot.add_stretch()
        foot.add(self._hints)
        return foot

    def add_button(self, name: str, text: str, *, at_top: bool) -> QPushButton:
        """A button that leads to a page. At the bottom they stand before the keys."""
        made = TextButton(text, "plain")
        made.setAutoDefault(True)
        made.clicked.connect(lambda: self.chosen.emit(name))
        if at_top:
            self.top.addWidget(made)
        else:
            self.bottom.add(made)
        self._buttons[at_top].append(made)
        self._order()
        return made

    # --- what is shown --------------------------------------------------------------------------

    def show_contents(self, shown: HomeContents) -> None:
        """Called at each tick; a card that is still there keeps its widget, and so the focus."""
        self.panel.show_continuation(shown.continuation)
        set_text(self.problem, "\n".join(tr(each) for each in shown.problems))
        is_empty = not shown.cards
        self.empty_title.setVisible(is_empty and shown.continuation is None)
        self.empty_text.setVisible(is_empty and shown.continuation is None)
        self.heading.setVisible(not is_empty)
        set_text(self.enter_hint, _enter_hint(shown))
        self._show_keys()
        if [tile.card for tile in self.tiles] != list(shown.cards):
            self._show_cards(shown.cards)

    def _show_keys(self) -> None:
        """Of what the hand holds now; a pad has no button for the help."""
        set_text(self.enter_key, hand.press_label())
        for part in (self.help_key, self.help_hint):
            part.setVisible(hand.current() is Hand.KEYS)

    def _show_cards(self, cards: Sequence[GameCard]) -> None:
        before = {tile.card.key: tile for tile in self.tiles}
        had_focus = next((n for n, tile in enumerate(self.tiles) if tile.hasFocus()), None)
        self.tiles = []
        for card in cards:
            tile = before.pop(card.key, None)
            if tile is None:
                tile = self._tile(card)
            else:
                tile.show_card(card)
            self.tiles.append(tile)
        for gone in before.values():
            gone.hide()
            gone.setParent(None)
            gone.deleteLater()
        self.add_tile.set_alone(not self.tiles)
        self.cards_changed.emit()
        self._columns = 0
        self._lay_out()
        if had_focus is not None and not any(tile.hasFocus() for tile in self.tiles):
            beside = [*self.tiles, self.add_tile]
            beside[min(had_focus, len(beside) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)

    def _tile(self, card: GameCard) -> GameTile:
        tile = GameTile(card)
        key = card.key
        tile.clicked.connect(lambda: self.played.emit(key))
        tile.more.connect(lambda: self.more.emit(key, tile.more_button))
        return tile

    def _lay_out(self) -> None:
        """As many columns as there is room for."""
        room = self.width() - 2 * EDGE
        columns = max(1, (room + GAP) // (_LEAST_CARD + GAP))
        if columns == self._columns:
            return
        while self.grid.count():
            self.grid.takeAt(0)
        for column in range(max(columns, self._columns, self.grid.columnCount())):
            self.grid.setColumnStretch(column, 1 if column < columns else 0)
        self._columns = columns
        for place, tile in enumerate(self._all_tiles()):
            self.grid.addWidget(tile, place // columns, place % columns)
            tile.show()
        self._order()

    def _order(self) -> None:
        """Tab goes from left to right and down, from the first thing to do round to the top."""
        panel = self.panel
        chain: list[QWidget] = [panel.button, panel.dismiss_button, panel.report_button]
        for tile in self._all_tiles():
            chain += [tile, tile.more_button] if isinstance(tile, GameTile) else [tile]
        chain += [*self._buttons[False], *self._buttons[True]]
        for before, after in pairwise(each for each in chain if self.isAncestorOf(each)):
            QWidget.setTabOrder(before, after)

    def _all_tiles(self) -> list[TileButton]:
        return [*self.tiles, self.add_tile]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.panel.set_low(self.height() < _LOW)
        self._lay_out()

    # --- focus and keys -------------------------------------------------------------------------

    def first_focus(self) -> QWidget:
        """The most valuable thing: the game to continue, the last game, or adding one."""
        if self.panel.isVisibleTo(self):
            button = self.panel.button
            return button if button.isVisibleTo(self) else self.panel.dismiss_button
        return self._all_tiles()[0]

    def take_focus(self) -> None:
        self.first_focus().setFocus(Qt.FocusReason.OtherFocusReason)

    def focused_tile(self) -> GameTile | None:
        for tile in self.tiles:
            if tile.hasFocus() or tile.more_button.hasFocus():
                return tile
        return None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        tile = self.focused_tile()
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns,
            Qt.Key.Key_Down: self._columns,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is not None and self._move(step):
            return
        if tile is not None and event.key() == Qt.Key.Key_F2:
            self.renaming.emit(tile.card.key)
        elif tile is not None and event.key() == Qt.Key.Key_Delete:
            self.removing.emit(tile.card.key)
        elif tile is not None and _asks_for_a_menu(event):
            tile.more.emit()
        else:
            super().keyPressEvent(event)

    def _move(self, step: int) -> bool:
        """Move the focus through the cards; from the panel down to the first, and back up."""
        tiles = self._all_tiles()
        at = next((n for n, tile in enumerate(tiles) if tile.hasFocus()), None)
        if at is None:
            wanted = 0 if step > 0 and self.panel.button.hasFocus() else None
        else:
            wanted = at + step
        if wanted is None:
            return False
        if 0 <= wanted < len(tiles):
            tiles[wanted].setFocus(Qt.FocusReason.TabFocusReason)
            self.scroll_area.ensureWidgetVisible(tiles[wanted])
        elif wanted < 0 and self.panel.isVisibleTo(self):
            self.take_focus()
            self.scroll_area.ensureWidgetVisible(self.panel)
        return True

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._say_texts()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            pixels = theme.icon().pixmap(_LOGO, self.devicePixelRatioF())
            self.logo.setPixmap(pixels)
        elif event.type() == QEvent.Type.StyleChange:
            self.empty_text.setMaximumWidth(theme.scaled(_TEXT_WIDTH))
        return done


def _asks_for_a_menu(event: QKeyEvent) -> bool:
    """Shift+F10, of which Qt makes the event of the menu key on Windows alone."""
    shift = Qt.KeyboardModifier.ShiftModifier
    pressed = event.key() == Qt.Key.Key_F10 and event.modifiers() == shift
    return pressed and sys.platform != "win32"


def _enter_hint(shown: HomeContents) -> str:
    """What Enter does where the focus is at first."""
    if isinstance(shown.continuation, Alive):
        return tr(texts.CONTINUE_HINT)
    return tr(texts.PLAY_HINT) if shown.cards else tr(texts.ADD_HINT)
