"""Buttons of gamepads by the names that are printed on them, in three languages."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from rejoin.gamepads.in_hand import PadInHand
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gui import pad_texts
from rejoin.gui.languages.choice import speak


def names(kind: PadKind, *, has_misc: bool = False) -> tuple[str, ...]:
    pad = PadInHand(kind, has_misc)
    return (
        *(pad_texts.bottom(pad), pad_texts.right(pad), pad_texts.menu(pad)),
        *(pad_texts.chord(pad), pad_texts.microphone(pad)),
    )


@pytest.mark.parametrize(
    ("kind", "bottom", "right", "view", "menu"),
    [
        (PadKind.XBOX, "A", "B", "View", "Menu"),
        (PadKind.XBOX_360, "A", "B", "BACK", "START"),
        (PadKind.PLAYSTATION_3, "Cross", "Circle", "SELECT", "START"),
        (PadKind.PLAYSTATION_4, "Cross", "Circle", "SHARE", "OPTIONS"),
        (PadKind.PLAYSTATION_5, "Cross", "Circle", "Create", "Options"),
        (PadKind.SWITCH, "B", "A", "Minus", "Plus"),
        (PadKind.STADIA, "A", "B", "Options", "Menu"),
    ],
)
def test_each_pad_has_its_own(kind: PadKind, bottom: str, right: str, view: str, menu: str) -> None:
    assert names(kind) == (
        *(bottom, right, menu),
        *(f"{view} and {menu}, held: menu", f"{view} and left stick (pressed)"),
    )


@pytest.mark.parametrize(
    ("kind", "microphone"),
    [
        (PadKind.XBOX, "Share"),
        (PadKind.PLAYSTATION_5, "Mic button"),
        (PadKind.SWITCH, "Capture"),
        (PadKind.STADIA, "Options and left stick (pressed)"),
    ],
)
def test_the_microphones_button_where_the_pad_has_one(kind: PadKind, microphone: str) -> None:
    assert names(kind, has_misc=True)[-1] == microphone


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", ("Kreuz", "Kreis", "Options", "Create und Options gehalten: Menü")),
        ("ja", ("×", "○", "オプション", "クリエイトボタンとオプションボタンを長押し: メニュー")),
    ],
)
def test_in_other_languages(application: QApplication, tag: str, expected: tuple[str, ...]) -> None:
    speak(application, tag)
    try:
        assert names(PadKind.PLAYSTATION_5)[:4] == expected
    finally:
        speak(application, "en")
