"""Every page, for those who need large text, a keyboard, or a focus that they can see."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from helpers.cut_texts import cut_texts, scrolled
from helpers.pages import PAGES, SMALL, page, visible
from rejoin.gui.card import Card
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.roles import Appearance, ThemeChoice, contrast

pytestmark = pytest.mark.usefixtures("private_folders")
by_tab = [name for name in PAGES if not name.startswith("face:")]
cards = [
    *("face:idle", "face:starting", "face:lost", "face:end-game-question", "face:end-after-drops"),
    "face:report",
]
KINDS = (
    *("home:empty", "home:games", "home:token", "settings:video", "settings:sound"),
    *("settings:shortcuts", "settings:file", "connection-test"),
)
"""Pages with every kind of control."""
THEMES = {
    "dark": Appearance(),
    "light": Appearance(ThemeChoice.LIGHT),
    "high contrast": Appearance(high_contrast=True),
}


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("shown", PAGES)
def test_no_text_of_twice_the_size_is_cut_or_overlaps_in_a_small_window(
    shown: str, language: str
) -> None:
    with page(shown, SMALL, Appearance(text_percent=200, language=language)) as root:
        assert root.size().toTuple() == SMALL, "the window became larger than the screen"
        assert cut_texts(root) == []


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("shown", [name for name in PAGES if name.startswith("face:")])
def test_what_stands_still_does_not_move_at_the_next_tick(shown: str, language: str) -> None:
    """A card in a window that is nearly too small found its height anew each time."""
    with page(shown, SMALL, Appearance(text_percent=200, language=language)) as root:
        assert isinstance(root, RejoinWindow)
        places = [geometry(root)]
        for _ in range(3):
            root.refresh()
            places.append(geometry(root))  # before the layouts answer: two moves undo each other
            QCoreApplication.processEvents()
            places.append(geometry(root))
        assert all(each == places[0] for each in places)


def geometry(root: QWidget) -> dict[int, object]:
    return {id(each): each.geometry().getRect() for each in visible(root)}


def test_what_is_cut_is_found() -> None:
    """By itself: a button and a label with too little room, one over the other."""
    with page("home:empty") as root:
        button, label = QPushButton("Quite a long text", root), QPushButton("Another", root)
        button.setGeometry(300, 300, 40, 42)
        label.setGeometry(320, 310, 200, 42)
        button.show()
        label.show()
        found = cut_texts(root)
    assert any("in place of" in each for each in found)
    assert any("overlap" in each for each in found)


# --- keyboard -------------------------------------------------------------------------------------


def takes_tab(widget: QWidget) -> bool:
    policy = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
    return bool(policy) and widget.isEnabled() and widget.focusProxy() is None


def walked(root: QWidget) -> list[QWidget]:
    """What has the focus after each press of Tab, until it is where it began."""
    order: list[QWidget] = []
    for _ in range(200):
        focused = root.focusWidget()
        assert focused is not None
        if focused in order:
            return order
        order.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    raise AssertionError("the focus does not come back")


@pytest.mark.parametrize("shown", by_tab)
def test_tab_reaches_everything_and_goes_from_left_to_right_and_down(shown: str) -> None:
    with page(shown) as root:
        order = walked(root)
        assert {each for each in visible(root) if takes_tab(each)} <= set(order)
        groups: dict[QWidget | None, list[tuple[int, int]]] = {}
        for each in order:
            corner = each.mapTo(root, each.rect().topLeft())
            groups.setdefault(scrolled(each), []).append((corner.y(), corner.x()))
        for places in groups.values():
            first = places.index(min(places))
            around = places[first:] + places[:first]
            assert all(reads_on(*two) for two in pairwise(around)), around


def reads_on(before: tuple[int, int], later: tuple[int, int]) -> bool:
    """From left to right, and down. What stands in one row may be of different heights."""
    return later[0] > before[0] + 30 or (abs(later[0] - before[0]) <= 30 and later[1] > before[1])


@pytest.mark.parametrize("shown", cards)
def test_tab_reaches_every_button_of_a_card(shown: str) -> None:
    with page(shown) as root:
        (card,) = [each for each in visible(root) if isinstance(each, Card)]
        for button in card.buttons():
            button.armed_at = 0.0
        order = []
        for _ in card.buttons():
            QTest.keyClick(root.focusWidget(), Qt.Key.Key_Tab)
            order.append(root.focusWidget())
        assert set(order) == set(card.buttons())
        assert len(card.buttons()) >= 1


# --- focus ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("shown", [*KINDS, *cards])
def test_the_focus_is_seen_on_everything(shown: str, theme: str) -> None:
    """Measured from pixels: as many as a line around it has differ by 3:1 from before."""
    with page(shown, SMALL, THEMES[theme]) as root:
        focusable = [
            each
            for each in visible(root)
            if takes_tab(each) and (each.objectName() != "game" and each.width() < SMALL[0])
        ]
        for widget in focusable:
            area = scrolled(widget)
            if area is not None:
                area.ensureWidgetVisible(widget)
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            assert widget.hasFocus()
            after = picture(root, widget)
            widget.clearFocus()  # a card takes it back with the next tick
            before = picture(root, widget)
            around = min(widget.width(), 200) + min(widget.height(), 40)
            assert changed(before, after) >= around, widget


def picture(root: QWidget, widget: QWidget) -> QImage:
    corner = widget.mapTo(root, widget.rect().topLeft())
    return root.grab(QRect(corner, widget.size())).toImage()


def changed(before: QImage, after: QImage) -> int:
    """How many pixels differ so much that it is seen."""
    one, other = colours(before), colours(after)
    differ = one != other
    pairs, counts = np.unique(
        np.stack((one[differ], other[differ]), axis=-1), axis=0, return_counts=True
    )
    seen = [contrast(*(f"#{each:06x}" for each in pair)) >= 3.0 for pair in pairs.tolist()]
    return int(counts[seen].sum())


def colours(image: QImage) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    """Of each pixel, as 0xRRGGBB."""
    exact = image.convertToFormat(QImage.Format.Format_ARGB32)
    data = np.frombuffer(exact.constBits(), dtype=np.uint32)
    return data.reshape(exact.height(), exact.bytesPerLine() // 4)[:, : exact.width()] & np.uint32(
        0xFFFFFF
    )
