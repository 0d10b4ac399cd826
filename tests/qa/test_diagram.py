"""The diagram of the states: it is that of the code, and no other transition happens."""

from __future__ import annotations

import errno
import inspect
import random
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.documented_transitions import assert_documented
from helpers.playbook import Playbook
from rejoin.core import events
from rejoin.core.phases import State
from rejoin.core.trace_names import STATES
from rejoin.errors import BadInputError, RejoinError
from rejoin.qa import diagram
from rejoin.qa.diagram import document, put_into, transitions, update
from rejoin.qa.simulation import case_of
from rejoin.verify.environment import Change
from rejoin.verify.simulate import simulate

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
SEEDS = 1500
_PLAYER = (Change.PLAYER_TRIES, Change.PLAYER_LEAVES, Change.PLAYER_ENDS)


def test_the_page_shows_the_engine_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    drawn = document(transitions())
    assert put_into(text, drawn) == text, "`rejoin qa diagram --write docs/states.md` updates it"


def test_every_state_can_be_entered_and_left() -> None:
    entered = {there for _, there in transitions()}
    left = {here for here, _ in transitions()}
    names = set(STATES.values())
    assert names - entered == {"Idle"}
    assert names - left == {"Ended"}


def test_every_transition_in_the_simulator_is_in_the_diagram() -> None:
    """With a player who acts, and trouble at the start, so that many transitions happen."""
    taken: set[tuple[str, str]] = set()

    def observe(before: State, event: events.Event, after: State) -> None:
        assert_documented(before, event, after)
        taken.add((STATES[type(before.phase)], STATES[type(after.phase)]))

    for seed in range(SEEDS):
        case = case_of(seed)
        chance = random.Random(f"{seed} player")
        world = case.world
        if chance.random() < 0.5:
            at_s = chance.choice([-1.0, 0.0, 5.0, 10.0]) + chance.random() * 5.0
            act = (max(0.0, at_s), chance.choice(_PLAYER))
            acts = sorted((*world.faults, act), key=lambda change: change[0])
            world = replace(world, faults=tuple(acts))
        if chance.random() < 0.2:
            begins_s = chance.choice([0.0, 0.4 * chance.random()])
            lasts_s = 6.0 * chance.random()
            trouble = chance.choice([Change.BACKEND_DOWN, *_PLAYER])
            begin, end = (begins_s, trouble), (begins_s + lasts_s, Change.BACKEND_UP)
            world = replace(world, at_start=(begin, end))
        draw = random.Random(f"{seed} engine").random
        simulate(world, draw=draw, for_s=case.for_s, policy=case.policy, observer=observe)
    assert len({pair for pair in taken if pair[0] != pair[1]}) > 35


def test_a_transition_missing_in_the_diagram_fails_the_test_in_which_it_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All Playbook tests and the Hypothesis state machine rely on this."""
    kept = {pair: names for pair, names in transitions().items() if pair != ("Live", "Lost")}
    monkeypatch.setattr(diagram, "transitions", lambda: kept)
    with pytest.raises(AssertionError, match="Live -> Lost after Sampled"):
        Playbook().drop()
    Playbook().live()


def test_an_event_missing_for_a_transition_fails_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = dict(transitions()) | {("Idle", "StartOffering"): frozenset({"RejoinRequested"})}
    monkeypatch.setattr(diagram, "transitions", lambda: kept)
    play = Playbook()
    with pytest.raises(AssertionError, match="Idle -> StartOffering"):
        play.give(events.StartRequested())


def test_a_diagram_is_put_between_the_markers() -> None:
    page = put_into(PAGE.read_text(encoding="utf-8"), "DRAWN")
    assert "\n\nDRAWN\n\n" in page
    assert page.startswith("# The states of a client")
    with pytest.raises(BadInputError, match="no place for the diagram: the lines <!-- states"):
        put_into("nothing", "DRAWN")


def test_a_page_that_cannot_be_updated_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(BadInputError, match=r"^page is not text\.$"):
        update(page, "DRAWN")
    with pytest.raises(BadInputError, match=r"^missing cannot be updated: No such file"):
        update(tmp_path / "missing", "DRAWN")


def test_a_full_disk_is_no_unusable_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> int:
        raise OSError(errno.ENOSPC, "No space")

    page = tmp_path / "page"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        update(page, "DRAWN")


def test_a_packaged_program_says_that_it_has_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def getsource(_: object) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr(inspect, "getsource", getsource)
    with pytest.raises(RejoinError, match="no source code"):
        transitions.__wrapped__()
