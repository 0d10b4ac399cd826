"""What a screen reader is told of every page: roles and names, asked of Qt itself.

`tests/live/test_screen_reader.py` asks through AT-SPI.
"""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMenu, QWidget

from helpers.pages import PAGES, page, visible
from helpers.window_faces import delete
from rejoin.gui import accessible_roles
from rejoin.gui.accessible_roles import PICTURE
from rejoin.gui.ring import Ring

ROLE = QAccessible.Role
FILLING = {ROLE.Client, ROLE.NoRole, ROLE.Whitespace}


def role(widget: QWidget) -> QAccessible.Role:
    return QAccessible.queryAccessibleInterface(widget).role()


def name(widget: QWidget) -> str:
    """What Qt says to AT-SPI: for a choice that is its value, and its label has the name."""
    found = QAccessible.queryAccessibleInterface(widget)
    labels = [str(each.text(QAccessible.Text.Name)) for each, _ in found.relations()]
    return " ".join([*labels, found.text(QAccessible.Text.Name)]).strip()


@pytest.mark.usefixtures("private_folders")
@pytest.mark.parametrize("shown", PAGES)
def test_everything_that_takes_the_focus_has_a_role_and_a_name(shown: str) -> None:
    with page(shown) as root:
        focusable = [each for each in visible(root) if each.focusPolicy().value & 1]
        assert focusable or shown.startswith("face:live")
        for widget in focusable:
            assert role(widget) not in FILLING, widget
            assert name(widget), widget


def test_a_window_is_one_and_a_page_in_it_is_not(application: QApplication) -> None:
    window = QWidget()
    inside = QWidget(window)
    assert role(window) is ROLE.Window
    assert role(inside) is ROLE.Client
    delete(window)


def test_dialogs_and_menus_keep_the_roles_that_qt_gives_them(application: QApplication) -> None:
    for widget, wanted in ((QDialog(), ROLE.Dialog), (QMenu(), ROLE.PopupMenu)):
        assert accessible_roles.role_of(widget) is None
        assert role(widget) is wanted
        delete(widget)


def test_what_is_painted_is_a_picture_with_a_name(application: QApplication) -> None:
    ring = Ring(40)
    ring.show_time("At least 1:12 to get back", "1:12", 0.5)
    assert role(ring) is PICTURE
    assert name(ring) == "At least 1:12 to get back"
    delete(ring)


def test_a_widget_that_has_gone_takes_its_role_with_it(application: QApplication) -> None:
    for number in range(200):
        label, ring = QLabel("x"), Ring(10)
        ring.setAccessibleName(str(number))
        assert (role(ring), name(ring)) == (PICTURE, str(number))
        assert role(label) is ROLE.StaticText
        delete(ring)
        delete(label)


@pytest.mark.usefixtures("private_folders")
@pytest.mark.parametrize("shown", PAGES)
def test_no_text_that_is_seen_is_missing_for_a_screen_reader(shown: str) -> None:
    with page(shown) as root:
        for label in (each for each in visible(root) if isinstance(each, QLabel)):
            if label.text():
                assert role(label) is ROLE.StaticText
                assert name(label), label.text()
            elif not label.pixmap().isNull():
                assert role(label) is PICTURE
