"""The theme: readable for everybody, and drawn from files that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from helpers.style_rules import Rule, colour, rules
from helpers.window_faces import delete
from rejoin import assets
from rejoin.gui import roles, theme
from rejoin.gui.roles import Appearance, Motion, Role, ThemeChoice


@pytest.fixture(autouse=True)
def usual_theme(application: QApplication) -> Iterator[None]:
    """The theme of all other tests, before and after each of these."""
    theme.apply(application)
    yield
    theme.apply(application)


def test_the_style_sheet_follows_theme_and_text_size(application: QApplication) -> None:
    for wanted, palette in (
        (Appearance(ThemeChoice.LIGHT, text_percent=150), roles.LIGHT),
        (Appearance(ThemeChoice.LIGHT, high_contrast=True), roles.HIGH_CONTRAST),
        (Appearance(), roles.DARK),
    ):
        theme.apply(application, wanted)
        assert theme.appearance() == wanted
        assert theme.shown_palette() is palette
        assert theme.name(Role.ACCENT) == palette.colours[Role.ACCENT]
        assert theme.colour(Role.TEXT, 0.5).name() == palette.colours[Role.TEXT]
        sheet = application.styleSheet()
        assert "@" not in sheet
        assert palette.colours[Role.ON_ACCENT] in sheet
        assert f"font-size: {theme.scaled(14)}px" in sheet
        assert application.font().pixelSize() == theme.scaled(14)
    assert theme.scaled(14) == 14


def test_system_follows_the_desktop_while_it_runs(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offscreen there is no desktop: its answer is replaced, and Qt's signal sent."""
    light = [False]
    monkeypatch.setattr(theme, "desktop_is_light", lambda _: light[0])
    changed = application.styleHints().colorSchemeChanged
    theme.apply(application, Appearance(ThemeChoice.SYSTEM, text_percent=125))
    assert theme.shown_palette() is roles.DARK
    light[0] = True
    changed.emit(Qt.ColorScheme.Light)
    assert theme.shown_palette() is roles.LIGHT
    assert theme.appearance().text_percent == 125
    assert roles.LIGHT.colours[Role.INK] in application.styleSheet()
    light[0] = False
    changed.emit(Qt.ColorScheme.Dark)
    assert theme.shown_palette() is roles.DARK
    theme.apply(application, Appearance(ThemeChoice.LIGHT))
    changed.emit(Qt.ColorScheme.Dark)
    assert theme.shown_palette() is roles.LIGHT, "it was chosen"


def test_a_desktop_that_does_not_say_is_dark(application: QApplication) -> None:
    assert not theme.desktop_is_light(application)


def test_widgets_are_sent_a_change_of_style(application: QApplication) -> None:
    seen: list[QEvent.Type] = []

    class Seeing(QWidget):
        def changeEvent(self, event: QEvent) -> None:
            seen.append(event.type())

    widget = Seeing()
    child = Seeing(widget)
    widget.show()
    seen.clear()
    theme.apply(application, Appearance(ThemeChoice.LIGHT))
    assert seen.count(QEvent.Type.StyleChange) >= 2, "the widget and its child"
    child.deleteLater()
    delete(widget)


def test_nothing_moves_with_reduced_motion(application: QApplication) -> None:
    assert theme.moves()
    theme.apply(application, Appearance(motion=Motion.REDUCED))
    assert not theme.moves()


def test_the_system_wishes_for_motion_only_where_it_is_asked(application: QApplication) -> None:
    try:
        for motion, moves in ((Motion.SYSTEM, False), (Motion.FULL, True), (Motion.REDUCED, False)):
            theme.apply(application, Appearance(motion=motion, text_percent=125))
            theme.follow_system_motion(application, reduced=True)
            assert theme.moves() is moves
            theme.follow_system_motion(application, reduced=False)
            assert theme.moves() is (motion is not Motion.REDUCED)
            assert theme.appearance().text_percent == 125
    finally:
        theme.follow_system_motion(application, reduced=False)


def test_menus_and_choices_of_qt_move_no_more_than_ours(application: QApplication) -> None:
    general = Qt.UIEffect.UI_General
    before = application.isEffectEnabled(general)
    theme.apply(application, Appearance(motion=Motion.REDUCED))
    for effect in (general, Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_AnimateCombo):
        assert not application.isEffectEnabled(effect)
    theme.apply(application)
    assert application.isEffectEnabled(general) is before


def test_every_placeholder_of_the_style_sheet_is_filled(application: QApplication) -> None:
    assert "@" not in theme.style_sheet()
    assert theme.name(theme.ACCENT) in theme.style_sheet()


def test_digits_have_equal_width(application: QApplication) -> None:
    metrics = QFontMetricsF(theme.digit_font(32))
    assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1


def test_japanese_has_one_font_for_all_its_letters(application: QApplication) -> None:
    """Else Qt takes each letter from whatever font has it."""
    assert "Noto Sans CJK JP" not in theme.text_font().families()
    theme.apply(application, Appearance(language="ja"))
    assert "Noto Sans CJK JP" in application.font().families()[1:]
    assert "Noto Sans CJK JP" in theme.digit_font(32).families()
    theme.apply(application)
    assert "Noto Sans CJK JP" not in application.font().families()


def test_the_icon_is_there_in_every_size(application: QApplication) -> None:
    sizes = {size.width() for size in theme.icon().availableSizes()}
    assert {16, 32, 48, 256} <= sizes
    pixel = theme.drawing("icons/rejoin.svg", QSize(64, 64), 1.0).toImage().pixelColor(32, 13)
    assert pixel.name() == roles.DARK.colours[Role.ACCENT]


