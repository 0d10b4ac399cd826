"""Every window in other languages: nothing stays English, and nothing is cut off.

In the long pseudo-language each vowel of a translated text has an accent, so that a plain one
belongs to a text that was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QListWidget,
    QScrollArea,
    QWidget,
)

from helpers.fake_port import FakeClock
from helpers.fake_practice import open_page, practising
from helpers.home_pages import home_pages, settings_pages
from helpers.menu_scene import menu_pages
from helpers.window_faces import FACES, destroy, face_named, show_face
from rejoin.cli.window import ending_sentence
from rejoin.core.model import Ending, EndingKind
from rejoin.core.verdict import Verdict
from rejoin.gui import ending_texts, play_texts, texts
from rejoin.gui.guest import hint_texts
from rejoin.gui.home.contents import GameCard
from rejoin.gui.languages.choice import speak
from rejoin.gui.qt_application import make_application
from rejoin.gui.settings import sections
from rejoin.language import in_english, tr
from rejoin.runtime.settings_file import change
from rejoin.service_model.status import StatusReason

SIZE = (1024, 600)

STAYS = re.compile(
    r"https?://\S+|rejoin://\S*|[\w.-]+\.example|\b\d+(\.\d+)+\b|"
    r"Lantern Wood|Tide Runner|Paper Harbour|Rejoin|RJ-[A-Z-]+( / \S+)?|"
    r"Speakers|Headset|Mbit/s|cut_[\d.]+s|bufferbloat|English|Deutsch|Enter|Alt|offscreen|openid|"
    r"/\S+|\u201c.*\u201d|\".*\""
)
"""What is data or a name and not a text: addresses, games, codes, devices, languages, keys, a unit,
what the service said."""
PLAIN = re.compile(r"[A-Za-z]*[aeiouAEIOU][A-Za-z]*")
NEVER_TRANSLATED = {"code", "stats"}
"""Kinds of labels: the report for the studio, and statistics."""


@pytest.fixture
def application(request: pytest.FixtureRequest) -> Iterator[QApplication]:
    made = make_application()
    speak(made, request.param)
    yield made
    speak(made, "en")


def visible(shown: QWidget, kind: type[QWidget]) -> list[QWidget]:
    return [each for each in shown.findChildren(kind) if each.isVisible()]


def texts_of(shown: QWidget) -> list[str]:
    """What is read in it, and what a screen reader says of it."""
    found = [shown.windowTitle()]
    for each in visible(shown, QWidget):
        if each.property("kind") in NEVER_TRANSLATED:
            continue
        found += [each.accessibleName(), each.accessibleDescription(), each.toolTip()]
        match each:
            case QLabel() | QAbstractButton():
                found.append(each.text())
            case QComboBox():
                found += [each.itemText(at) for at in range(each.count())]
            case QListWidget():
                found += [each.item(at).text() for at in range(each.count())]
            case _:
                pass
    return [text for text in found if text]


def plain(text: str) -> list[str]:
    """The words of it that are English."""
    without = STAYS.sub("", text).replace("\u200b", "")
    return PLAIN.findall(without)


def cut(shown: QWidget) -> list[str]:
    """The texts that have less room than they need, or are partly outside of the window."""
    found = []
    area = shown.rect()
    for each in (*visible(shown, QLabel), *visible(shown, QAbstractButton)):
        assert isinstance(each, QLabel | QAbstractButton)
        if not each.text() or each.property("kind") in NEVER_TRANSLATED:
            continue
        if isinstance(each, QLabel) and each.wordWrap():
            fits = each.height() >= each.heightForWidth(each.width())
        else:
            fits = each.width() >= each.sizeHint().width()
        place = each.rect().translated(each.mapTo(shown, QPoint(0, 0)))
        if not fits or not (scrolls(each, shown) or area.contains(place)):
            found.append(each.text())
    return found


def scrolls(widget: QWidget, shown: QWidget) -> bool:
    """Whether it is in an area that scrolls."""
    parent = widget.parentWidget()
    while parent is not None and parent is not shown:
        if isinstance(parent, QScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def everything(path: Path) -> Iterator[tuple[str, QWidget]]:
    """Every face of a game's window, its menu, every page of the home, and every section of the
    settings."""
    for face in FACES:
        window, _port, _clock = show_face(face, SIZE)
        yield face.name, window
        destroy(window)
    yield from menu_pages(SIZE)
    practising_now, *_ = practising(SIZE)
    open_page(practising_now)
    yield "practice", practising_now
    destroy(practising_now)
    yield from home_pages(SIZE)
    yield from settings_pages(path, SIZE, [each.name for each in sections.SECTIONS])


@pytest.mark.parametrize("application", ["pseudo"], indirect=True)
def test_no_window_shows_a_text_that_is_not_translated(
    application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = use_language(tmp_path, monkeypatch, "pseudo")
    left = {
        (name, text) for name, shown in everything(path) for text in texts_of(shown) if plain(text)
    }
    assert left == set()


@pytest.mark.parametrize("application", ["pseudo", "de", "ja"], indirect=True)
def test_no_window_cuts_a_text_off(
    application: QApplication,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = use_language(tmp_path, monkeypatch, request.node.callspec.params["application"])
    found = {(name, text) for name, shown in everything(path) for text in cut(shown)}
    assert found == set()


def use_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> Path:
    """A settings file with this language, in folders of this test alone."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    path = tmp_path / "settings.toml"
    change(path, "appearance.language", language)
    return path


