"""A run of `learn`: its sessions are in the ledger before they start, and ended afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rejoin.errors import ServiceError
from rejoin.qa import learn
from rejoin.qa.client_case import surroundings_of
from rejoin.qa.learn import Learned, Learning, Plan
from rejoin.qa.learn_session import LearnError, Patience
from rejoin.qa.learned import Figure, Leave, Word
from rejoin.qa.ledger import Ledger
from rejoin.qa.messages import Charge
from rejoin.qa.sweep import End
from rejoin.runtime.studio_profile import StudioProfile

PROFILE = StudioProfile("http://127.0.0.1:1", "token")
PATIENCE = Patience(1.0, 1.0)


class FakeGuardian:
    """What a run reports to it."""

    said: list[tuple[str, str]]

    def __init__(self, charge: Charge) -> None:
        self.charge = charge

    def session_began(self, key: str, session_id: str) -> None:
        FakeGuardian.said.append(("began", session_id))

    def session_over(self, key: str) -> None:
        FakeGuardian.said.append(("over", key[-1]))

    def close(self) -> None:
        FakeGuardian.said.append(("closed", ""))


class Scene:
    """What the sessions of a run do: `script` is called for each, and may raise."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder)
        self.left: list[Leave] = []
        self.in_ledger: list[int] = []
        self.ended: list[str] = []
        self.end = End.ENDED
        self.script: Callable[[int], None] = lambda number: None

    def run(self, *, repeat: int = 1, sessions: int = 100, minutes: float = 60.0) -> Learned:
        plan = Plan(repeat, PATIENCE, sessions, minutes)
        charge = Charge(PROFILE, Path("nowhere"))
        return Learning(PROFILE, self.ledger, charge, plan, lambda left_s, line: None).run()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(tmp_path)
    FakeGuardian.said = []

    class FakeSession:
        def __init__(self, _profile: Any, _patience: Any, on_session: Any) -> None:
            self.findings: list[Word] = []
            self._on_session = on_session

        async def measure(self, leave: Leave) -> None:
            number = len(made.left)
            made.left.append(leave)
            made.in_ledger.append(len(made.ledger.entries()))
            self._on_session(f"session {number}")
            self.findings.append(Word(Figure.DTLS, "client"))
            made.script(number)

    async def end_session(_profile: StudioProfile, session_id: str) -> tuple[End, str]:
        made.ended.append(session_id)
        return made.end, "the backend is gone" if made.end is End.STILL_OPEN else ""

    monkeypatch.setattr(learn, "LearnSession", FakeSession)
    monkeypatch.setattr(learn, "Guardian", FakeGuardian)
    monkeypatch.setattr(learn, "end_session", end_session)
    return made


def test_every_session_is_in_the_ledger_before_it_starts_and_ended_afterwards(scene: Scene) -> None:
    found = scene.run(repeat=2)
    assert scene.left == [*Leave, *Leave]
    assert scene.in_ledger == [1] * 6
    assert scene.ended == [f"session {number}" for number in range(6)]
    assert scene.ledger.entries() == ()
    assert (found.started, len(found.findings), found.problems) == (6, 6, ())
    assert FakeGuardian.said[:2] == [("began", "session 0"), ("over", "0")]
    assert FakeGuardian.said[-1] == ("closed", "")


def test_a_session_that_fails_is_ended_and_the_next_one_goes_on(scene: Scene) -> None:
    def script(number: int) -> None:
        if number == 1:
            raise LearnError("the game was not placed in time")

    scene.script = script
    found = scene.run()
    assert scene.ended == ["session 0", "session 1", "session 2"]
    assert len(found.findings) == 3
    assert found.problems == ("goodbye client: the game was not placed in time",)


def test_an_interrupted_run_ends_its_session(scene: Scene) -> None:
    def script(number: int) -> None:
        raise KeyboardInterrupt

    scene.script = script
    with pytest.raises(KeyboardInterrupt):
        scene.run()
    assert scene.ended == ["session 0"]
    assert scene.ledger.entries() == ()
    assert FakeGuardian.said[-1] == ("closed", "")


def test_a_session_that_cannot_be_ended_is_left_to_the_guardian(scene: Scene) -> None:
    scene.end = End.STILL_OPEN
    found = scene.run()
    assert len(scene.ledger.entries()) == 3
    assert all("could not be ended: the backend is gone" in each for each in found.problems)
    assert not any(said == "over" for said, _ in FakeGuardian.said)


def test_the_caps_hold(scene: Scene) -> None:
    assert scene.run(repeat=5, sessions=4).started == 4
    found = scene.run(repeat=5, minutes=0.0)
    assert found.started == 0
    assert found.problems == ("0 minutes were over",)


def test_a_full_ledger_starts_no_session(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def note(_entry: object) -> None:
        raise ServiceError("The disk is full.")

    monkeypatch.setattr(scene.ledger, "note", note)
    with pytest.raises(ServiceError):
        scene.run()
    assert scene.left == []


def test_the_announcement_says_what_it_costs() -> None:
    plan = Plan(3, PATIENCE, 8, 20.0)
    text = plan.announcement("play.studio.example", can_end=True)
    assert "starts 8 stream sessions at play.studio.example" in text
    assert "no new one after 20 minutes: about 6 minutes of play that the studio pays for" in text
    assert "cannot end them" in plan.announcement("x", can_end=False)


def test_what_is_learned_has_its_origin() -> None:
    origin = learn.origin_of(surroundings_of(PROFILE, region="eu-west-1"))
    assert (origin.backend, origin.dialect, origin.region) == ("127.0.0.1:1", "ours", "eu-west-1")