def test_a_tint_replaces_the_current_colour(application: QApplication) -> None:
    drawn = theme.drawing("icons/unstable.svg", QSize(24, 24), 2.0, Role.DANGER)
    assert drawn.devicePixelRatio() == 2.0
    assert drawn.toImage().pixelColor(6, 38).name() == theme.name(Role.DANGER)


@pytest.mark.parametrize("pixels", [16, 24, 32, 48, 128, 256, 512])
def test_the_shipped_png_is_the_svg(application: QApplication, pixels: int) -> None:
    shipped = QImage(str(assets.path(f"icons/rejoin-{pixels}.png")))
    drawn = theme.drawing("icons/rejoin.svg", QSize(pixels, pixels), 1.0).toImage()
    assert shipped.size() == drawn.size()
    for x in range(0, pixels, max(1, pixels // 16)):
        for y in range(0, pixels, max(1, pixels // 16)):
            one, other = shipped.pixelColor(x, y), drawn.pixelColor(x, y)
            assert abs(one.alpha() - other.alpha()) <= 24
            if one.alpha() == 255 and other.alpha() == 255:
                assert abs(one.green() - other.green()) <= 24


def test_no_svg_refers_to_anything_outside_itself() -> None:
    for name in ("icons/rejoin.svg", "icons/unstable.svg"):
        assert not re.search(r"href|url\(|<script", assets.text(name))


# --- contrast, measured from the style sheet ------------------------------------------------------

APPEARANCES = {
    "dark": Appearance(),
    "light": Appearance(ThemeChoice.LIGHT),
    "high contrast": Appearance(high_contrast=True),
}
appearances = pytest.mark.parametrize("wanted", APPEARANCES.values(), ids=APPEARANCES)
FIELDS = ("QLineEdit", "QComboBox")
BUTTONS = tuple(f'QPushButton[kind="{kind}"]' for kind in ("primary", "plain", "icon"))


def applied(application: QApplication, wanted: Appearance) -> tuple[list[Rule], list[str]]:
    """The rules, and the colours that widgets stand on."""
    theme.apply(application, wanted)
    return rules(application.styleSheet()), [
        theme.name(role) for role in (Role.INK, Role.CARD, Role.RAISED)
    ]


def ground_of(selector: str) -> str:
    """The selector of what a text lies on: itself, or the button that `on` names."""
    on = re.search(r'\[on="([^"]+)"\]', selector)
    return selector if on is None else f'QPushButton[kind="{on[1]}"]'


@appearances
def test_every_text_of_the_style_sheet_reaches_aa(
    application: QApplication, wanted: Appearance
) -> None:
    found, grounds = applied(application, wanted)
    measured = 0
    for rule in found:
        if "color" not in rule.colours or "disabled" in rule.states:
            continue  # WCAG 1.4.3 leaves out what cannot be used
        own = colour(found, ground_of(rule.selector), "background", *rule.states)
        for ground in grounds if own in (None, "transparent") else [own]:
            assert ground is not None
            assert roles.contrast(rule.colours["color"], ground) >= 4.5, rule
            measured += 1
        selected = rule.colours.get("selection-color")
        if selected:
            assert roles.contrast(selected, rule.colours["selection-background-color"]) >= 4.5
    assert measured > 40


@appearances
def test_fields_are_told_from_their_ground(application: QApplication, wanted: Appearance) -> None:
    """WCAG 1.4.11: the edge against what is outside and what is inside."""
    found, grounds = applied(application, wanted)
    for field in FIELDS:
        edge = colour(found, field, "border-color")
        inside = colour(found, field, "background")
        assert edge is not None
        assert inside is not None
        for ground in (*grounds, inside):
            assert roles.contrast(edge, ground) >= 3.0, (field, ground)
    handle = colour(found, "QScrollBar::handle", "background", "vertical")
    groove = colour(found, "QSlider::groove", "border-color", "horizontal")
    for part in (handle, groove):
        assert part is not None
        assert min(roles.contrast(part, ground) for ground in grounds[:2]) >= 3.0


@appearances
def test_the_focus_is_told_from_its_ground_and_from_no_focus(
    application: QApplication, wanted: Appearance
) -> None:
    found, grounds = applied(application, wanted)
    for widget in (*FIELDS, *BUTTONS, "QPushButton", "QScrollArea"):
        ring = colour(found, widget, "border-color", "focus")
        assert ring is not None, widget
        assert min(roles.contrast(ring, ground) for ground in grounds) >= 3.0, widget
        before = colour(found, widget, "border-color") or grounds[0]
        if widget.endswith('"primary"]'):
            assert "background-clip: padding" in application.styleSheet(), "a gap is between"
            before = theme.name(Role.INK)
        elif before == "transparent":
            before = grounds[0]
        assert roles.contrast(ring, before) >= 3.0, widget


@pytest.mark.parametrize("kind", ["", "primary", "plain", "icon", "entry", "entry-danger"])
def test_the_focus_is_one_ring_for_who_uses_keys_and_pads_too(
    application: QApplication, kind: str
) -> None:
    window = QWidget()
    button = QPushButton("End game", window)
    button.setProperty("kind", kind)
    button.setGeometry(10, 10, 220, 48)
    window.resize(240, 70)
    window.show()
    window.activateWindow()
    QApplication.processEvents()
    button.setFocus(Qt.FocusReason.TabFocusReason)
    assert button.hasFocus()
    seen = []
    for by_keys in (False, True):
        window.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange, by_keys)
        seen.append(window.grab().toImage())
    delete(window)
    assert seen[0] == seen[1], "Qt draws a frame of its own for keys"
