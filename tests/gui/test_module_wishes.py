"""A click allows each thing once, for a while; a cursor is a keyword."""

from __future__ import annotations

from PySide6.QtCore import Qt

from rejoin.gui.module_wishes import GRANTED_WITHIN_S, ClickGrants, Grant, cursor_of


def test_each_is_allowed_once_after_a_click_and_not_before() -> None:
    grants = ClickGrants()
    assert not any(grants.take(grant, 0.0) for grant in Grant)
    grants.clicked(100.0)
    assert all(grants.take(grant, 100.0 + GRANTED_WITHIN_S) for grant in Grant)
    assert not any(grants.take(grant, 100.0) for grant in Grant)
    grants.clicked(101.0)
    assert grants.take(Grant.POINTER_LOCK, 101.0)


def test_it_is_forgotten_when_it_is_too_late_or_the_player_wants_it() -> None:
    grants = ClickGrants()
    grants.clicked(100.0)
    assert not grants.take(Grant.FULL_SCREEN, 100.1 + GRANTED_WITHIN_S)
    grants.clicked(200.0)
    grants.forget()
    assert not any(grants.take(grant, 200.0) for grant in Grant)


def test_keywords_of_css_are_shapes_of_qt_and_anything_else_is_the_arrow() -> None:
    assert cursor_of("none") is Qt.CursorShape.BlankCursor
    assert cursor_of("pointer") is Qt.CursorShape.PointingHandCursor
    assert cursor_of("nwse-resize") is Qt.CursorShape.SizeFDiagCursor
    for other in ("default", "auto", "", "url(x.png), none", "NONE", "\0"):
        assert cursor_of(other) is Qt.CursorShape.ArrowCursor
