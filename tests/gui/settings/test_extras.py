"""The rows that are no settings: volume, data used, the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.fake_port import FakePort
from rejoin.errors import BadInputError
from rejoin.gui.settings import extras
from rejoin.gui.settings.extras import Extras, SavedSound
from rejoin.gui.settings.facts import FactFinder
from rejoin.gui.settings.rows import Facts, State
from rejoin.gui.settings.sections import SECTIONS
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.data_used import DataTotal
from rejoin.runtime.loaded_settings import Loaded
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.volume_file import SoundFile

pytestmark = pytest.mark.usefixtures("application")


def made(tmp_path: Path, sound: FakePort, *, at_once: bool = True) -> Extras:
    facts = FactFinder(lambda: None, data_path=tmp_path / "data_used.json")
    return Extras(tmp_path / "settings.toml", sound, facts, at_once=at_once)


KEPT: list[object] = []
"""Rows own their controls: they must live as long as these are asked."""


def rows(found: Extras, state: State = State()) -> dict[str, str]:  # noqa: B008
    """What each row says."""
    said: dict[str, str] = {}
    for section in SECTIONS:
        for name, (row, text) in found.of(section).items():
            KEPT.append(row)
            said[name] = text(state).now
    return said


def test_all_of_them_say_what_is_so(tmp_path: Path) -> None:
    port = FakePort()
    port.set_sound(SoundChoice(40))
    found = made(tmp_path, port)
    said = rows(found, State(facts=Facts(data=DataTotal(5_000_000, 1.0, 86_400.0))))
    assert list(said) == ["data", "volume", "microphone_test", "log", "path", "move", "reset"]
    assert said["volume"] == "40 %. Applies at once."
    assert said["microphone_test"] == "Shows how loud you are. No game hears it."
    assert said["data"].startswith("5 MB since")
    assert said["path"].replace("\u200b", "") == str(tmp_path / "settings.toml")
    assert said["log"].startswith("What Rejoin noted while you played, without secrets.")
    assert str(found.log_folder) in said["log"].replace("\u200b", "")
    hidden = State(Loaded(PlayerSettings(streamer_mode=True)))
    assert rows(made(tmp_path, port), hidden)["log"].endswith("It stays on this computer.")
    assert found.volume.slider.value() == 40
    assert found.count_anew.isEnabled()
    assert "next game" in rows(made(tmp_path, port, at_once=False))["volume"]


def test_the_volume_follows_the_slider(tmp_path: Path) -> None:
    port = FakePort()
    found = made(tmp_path, port)
    changes = list[bool]()
    found.changed.connect(lambda: changes.append(True))
    found.volume.slider.setValue(30)
    assert port.choices == [SoundChoice(30)]
    assert changes


def test_data_is_counted_anew_or_a_sentence_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, failures = made(tmp_path, FakePort()), list[str]()
    found.failed.connect(failures.append)
    (tmp_path / "data_used.json").write_text("{}")
    found.count_anew.setEnabled(True)
    found.count_anew.click()
    assert not (tmp_path / "data_used.json").exists()
    assert failures == []

    def refuse(_path: Path) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("rejoin.gui.settings.facts.forget_total", refuse)
    found.count_anew.click()
    assert failures == ["The count of the data used cannot be reset: Permission denied."]


def test_the_saved_volume_is_that_of_the_next_game(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "SoundFile", lambda: SoundFile(tmp_path / "sound.json"))
    saved = SavedSound()
    saved.set_sound(SoundChoice(25))
    assert saved.sound() == SoundChoice(25)
    saved.close()
    assert SavedSound().sound() == SoundChoice(25)

    def nowhere() -> SoundFile:
        raise BadInputError("There is no home folder.")

    monkeypatch.setattr(extras, "SoundFile", nowhere)
    homeless = SavedSound()
    homeless.set_sound(SoundChoice(25))
    assert homeless.sound() == SoundChoice(25)
    homeless.close()
    assert homeless.problem == ""


def test_a_volume_that_cannot_be_saved_is_said_in_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "SoundFile", lambda: SoundFile(tmp_path / "sound.json"))
    facts = FactFinder(lambda: None, data_path=tmp_path / "data_used.json")
    saved = SavedSound()
    found = Extras(tmp_path / "settings.toml", saved, facts, at_once=False)
    section = next(each for each in SECTIONS if "volume" in each.extra)
    _, text = found.of(section)["volume"]

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        saved.set_sound(SoundChoice(25))
        found.close()
    assert text(State()).notice == "The volume cannot be saved: No space left on device."
    saved.set_sound(SoundChoice(26))
    found.close()
    assert text(State()).notice == ""
    assert SavedSound().sound() == SoundChoice(26)
