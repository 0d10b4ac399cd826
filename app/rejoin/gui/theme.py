"""The theme that is shown now: colours by role, sizes, fonts and the style sheet.

`apply` changes it for the whole application, at any time. Qt then sends every widget a StyleChange,
by which those that draw themselves or have sizes of their own follow. Colours stand in `roles`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from rejoin import assets, language
from rejoin.gui import roles
from rejoin.gui.languages.choice import speak
from rejoin.gui.roles import Appearance, Motion, Palette, Role, ThemeChoice

ACCENT: Final = Role.ACCENT
ON_ACCENT: Final = Role.ON_ACCENT
INK: Final = Role.INK
CARD: Final = Role.CARD
RAISED: Final = Role.RAISED
TEXT: Final = Role.TEXT
QUIET_TEXT: Final = Role.QUIET
HAIRLINE: Final = Role.HAIRLINE
FAINT: Final = Role.FAINT
DANGER: Final = Role.DANGER
TROUBLE: Final = Role.TROUBLE

DIM_OPACITY = 0.64

HEADING_PX = 22
TITLE_PX = 20
SECTION_PX = 15
TEXT_PX = 14
SMALL_PX = 13
LINE_PX = 22
"""The height of a line of `TEXT_PX`, in scripts with high ones as well."""
CARD_RADIUS = 18.0
CARD_PADDING = 26
CARD_WIDTH = 600

_EFFECTS: Final = Qt.UIEffect.UI_General
"""Qt's own animations, of menus, choices and tool tips."""
_ICON_SIZES = (16, 24, 32, 48, 128, 256, 512)
_PLACEHOLDER = re.compile(r"@(\w+)")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What `apply` has set."""

    appearance: Appearance = Appearance()  # noqa: RUF009 frozen
    palette: Palette = roles.DARK
    follows: bool = False
    """The desktop's changes are listened to."""
    system_reduces: bool = False
    """The system wishes for reduced motion."""
    effects: bool = True
    """Menus, choices and tool tips are animated where motion is not reduced: Qt's answer for this
    desktop."""


_shown = _Shown()


# --- what is shown now ----------------------------------------------------------------------------


def appearance() -> Appearance:
    """What was applied last."""
    return _shown.appearance


def shown_palette() -> Palette:
    """The theme that is shown now."""
    return _shown.palette


def name(role: Role) -> str:
    """The colour of a role now, as "#rrggbb"."""
    return _shown.palette.colours[role]


def colour(role: Role, opacity: float = 1.0) -> QColor:
    """The colour of a role now, with an opacity of 0..1."""
    made = QColor(name(role))
    made.setAlphaF(opacity)
    return made


def card_colour() -> QColor:
    """The ground of a card, through which the picture is seen a little."""
    return colour(CARD, _shown.palette.card_opacity)


def pill_colour() -> QColor:
    """The ground of what lies over the picture while one plays."""
    return colour(CARD, _shown.palette.pill_opacity)


def scaled(pixels: float) -> int:
    """A length that belongs to text, with the player's text size."""
    return round(pixels * _shown.appearance.text_percent / 100)


def moves() -> bool:
    """Whether animations may run."""
    match _shown.appearance.motion:
        case Motion.SYSTEM:
            return not _shown.system_reduces
        case Motion.FULL:
            return True
        case Motion.REDUCED:
            return False


def system_reduces_motion() -> bool:
    """Whether the system wishes for reduced motion, as far as it is known."""
    return _shown.system_reduces


# --- changing it ----------------------------------------------------------------------------------


def apply(
    application: QApplication,
    wanted: Appearance = Appearance(),  # noqa: B008 frozen
) -> None:
    """Give the whole application this theme and language, at once. Raises AssetMissingError."""
    global _shown  # noqa: PLW0603 there is one application
    hints = application.styleHints()
    if not _shown.follows:
        hints.colorSchemeChanged.connect(lambda: _follow(application))
        _shown = replace(_shown, effects=application.isEffectEnabled(_EFFECTS))
    palette = roles.palette_of(wanted, desktop_is_light=desktop_is_light(application))
    _shown = replace(_shown, appearance=wanted, palette=palette, follows=True)
    application.setEffectEnabled(_EFFECTS, _shown.effects and moves())
    speak(application, wanted.language)
    application.setPalette(qt_palette())
    application.setFont(text_font())
    application.setStyleSheet(style_sheet())
    if application.windowIcon().isNull():
        application.setWindowIcon(icon())


