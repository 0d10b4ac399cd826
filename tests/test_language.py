"""Texts are translated when they are shown, and never break a window."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from rejoin import language
from rejoin.errors import BadInputError
from rejoin.language import (
    ENGLISH,
    Message,
    in_english,
    listed,
    mark,
    number,
    sentences,
    tr,
    tr_plural,
)


@dataclass(frozen=True)
class Spoken:
    texts: dict[str, str] = field(default_factory=dict)
    tag: str = "xx"
    right_to_left: bool = False

    def find(self, text: str) -> str:
        return self.texts.get(text, text)

    def find_plural(self, one: str, many: str, number: int) -> str:
        return self.texts.get(one if number == 1 else many, many)


@pytest.fixture(autouse=True)
def _english_after() -> Iterator[None]:
    yield
    language.use(ENGLISH)


def speak(**texts: str) -> None:
    language.use(Spoken({text.replace("_", " "): each for text, each in texts.items()}))


def test_in_english_a_text_is_what_it_says() -> None:
    assert tr("Volume {percent} %", percent=30) == "Volume 30 %"
    assert tr_plural("{count} day", "{count} days", 1) == "1 day"
    assert tr_plural("{count} day", "{count} days", 2) == "2 days"
    assert tr("100 % {") == "100 % {"


def test_a_marked_text_is_translated_when_it_is_shown() -> None:
    text = mark("Close")
    before = tr(text)
    speak(Close="Zu")
    assert (before, text, tr(text)) == ("Close", "Close", "Zu")


def test_a_translation_may_order_its_placeholders_otherwise() -> None:
    language.use(Spoken({"{a} before {b}": "{b} nach {a}"}))
    assert tr("{a} before {b}", a=1, b=2) == "2 nach 1"


@pytest.mark.parametrize("wrong", ["{other}", "{", "{0}", "{a!z}"])
def test_a_wrong_translation_is_english_rather_than_a_crash(wrong: str) -> None:
    language.use(Spoken({"at {a}": wrong, "{count} day": wrong, "{count} days": wrong}))
    assert tr("at {a}", a=1) == "at 1"
    assert tr_plural("{count} day", "{count} days", 3) == "3 days"


def test_an_error_is_english_for_a_log_and_translated_in_the_window() -> None:
    error = BadInputError(Message("There is no file {file}.", file="a.toml"))
    language.use(Spoken({"There is no file {file}.": "Die Datei {file} fehlt."}))
    assert f"{error}" == "There is no file a.toml."
    assert tr(str(error)) == "Die Datei a.toml fehlt."


def test_a_message_within_a_message_is_translated_too() -> None:
    language.use(Spoken({"On: {what}": "An: {what}", "sound": "Ton"}))
    said = Message("On: {what}", what=Message("sound"))
    assert (said, tr(said)) == ("On: sound", "An: Ton")


def test_a_message_survives_being_copied_and_sent() -> None:
    said = Message("at {place}", place="home")
    for other in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert isinstance(other, Message)
        assert (str(other), other.text, other.values) == ("at home", "at {place}", said.values)


def test_what_is_for_the_studio_stays_english() -> None:
    speak(Close="Zu")
    with in_english():
        assert tr("Close") == "Close"
    assert tr("Close") == "Zu"


def test_sentences_and_lists_are_joined_as_the_language_does() -> None:
    assert sentences("One.", "", "Two.") == "One. Two."
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert (sentences(), listed([])) == ("", "")
    language.use(
        Spoken({"{first} {second}": "{first}{second}", "{first}, {second}": "{first}/{second}"})
    )
    assert sentences("One{first}.", "Two{second}.", "3") == "One{first}.Two{second}.3"
    assert listed(["a", "b"]) == "a/b"


def test_a_number_has_the_decimal_point_of_the_language() -> None:
    assert (number(1.5), number(2.0), number(1.25, 1), number(3.2, 0)) == ("1.5", "2", "1.2", "3")
    language.use(Spoken({".": ","}))
    assert number(1.5) == "1,5"


def test_one_thread_may_write_english_while_another_speaks() -> None:
    speak(Close="Zu")
    with in_english(), ThreadPoolExecutor(1) as other:
        assert (tr("Close"), other.submit(tr, "Close").result()) == ("Close", "Zu")
