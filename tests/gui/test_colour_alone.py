"""No state is told by colour alone.

Where a colour means something (accent, trouble, danger), it is taken away: all three become the
colour of text, and everything that can be told apart has to stay so, by shape or by text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from types import MappingProxyType

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QWidget

import rejoin.gui
from helpers.menu_scene import fill, open_menu, playing
from helpers.pages import PAGES, page, visible
from helpers.window_faces import NOW, delete, destroy
from rejoin import assets
from rejoin.gui import connection_test_texts, roles, theme
from rejoin.gui.menu.chart_view import ChartView
from rejoin.gui.menu.charts import SERIES, chart
from rejoin.gui.menu.history import History
from rejoin.gui.pill import Pill
from rejoin.gui.ring import Ring
from rejoin.gui.roles import Role
from rejoin.gui.settings.controls import Switch
from rejoin.runtime.doctor.findings import Outcome

MEANING = (Role.ACCENT, Role.TROUBLE, Role.DANGER)
"""The roles whose colour says something. All others tell text, ground and edges."""

WITHOUT = replace(
    roles.DARK,
    colours=MappingProxyType(
        dict(roles.DARK.colours)
        | dict.fromkeys(MEANING, roles.DARK.colours[Role.TEXT])
        | {Role.ON_ACCENT: roles.DARK.colours[Role.INK]}
    ),
)


@pytest.fixture
def without_meaning(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(roles, "DARK", WITHOUT)
        theme.apply(application)
        yield
    theme.apply(application)


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def differ(one: QImage, other: QImage) -> int:
    """How many pixels are others."""
    assert one.size() == other.size()
    places = ((x, y) for x in range(one.width()) for y in range(one.height()))
    return sum(one.pixel(*place) != other.pixel(*place) for place in places)


# --- where such a colour is used ------------------------------------------------------------------

SHEET = {
    'QLabel[mark="good"]': "a sign and a name, below",
    'QLabel[mark="trouble"]': "a sign and a name, below",
    'QLabel[mark="danger"]': "a sign and a name, below",
    'QLabel[kind="trouble"]': "a sentence, on every page below",
    'QPushButton[kind="primary"]': "no state: the button has its text, and the focus",
    'QPushButton[kind="entry-primary"]': "no state: an entry of the menu has its text, below",
    'QPushButton[kind="entry-danger"]': "no state: an entry of the menu has its text, below",
    "QSlider::sub-page:horizontal": "the handle's place",
    "QProgressBar::chunk": "its length",
    "QLineEdit": "selected text: its ground",
    "QMenu::item:selected": "its ground",
    "QComboBox QAbstractItemView": "its ground",
    "QComboBox QAbstractItemView::item:selected": "its ground",
}
"""What the style sheet gives such a colour, and what says the same without it."""

SOURCES = {
    "chart_view.py": "stripes, below",
    "controls.py": "the knob's place, below",
    "practice_frame.py": "in pieces, with the fault's name (test_practice_frame)",
    "game_card.py": "the only card: its words",
    "ring.py": "the arc's length, digits and a name, below",
    "roles.py": "the table",
    "theme.py": "names of it, and the palette of Qt",
}


def test_every_use_of_such_a_colour_is_known_here() -> None:
    """A new one needs something that says the same without colour, and a test of that."""
    sheet = re.sub(r"/\*.*?\*/", "", assets.text("styles/rejoin.qss"), flags=re.S)
    found = {
        selector.strip()
        for selectors, body in re.findall(r"([^{}]+)\{([^}]*)\}", sheet)
        for selector in selectors.split(",")
        if re.search(r"@(accent|trouble|danger)\b", body)
    }
    assert found == set(SHEET)
    used = {
        file.name
        for file in Path(rejoin.gui.__file__).parent.rglob("*.py")
        if re.search(r"\b(Role|theme)\.(ACCENT|TROUBLE|DANGER)\b", file.read_text(encoding="utf-8"))
    }
    assert used | {"roles.py", "theme.py"} == set(SOURCES)


# --- what says the same ---------------------------------------------------------------------------


@pytest.mark.usefixtures("without_meaning", "private_folders")
def test_the_marks_of_the_connection_test_are_four_signs() -> None:
    marks = []
    for outcome in Outcome:
        label = QLabel(connection_test_texts.MARKS[outcome])
        label.setProperty("mark", "danger")
        label.resize(24, 24)
        marks.append((label, picture(label)))
    for (_, one), (_, other) in combinations(marks, 2):
        assert differ(one, other) >= 8
    for label, _ in marks:
        delete(label)
    assert len(set(connection_test_texts.SAID.values())) == len(Outcome)


@pytest.mark.usefixtures("private_folders")
def test_each_row_of_the_connection_test_says_its_outcome() -> None:
    with page("connection-test") as root:
        marks = [each for each in visible(root) if each.property("mark")]
        assert marks
        said = set(connection_test_texts.SAID.values())
        for mark in marks:
            assert isinstance(mark, QLabel)
            assert mark.text() in connection_test_texts.MARKS.values()
            assert mark.accessibleName() in said


@pytest.mark.usefixtures("without_meaning")
def test_a_switch_that_is_on_has_its_knob_elsewhere() -> None:
    switch = Switch()
    switch.resize(switch.sizeHint())
    off = picture(switch)
    switch.show_on(True)
    on = picture(switch)
    knob = off.height() // 2
    line = [(off.pixel(x, knob), on.pixel(x, knob)) for x in range(off.width())]
    assert line[10][0] != line[-11][0], "off: the knob is at one side"
    assert line[10][1] != line[-11][1], "on: it is at the other"
    delete(switch)


@pytest.mark.usefixtures("without_meaning")
def test_a_ring_says_what_is_left_by_its_length_its_digits_and_its_name() -> None:
    ring = Ring(96)
    seen = []
    for share, digits in ((0.75, ""), (0.25, ""), (0.25, "0:15")):
        ring.show_time(f"{digits} left", digits, share)
        seen.append(picture(ring))
    assert differ(seen[0], seen[1]) > 100, "the arc"
    assert differ(seen[1], seen[2]) > 30, "the digits"
    assert ring.accessibleName() == "0:15 left"
    delete(ring)


@pytest.mark.usefixtures("without_meaning")
def test_a_drop_in_a_chart_is_striped_and_said() -> None:
    """The line has no stripes: along a row, a drop changes its colour again and again."""
    history = History()
    fill(history)
    view = ChartView()
    view.resize(600, 200)
    shown = chart(SERIES[0], history.samples(NOW), history.drops(NOW), NOW)
    view.show_chart(shown)
    image = picture(view)
    begin, end = (14 + round((600 - 28) * along) for along in shown.drops[0])

    def changes(left: int, right: int) -> int:
        y = image.height() - 14
        row = [image.pixel(x, y) for x in range(left, right)]
        return sum(one != other for one, other in pairwise(row))

    width = end - begin
    assert changes(begin, end) >= 3
    assert changes(begin - 3 * width, begin - 2 * width) <= 1
    assert "The connection was lost once." in view.accessibleName()
    delete(view)


@pytest.mark.usefixtures("application")
def test_a_badge_has_a_drawing_and_words() -> None:
    pill = Pill(icon="icons/unstable.svg")
    pill.set_text("Connection unstable")
    pill.show()
    picture(pill)
    assert not pill._picture.pixmap().isNull()
    assert pill.accessibleName() == "Connection unstable"
    delete(pill)


def test_each_entry_of_the_menu_has_its_words(application: QApplication, tmp_path: Path) -> None:
    window, _, _ = playing(settings=tmp_path / "settings.toml")
    open_menu(window)
    kinds = ("entry-primary", "entry-danger")
    entries = [each for each in visible(window) if each.property("kind") in kinds]
    assert entries
    assert all(str(each.property("text")).strip() for each in entries)
    destroy(window)


@pytest.mark.usefixtures("private_folders")
@pytest.mark.parametrize("shown", PAGES)
def test_what_is_shown_in_such_a_colour_has_words(shown: str) -> None:
    with page(shown) as root:
        for each in visible(root):
            if each.property("kind") in ("trouble", "danger", "primary") or each.property("mark"):
                words = each.property("text")
                assert isinstance(words, str)
                assert words.strip(), each
