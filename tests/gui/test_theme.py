"""The theme: readable for everybody, and drawn from files that exist."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFontMetricsF, QImage
from PySide6.QtWidgets import QApplication

from rejoin import assets
from rejoin.gui import theme


def _luminance(colour: QColor) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(c) for c in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: QColor, other: QColor) -> float:
    """As WCAG 2.2 defines it, 1..21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _over(top: str, opacity: float, under: QColor) -> QColor:
    mixed = QColor(top)
    mixed.setRgbF(
        mixed.redF() * opacity + under.redF() * (1 - opacity),
        mixed.greenF() * opacity + under.greenF() * (1 - opacity),
        mixed.blueF() * opacity + under.blueF() * (1 - opacity),
    )
    return mixed


WHITE_PICTURE = QColor("#ffffff")
DIMMED_WHITE = _over(theme.INK, theme.DIM_OPACITY, WHITE_PICTURE)


@pytest.mark.parametrize("text", [theme.TEXT, theme.QUIET_TEXT])
def test_texts_reach_aa_even_over_a_white_picture(text: str) -> None:
    card = _over(theme.CARD, theme.CARD_OPACITY, DIMMED_WHITE)
    pill = _over(theme.CARD, theme.PILL_OPACITY, WHITE_PICTURE)
    assert _contrast(QColor(text), card) >= 4.5
    assert _contrast(QColor(text), pill) >= 4.5


def test_buttons_and_the_ring_reach_aa() -> None:
    card = _over(theme.CARD, theme.CARD_OPACITY, DIMMED_WHITE)
    assert _contrast(QColor(theme.ON_ACCENT), QColor(theme.ACCENT)) >= 4.5
    assert _contrast(QColor(theme.ACCENT), card) >= 3.0
    assert _contrast(QColor(theme.ACCENT), QColor(theme.HAIRLINE)) >= 3.0


def test_every_placeholder_of_the_style_sheet_is_filled(application: QApplication) -> None:
    assert "@" not in theme.style_sheet()
    assert theme.ACCENT in theme.style_sheet()


def test_digits_have_equal_width(application: QApplication) -> None:
    metrics = QFontMetricsF(theme.digit_font(32))
    assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1


def test_the_icon_is_there_in_every_size(application: QApplication) -> None:
    sizes = {size.width() for size in theme.icon().availableSizes()}
    assert {16, 32, 48, 256} <= sizes
    pixel = theme.drawing("icons/rejoin.svg", QSize(64, 64), 1.0).toImage().pixelColor(32, 13)
    assert pixel.name() == theme.ACCENT


def test_a_tint_replaces_the_current_colour(application: QApplication) -> None:
    drawn = theme.drawing("icons/unstable.svg", QSize(24, 24), 2.0, "#ff0000")
    assert drawn.devicePixelRatio() == 2.0
    assert drawn.toImage().pixelColor(6, 38).name() == "#ff0000"


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
