"""The studio of a test: one emulator for each kind, settings for one test, an own backend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from rejoin.errors import BadInputError
from rejoin.studio.address import Studio
from rejoin.testing import studios
from rejoin.testing.problems import NothingSaidError
from rejoin.testing.studios import Studios, TestedStudio


class FakeControl:
    def __init__(self, url: str, token: str) -> None:
        self.values: dict[str, Any] = {
            "width": 1280,
            "height": 720,
            "fps": 60,
            "create_latency_s": 0.0,
            "stream_group_ids": ["sg-1"],
            "application_ids": ["a-1"],
        }

    def state(self) -> dict[str, Any]:
        games = [{"session": "new", "game_state": None}, {"session": "old", "game_state": {"n": 1}}]
        return {"settings": dict(self.values), "sessions": games}

    def change_settings(self, **changes: object) -> dict[str, Any]:
        assert changes.keys() <= self.values.keys()
        self.values |= changes
        return self.values


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What emulators were started with; None is appended when one is stopped."""
    found: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def fake(**options: Any) -> Iterator[Studio]:
        found.append(options)
        yield Studio("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "p", "c")
        found.append({"stopped": True})

    monkeypatch.setattr(studios, "studio_process", fake)
    monkeypatch.setattr(studios, "BlockingEmulatorControl", FakeControl)
    return found


def control_of(studio: TestedStudio) -> Any:
    return studio.control


def test_an_emulator_serves_all_tests_and_settings_last_for_one(
    started: list[dict[str, Any]],
) -> None:
    own = Studios({"backend": ""}, None)
    with own.studio(create_latency_s=2.0) as first:
        values = control_of(first).values
        assert (values["width"], values["fps"], values["create_latency_s"]) == (640, 30, 2.0)
        first.settings(fps=10)
        assert values["fps"] == 10
    assert (values["width"], values["fps"], values["create_latency_s"]) == (1280, 60, 0.0)
    with own.studio() as second:
        assert second is first
    with own.studio(dialect="aws-react", connection_timeout_s=30) as third:
        assert third.profile.choice is not None
        assert third.profile.choice.stream_group == "sg-1"
    assert [(each["dialect"], each["connection_timeout_s"]) for each in started] == [
        ("ours", 120),
        ("aws-react", 30),
    ]
    own.close()
    assert started[2:] == [{"stopped": True}] * 2
    assert "p" not in repr(first).replace("http", "")


def test_a_game_is_found_by_its_session(started: list[dict[str, Any]]) -> None:
    own = Studios({}, None)
    with own.studio() as studio:
        assert studio.game_state("old") == ("old", {"n": 1})
        assert studio.game_state("gone") is None
        assert studio.game_state(None) is None  # the newest has no game yet
        assert studio.begin_session("test") is None
    own.close()


@pytest.mark.parametrize("options", [{"dialect": "theirs"}, {"connection_timeout_s": "long"}])
def test_options_that_cannot_be_used_are_a_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(BadInputError), Studios({}, None).studio(**options):
        pass


def test_settings_of_the_emulator_skip_a_test_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeGuard:
        def __init__(self, *_: object) -> None:
            self.closed = False

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(studios, "SessionGuard", FakeGuard)
    own = Studios({"backend": "https://studio.example"}, "token")
    with own.studio() as studio:
        assert studio.control is None
        assert studio.token == "token"
        assert studio.game_state(None) is None
        with pytest.raises(NothingSaidError, match="is skipped at another backend"):
            studio.settings(fps=10)
    with own.studio() as again:
        assert again is studio
    with (
        pytest.raises(NothingSaidError, match=r"the emulated service \(fps\), and is skipped"),
        own.studio(fps=10),
    ):
        pass
    own.close()
    guard: Any = studio.guard
    assert guard.closed
