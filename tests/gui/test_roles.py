"""The colours of every theme: complete, readable by WCAG's measure, and named nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rejoin.gui import roles, theme
from rejoin.gui.roles import Appearance, Palette, Role, ThemeChoice, contrast, over, palette_of

THEMES = {"dark": roles.DARK, "light": roles.LIGHT, "high contrast": roles.HIGH_CONTRAST}
ROOT = Path(__file__).parents[2]

themes = pytest.mark.parametrize("palette", THEMES.values(), ids=THEMES)
pictures = pytest.mark.parametrize("picture", ["#ffffff", "#000000", "#7f7f7f", "#ff0000"])


def worst(palette: Palette, text: Role, *grounds: str) -> float:
    return min(contrast(palette.colours[text], ground) for ground in grounds)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1.0
    assert over("#ffffff", 0.5, "#000000") == "#808080"


@themes
def test_every_role_has_a_colour(palette: Palette) -> None:
    assert set(palette.colours) == set(Role)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in palette.colours.values())


@themes
def test_texts_on_every_ground_of_a_window_reach_aa(palette: Palette) -> None:
    grounds = [palette.colours[role] for role in (Role.INK, Role.CARD, Role.RAISED)]
    for text in (Role.TEXT, Role.QUIET, Role.TROUBLE, Role.DANGER):
        assert worst(palette, text, *grounds) >= 4.5, text
    for ground in (Role.CONTROL, Role.CONTROL_HOVER, Role.CONTROL_PRESSED):
        assert worst(palette, Role.TEXT, palette.colours[ground]) >= 4.5, ground
    for ground in (Role.ACCENT, Role.ACCENT_HOVER, Role.ACCENT_PRESSED):
        assert worst(palette, Role.ON_ACCENT, palette.colours[ground]) >= 4.5, ground


@themes
@pictures
def test_texts_over_any_picture_reach_aa(palette: Palette, picture: str) -> None:
    colours = palette.colours
    dimmed = over(colours[Role.VEIL], theme.DIM_OPACITY, picture)
    card = over(colours[Role.CARD], palette.card_opacity, dimmed)
    pill = over(colours[Role.CARD], palette.pill_opacity, picture)
    for text in (Role.TEXT, Role.QUIET):
        assert worst(palette, text, card, pill) >= 4.5, text
    assert worst(palette, Role.ACCENT, card) >= 3.0, "the ring"


@themes
def test_what_can_be_operated_reaches_three_to_one(palette: Palette) -> None:
    """WCAG 1.4.11: focus, switches, sliders, and the ring against what is left of it."""
    colours = palette.colours
    grounds = [colours[role] for role in (Role.INK, Role.CARD, Role.RAISED, Role.CONTROL)]
    assert worst(palette, Role.TEXT, *grounds) >= 3.0, "the focus"
    assert worst(palette, Role.ACCENT, colours[Role.INK], colours[Role.CARD]) >= 3.0
    assert worst(palette, Role.ON_ACCENT, colours[Role.ACCENT]) >= 3.0, "the switch's knob, on"
    assert worst(palette, Role.QUIET, colours[Role.CONTROL]) >= 3.0, "the switch's knob, off"


@themes
def test_the_ring_stands_out_from_what_is_left_of_it(palette: Palette) -> None:
    assert worst(palette, Role.ACCENT, palette.colours[Role.TRACK]) >= 3.0


@themes
def test_a_control_with_the_focus_differs_from_one_without(palette: Palette) -> None:
    edges = [palette.colours[role] for role in (Role.HAIRLINE, Role.CONTROL_EDGE)]
    assert worst(palette, Role.TEXT, *edges) >= 3.0


def test_high_contrast_is_what_it_says() -> None:
    colours = roles.HIGH_CONTRAST.colours
    for text in (Role.TEXT, Role.QUIET, Role.TROUBLE, Role.DANGER, Role.ACCENT):
        assert worst(roles.HIGH_CONTRAST, text, colours[Role.INK], colours[Role.CARD]) >= 7.0
    for line in (Role.HAIRLINE, Role.FAINT, Role.CONTROL_EDGE):
        assert worst(roles.HIGH_CONTRAST, line, colours[Role.INK], colours[Role.CARD]) >= 4.5


@pytest.mark.parametrize(
    ("appearance", "light", "palette"),
    [
        (Appearance(), True, roles.DARK),
        (Appearance(ThemeChoice.LIGHT), False, roles.LIGHT),
        (Appearance(ThemeChoice.SYSTEM), False, roles.DARK),
        (Appearance(ThemeChoice.SYSTEM), True, roles.LIGHT),
        (Appearance(ThemeChoice.LIGHT, high_contrast=True), True, roles.HIGH_CONTRAST),
    ],
)
def test_which_theme_is_shown(appearance: Appearance, light: bool, palette: Palette) -> None:
    assert palette_of(appearance, desktop_is_light=light) is palette


def test_no_other_module_and_no_style_sheet_names_a_colour() -> None:
    found = []
    sources = [*(ROOT / "app/rejoin/gui").rglob("*.py"), *(ROOT / "resources/styles").iterdir()]
    for path in sources:
        if path.name == "roles.py":
            continue
        text = path.read_text(encoding="utf-8")
        for pattern in (
            r"#[0-9a-fA-F]{3,8}\b(?=[\"'; ])",
            r"\brgba?\(",
            r"GlobalColor\.(?!transparent)\w+",
            r"QColor\(\s*[\"\d]",
        ):
            found += [f"{path.name}: {each}" for each in re.findall(pattern, text)]
    assert not found
    icons = (ROOT / "resources/icons").glob("*.svg")
    known = {*roles.DARK.colours.values(), "currentcolor", "none"}
    for icon in icons:
        named = re.findall(r'(?:fill|stroke)="([^"]+)"', icon.read_text(encoding="utf-8"))
        assert {each.lower() for each in named} <= known, icon.name
