"""Commands are values: Playbook compares them whole, and shows a difference field by field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.playbook import ANY, ONE, Playbook, offer, start_session
from rejoin.core import commands, events


def started() -> Playbook:
    return Playbook().give(events.StartRequested(), offer(ONE))


def test_whole_commands_are_compared() -> None:
    started().expect(commands.MakeOffer(ONE), start_session())


@pytest.mark.parametrize(
    "change", [{"token": "1" * 32}, {"signal_request": "offer 2"}, {"budget_s": 9.0}]
)
def test_one_wrong_field_is_enough_and_is_shown(change: dict[str, object]) -> None:
    """Also a field that is hidden from logs."""
    [(name, value)] = change.items()
    wrong = replace(start_session(), **change)  # type: ignore[arg-type]
    with pytest.raises(AssertionError) as caught:
        started().expect(commands.MakeOffer(ONE), wrong)
    shown = str(caught.value).splitlines()
    assert f"-    {name}={value!r}" in shown
    assert f"+    {name}={getattr(start_session(), name)!r}" in shown


def test_a_missing_command_or_another_order_is_shown() -> None:
    with pytest.raises(AssertionError, match=r"\+StartSession:"):
        started().expect(commands.MakeOffer(ONE))
    with pytest.raises(AssertionError, match=r"-MakeOffer:"):
        started().expect(start_session(), commands.MakeOffer(ONE))


def test_a_placeholder_stands_for_a_random_value() -> None:
    play = Playbook()
    play.draw = lambda: 0.25
    play.give(events.StartRequested(), offer(ONE))
    play.expect(commands.MakeOffer(ONE), replace(start_session(), token=ANY))