def follow_system_motion(application: QApplication, *, reduced: bool) -> None:
    """The system wishes for reduced motion, or does not any more; at first it does not."""
    global _shown  # noqa: PLW0603 there is one application
    moved = moves()
    _shown = replace(_shown, system_reduces=reduced)
    if moves() != moved:
        apply(application, _shown.appearance)


def desktop_is_light(application: QApplication) -> bool:
    """Whether the desktop is light; one that does not say counts as dark."""
    return application.styleHints().colorScheme() == Qt.ColorScheme.Light


def _follow(application: QApplication) -> None:
    """The desktop has changed between dark and light."""
    if _shown.appearance.theme is ThemeChoice.SYSTEM:
        apply(application, _shown.appearance)


def style_sheet() -> str:
    """The style sheet, filled with the colours and sizes of now. Raises AssetMissingError."""
    values = {role.value: colour for role, colour in _shown.palette.colours.items()}
    values |= {
        "heading_px": f"{scaled(HEADING_PX)}px",
        "title_px": f"{scaled(TITLE_PX)}px",
        "section_px": f"{scaled(SECTION_PX)}px",
        "text_px": f"{scaled(TEXT_PX)}px",
        "small_px": f"{scaled(SMALL_PX)}px",
        "line_px": f"{scaled(LINE_PX)}px",
    }
    return _PLACEHOLDER.sub(lambda found: values[found[1]], assets.text("styles/rejoin.qss"))


def qt_palette() -> QPalette:
    """For what the style sheet does not cover (tool tips, dialogs, focus frames)."""
    made = QPalette(colour(CARD), colour(INK))
    roles_of_qt = QPalette.ColorRole
    for group, role in (
        (roles_of_qt.Base, RAISED),
        (roles_of_qt.WindowText, TEXT),
        (roles_of_qt.Text, TEXT),
        (roles_of_qt.ButtonText, TEXT),
        (roles_of_qt.PlaceholderText, QUIET_TEXT),
        (roles_of_qt.Highlight, ACCENT),
        (roles_of_qt.HighlightedText, ON_ACCENT),
        (roles_of_qt.ToolTipBase, CARD),
        (roles_of_qt.ToolTipText, TEXT),
    ):
        made.setColor(group, colour(role))
    return made


# --- fonts and drawings ---------------------------------------------------------------------------

_MORE_FAMILIES: Final = {
    "ja": ("Noto Sans CJK JP", "Noto Sans JP", "Hiragino Sans", "Yu Gothic UI", "Meiryo"),
}
"""By language: what has the letters that the platform's font lacks. Qt would take them from any
font that has them, one letter from this and the next from a brush script."""


def text_font(pixels: int = TEXT_PX) -> QFont:
    """The platform's font for text, `pixels` high at the usual text size."""
    return _font(scaled(pixels))


def digit_font(pixels: int) -> QFont:
    """Bold, exactly `pixels` high, with digits of equal width: a countdown does not jitter."""
    font = _font(pixels)
    font.setWeight(QFont.Weight.DemiBold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _font(pixels: int) -> QFont:
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(pixels)
    more = _MORE_FAMILIES.get(language.current().tag, ())
    if more:
        font.setFamilies([*font.families(), *more])
    return font


def icon() -> QIcon:
    """The program's icon, in the sizes that desktops use: files, as drawing them takes 10 ms."""
    made = QIcon()
    for pixels in _ICON_SIZES:
        made.addFile(str(assets.path(f"icons/rejoin-{pixels}.png")), QSize(pixels, pixels))
    return made


def drawing(file: str, size: QSize, ratio: float, tint: Role | None = None) -> QPixmap:
    """An SVG as a pixmap of `size` logical pixels; `tint` replaces `currentColor` in it."""
    from PySide6.QtSvg import QSvgRenderer  # a library that the home is painted without

    source = assets.text(file)
    if tint is not None:
        source = source.replace("currentColor", name(tint))
    pixmap = QPixmap(size * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer = QSvgRenderer(QByteArray(source.encode()))
    renderer.render(painter, QRectF(0, 0, pixmap.width(), pixmap.height()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
