"""Which language is spoken, and how the windows change to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from rejoin import language
from rejoin.errors import AssetMissingError
from rejoin.gui import texts
from rejoin.gui.labels import TextButton
from rejoin.gui.languages import choice
from rejoin.gui.languages.choice import PSEUDO, TRANSLATED, language_for, load, speak, tag_of
from rejoin.gui.qt_application import make_application
from rejoin.language import ENGLISH, tr
from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.setting_kinds import OneOf


@pytest.fixture
def application() -> Iterator[QApplication]:
    made = make_application()
    yield made
    speak(made, "en")


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["de-AT", "en"], "de"),
        (["ja_JP"], "ja"),
        (["en-GB", "de"], "en"),
        (["fr-FR", "de"], "de"),
        (["fr", "C"], "en"),
        ([], "en"),
        (["DE"], "de"),
    ],
)
def test_the_first_language_of_the_system_that_we_have(tags: list[str], found: str) -> None:
    assert tag_of(tags) == found
    assert language_for("system", lambda: tags).tag == found


def test_the_system_is_asked_only_if_the_setting_says_so() -> None:
    def never() -> list[str]:
        raise AssertionError("asked")

    assert language_for("en", never) == ENGLISH
    assert language_for("de", never).tag == "de"
    assert language_for("pseudo", never).tag == "en-XA"


def test_the_setting_has_every_language() -> None:
    kind = SETTINGS["appearance.language"].kind
    assert isinstance(kind, OneOf)
    assert set(kind.words) == {"system", "en", *TRANSLATED, *PSEUDO}


def test_a_catalogue_that_is_missing_or_damaged_is_english_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> str:
        raise AssetMissingError(f"no {name}")

    monkeypatch.setattr("rejoin.assets.text", missing)
    with caplog.at_level(logging.WARNING):
        assert load("de") == ENGLISH
        monkeypatch.setattr("rejoin.assets.text", lambda name: "no catalogue")
        assert load("ja") == ENGLISH
    assert len(caplog.records) == 2


def test_every_window_changes_at_once(application: QApplication) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    button = TextButton(texts.CLOSE)
    column.addWidget(button)
    for wanted in ("de", "ja", "pseudo", "en"):
        speak(application, wanted)
        QCoreApplication.processEvents()
        assert button.text() == button.accessibleName() == tr(texts.CLOSE)
    assert button.text() == "Close"
    window.deleteLater()


def test_windows_are_mirrored_where_one_reads_from_right_to_left(application: QApplication) -> None:
    speak(application, "pseudo-rtl")
    assert application.layoutDirection() is Qt.LayoutDirection.RightToLeft
    speak(application, "de")
    assert application.layoutDirection() is Qt.LayoutDirection.LeftToRight


def test_texts_of_qt_itself_are_translated(application: QApplication) -> None:
    speak(application, "de")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Abbrechen"
    speak(application, "en")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Cancel"
    assert choice._qt_texts is None


def test_the_same_language_again_changes_nothing(application: QApplication) -> None:
    speak(application, "de")
    before = language.current()
    speak(application, "de")
    assert language.current() is before
