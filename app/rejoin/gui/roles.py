"""The colours of every theme: one table of roles for dark, light and high contrast. Pure.

No other module and no style sheet names a colour; a test holds that, and the contrasts (ADR 0061).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class Role(enum.Enum):
    """What a colour is for. The values are the names in the style sheet, after an at sign."""

    INK = "ink"
    """The window's ground."""
    CARD = "card"
    """What lies on it: cards, pills, the list at the side."""
    RAISED = "raised"
    """What is chosen, or can be opened."""
    HAIRLINE = "hairline"
    """The edge of a card or control."""
    EDGE = "edge"
    """The edge of a field, a choice, a switch or a slider: 3:1 against what is behind it."""
    FAINT = "faint"
    """A line that only separates."""
    TEXT = "text"
    QUIET = "quiet"
    """Text that explains."""
    TRACK = "track"
    """What is left of a ring, a slider or a switch."""
    ACCENT = "accent"
    """The one thing to do next, and what is switched on."""
    ON_ACCENT = "on_accent"
    ACCENT_HOVER = "accent_hover"
    ACCENT_PRESSED = "accent_pressed"
    CONTROL = "control"
    """The ground of a button that is not the one thing to do next."""
    CONTROL_EDGE = "control_edge"
    CONTROL_HOVER = "control_hover"
    CONTROL_PRESSED = "control_pressed"
    DISABLED = "disabled"
    DISABLED_TEXT = "disabled_text"
    DANGER = "danger"
    """What ends a game."""
    TROUBLE = "trouble"
    """What is wrong now, or is not as it was chosen."""
    VEIL = "veil"
    """What the picture is dimmed with."""
    SHADOW = "shadow"
    BARS = "bars"
    """Around a picture that does not fill the window."""


@dataclass(frozen=True, slots=True)
class Palette:
    """A theme: a colour ("#rrggbb") for each role, and how much of the picture is seen through
    cards and pills (opacities, 0..1). `shadow_opacity`: of each of the layers of a shadow."""

    colours: Mapping[Role, str]
    card_opacity: float
    pill_opacity: float
    shadow_opacity: float


def _palette(
    colours: Mapping[Role, str], card_opacity: float, pill_opacity: float, shadow_opacity: float
) -> Palette:
    return Palette(MappingProxyType(colours), card_opacity, pill_opacity, shadow_opacity)


DARK: Final = _palette(
    {
        Role.INK: "#0b0e14",
        Role.CARD: "#141923",
        Role.RAISED: "#1b2230",
        Role.HAIRLINE: "#39414f",
        Role.EDGE: "#768194",
        Role.FAINT: "#232a36",
        Role.TEXT: "#f3f6fa",
        Role.QUIET: "#b6c0ce",
        Role.TRACK: "#39414f",
        Role.ACCENT: "#5ad1b8",
        Role.ON_ACCENT: "#06231d",
        Role.ACCENT_HOVER: "#7adcc7",
        Role.ACCENT_PRESSED: "#48b79f",
        Role.CONTROL: "#2a3240",
        Role.CONTROL_EDGE: "#2a3240",
        Role.CONTROL_HOVER: "#364052",
        Role.CONTROL_PRESSED: "#222936",
        Role.DISABLED: "#1d232e",
        Role.DISABLED_TEXT: "#7d8796",
        Role.DANGER: "#f0716b",
        Role.TROUBLE: "#f2b84b",
        Role.VEIL: "#0b0e14",
        Role.SHADOW: "#000000",
        Role.BARS: "#000000",
    },
    card_opacity=0.94,
    pill_opacity=0.88,
    shadow_opacity=0.035,
)