@pytest.mark.parametrize("application", ["pseudo"], indirect=True)
def test_every_end_and_verdict_is_translated(application: QApplication) -> None:
    reasons = [None, *(StatusReason(each) for each in ending_texts._REASONS)]
    said = [texts.verdict_text(verdict) for verdict in Verdict]
    said += [play_texts.verdict_sentence(verdict) for verdict in Verdict]
    for kind in EndingKind:
        for reason in reasons if kind is EndingKind.GAME_ENDED else [None]:
            for asleep in (False, True):
                text = ending_texts.ending_text(Ending(kind, reason, expired_asleep=asleep))
                said += [text.title, text.meaning, text.advice]
    assert [text for text in said if plain(text)] == []


@pytest.mark.parametrize("application", ["pseudo"], indirect=True)
def test_titles_and_notifications_are_translated(application: QApplication) -> None:
    clock = FakeClock(1000.0)
    said = [GameCard("k", "Rejoin", "a.example", tr("Played today")).spoken]
    for face in FACES:
        snapshot = face.snapshot
        said.append(hint_texts.window_title(snapshot, clock.now, "Rejoin"))
        note = hint_texts.outcome(snapshot)
        said += [] if note is None else [note.title, note.text]
        said += texts.announced_sentences(snapshot, clock.now)
    assert [text for text in said if plain(text)] == []


@pytest.mark.parametrize("application", ["de"], indirect=True)
def test_what_is_for_the_studio_is_english_in_every_language(application: QApplication) -> None:
    face = face_named("report")
    window, _port, _clock = show_face(face, SIZE)
    report = window.layers.report_page.text.text()
    assert window.layers.report_page.title.text() == "Problem melden"
    destroy(window)
    assert face.snapshot.ending is not None
    with in_english():
        shown = ending_texts.ending_text(face.snapshot.ending).title
    assert f"Shown: {shown}" in report


@pytest.mark.parametrize("application", ["de"], indirect=True)
def test_a_terminal_reads_english_whatever_the_window_speaks(application: QApplication) -> None:
    sentence = ending_sentence(Ending(EndingKind.CANCELLED))
    assert sentence == "Start cancelled. You were not in a game yet, so nothing is lost."


@pytest.mark.parametrize("application", ["en"], indirect=True)
def test_a_running_game_changes_its_language_at_once(application: QApplication) -> None:
    window, _port, clock = show_face(face_named("lost"), SIZE)
    overlay = window.layers.overlay
    before = (overlay.title.text(), overlay.try_button.text())
    speak(application, "de")
    application.processEvents()
    clock.now += 1.0
    window.refresh()
    after = (overlay.title.text(), overlay.try_button.text())
    destroy(window)
    assert before == ("Connection lost. Reconnecting...", "Try now")
    assert after == ("Verbindung verloren. Verbinde neu ...", "Jetzt versuchen")
