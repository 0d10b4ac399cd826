"""The theme: colours, sizes, fonts and the style sheet. One accent, everything else is grey."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from rejoin import assets

ACCENT = "#5ad1b8"
ON_ACCENT = "#06231d"
INK = "#0b0e14"
CARD = "#141923"
TEXT = "#f3f6fa"
QUIET_TEXT = "#b6c0ce"
HAIRLINE = "#39414f"

CARD_OPACITY = 0.94
PILL_OPACITY = 0.88
DIM_OPACITY = 0.64

TITLE_PX = 20
TEXT_PX = 14
SMALL_PX = 13
CARD_RADIUS = 18.0
CARD_PADDING = 26
CARD_WIDTH = 600

_ICON_SIZES = (16, 24, 32, 48, 128, 256, 512)


def colour(name: str, opacity: float = 1.0) -> QColor:
    """A colour with an opacity of 0..1."""
    made = QColor(name)
    made.setAlphaF(opacity)
    return made


def style_sheet() -> str:
    """The style sheet, filled with this module's colours and sizes. Raises AssetMissingError."""
    sheet = assets.text("styles/rejoin.qss")
    values = {
        "@on_accent": ON_ACCENT,
        "@accent": ACCENT,
        "@ink": INK,
        "@card": CARD,
        "@text_px": f"{TEXT_PX}px",
        "@title_px": f"{TITLE_PX}px",
        "@small_px": f"{SMALL_PX}px",
        "@text": TEXT,
        "@quiet": QUIET_TEXT,
        "@hairline": HAIRLINE,
    }
    for name, value in values.items():
        sheet = sheet.replace(name, value)
    return sheet


def palette() -> QPalette:
    """Dark, for what the style sheet does not cover (tool tips, focus frames)."""
    made = QPalette(QColor(CARD), QColor(INK))
    made.setColor(QPalette.ColorRole.WindowText, QColor(TEXT))
    made.setColor(QPalette.ColorRole.Text, QColor(TEXT))
    made.setColor(QPalette.ColorRole.ButtonText, QColor(TEXT))
    made.setColor(QPalette.ColorRole.Highlight, QColor(ACCENT))
    made.setColor(QPalette.ColorRole.HighlightedText, QColor(ON_ACCENT))
    made.setColor(QPalette.ColorRole.ToolTipBase, QColor(CARD))
    made.setColor(QPalette.ColorRole.ToolTipText, QColor(TEXT))
    return made


def apply(application: QApplication) -> None:
    """Give the whole application this theme. Raises AssetMissingError."""
    application.setStyle("Fusion")
    application.setPalette(palette())
    application.setFont(text_font())
    application.setStyleSheet(style_sheet())
    application.setWindowIcon(icon())


def text_font(pixels: int = TEXT_PX) -> QFont:
    """The platform's font for text, `pixels` high."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(pixels)
    return font


def digit_font(pixels: int) -> QFont:
    """Bold, with digits of equal width, so that a countdown does not jitter."""
    font = text_font(pixels)
    font.setWeight(QFont.Weight.DemiBold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def icon() -> QIcon:
    """The program's icon, in the sizes that desktops use: files, as drawing them takes 10 ms."""
    made = QIcon()
    for pixels in _ICON_SIZES:
        made.addFile(str(assets.path(f"icons/rejoin-{pixels}.png")), QSize(pixels, pixels))
    return made


def drawing(name: str, size: QSize, ratio: float, tint: str | None = None) -> QPixmap:
    """An SVG as a pixmap of `size` logical pixels; `tint` replaces `currentColor` in it."""
    from PySide6.QtSvg import QSvgRenderer  # a library that the home is painted without

    source = assets.text(name)
    if tint is not None:
        source = source.replace("currentColor", tint)
    pixmap = QPixmap(size * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer = QSvgRenderer(QByteArray(source.encode()))
    renderer.render(painter, QRectF(0, 0, pixmap.width(), pixmap.height()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