LIGHT: Final = _palette(
    {
        Role.INK: "#f4f6f9",
        Role.CARD: "#ffffff",
        Role.RAISED: "#e6ebf1",
        Role.HAIRLINE: "#c2cad5",
        Role.EDGE: "#6f7988",
        Role.FAINT: "#dde2e9",
        Role.TEXT: "#131a24",
        Role.QUIET: "#465161",
        Role.TRACK: "#c2cad5",
        Role.ACCENT: "#0a7562",
        Role.ON_ACCENT: "#ffffff",
        Role.ACCENT_HOVER: "#0c6656",
        Role.ACCENT_PRESSED: "#0a5548",
        Role.CONTROL: "#e1e7ee",
        Role.CONTROL_EDGE: "#e1e7ee",
        Role.CONTROL_HOVER: "#d3dbe5",
        Role.CONTROL_PRESSED: "#c6d0dc",
        Role.DISABLED: "#e9edf2",
        Role.DISABLED_TEXT: "#6e7887",
        Role.DANGER: "#b3261e",
        Role.TROUBLE: "#865400",
        Role.VEIL: "#0b0e14",
        Role.SHADOW: "#000000",
        Role.BARS: "#000000",
    },
    card_opacity=0.96,
    pill_opacity=0.92,
    shadow_opacity=0.012,
)

HIGH_CONTRAST: Final = _palette(
    {
        Role.INK: "#000000",
        Role.CARD: "#000000",
        Role.RAISED: "#262626",
        Role.HAIRLINE: "#767676",
        Role.EDGE: "#8a8a8a",
        Role.FAINT: "#767676",
        Role.TEXT: "#ffffff",
        Role.QUIET: "#ffffff",
        Role.TRACK: "#5c5c5c",
        Role.ACCENT: "#62f0d2",
        Role.ON_ACCENT: "#000000",
        Role.ACCENT_HOVER: "#9bf7e4",
        Role.ACCENT_PRESSED: "#4cd0b4",
        Role.CONTROL: "#262626",
        Role.CONTROL_EDGE: "#767676",
        Role.CONTROL_HOVER: "#454545",
        Role.CONTROL_PRESSED: "#000000",
        Role.DISABLED: "#000000",
        Role.DISABLED_TEXT: "#b8b8b8",
        Role.DANGER: "#ff9c97",
        Role.TROUBLE: "#ffd250",
        Role.VEIL: "#000000",
        Role.SHADOW: "#000000",
        Role.BARS: "#000000",
    },
    card_opacity=1.0,
    pill_opacity=1.0,
    shadow_opacity=0.0,
)


class ThemeChoice(enum.Enum):
    """Which theme the player wants. SYSTEM: as the desktop, also when that changes."""

    DARK = "dark"
    LIGHT = "light"
    SYSTEM = "system"


LEAST_TEXT, MOST_TEXT = 100, 200
"""Per cent of the usual size of text."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How everything looks and reads. `text_percent`: `LEAST_TEXT` to `MOST_TEXT`. `language`: as
    the setting has it (`languages.choice`)."""

    theme: ThemeChoice = ThemeChoice.DARK
    high_contrast: bool = False
    text_percent: int = LEAST_TEXT
    reduced_motion: bool = False
    language: str = "system"


def palette_of(appearance: Appearance, *, desktop_is_light: bool) -> Palette:
    """The theme to show. High contrast goes before the choice of dark or light."""
    if appearance.high_contrast:
        return HIGH_CONTRAST
    match appearance.theme:
        case ThemeChoice.DARK:
            return DARK
        case ThemeChoice.LIGHT:
            return LIGHT
        case ThemeChoice.SYSTEM:
            return LIGHT if desktop_is_light else DARK


def contrast(one: str, other: str) -> float:
    """The contrast of two colours ("#rrggbb") as WCAG 2.2 defines it, 1..21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def over(top: str, opacity: float, under: str) -> str:
    """The colour that is seen where `top` lies over `under`."""
    mixed = (
        round(own * opacity + below * (1.0 - opacity))
        for own, below in zip(_channels(top), _channels(under), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def _luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel / 255.0) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
