"""The theme: readable for everybody, and drawn from files that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtWidgets import QApplication, QWidget

from helpers.window_faces import delete
from rejoin import assets
from rejoin.gui import roles, theme
from rejoin.gui.roles import Appearance, Role, ThemeChoice


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
    theme.apply(application, Appearance(reduced_motion=True))
    assert not theme.moves()


def test_every_placeholder_of_the_style_sheet_is_filled(application: QApplication) -> None:
    assert "@" not in theme.style_sheet()
    assert theme.name(theme.ACCENT) in theme.style_sheet()


def test_digits_have_equal_width(application: QApplication) -> None:
    metrics = QFontMetricsF(theme.digit_font(32))
    assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1


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
