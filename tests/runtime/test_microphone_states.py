"""What the microphone is, for everything that it depends on."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from rejoin.core.model import Stage
from rejoin.media.audio.microphone import DeviceState
from rejoin.runtime.microphone_states import (
    Facts,
    Live,
    MicrophoneChoices,
    MicrophoneMode,
    MicrophoneState,
    Muted,
    NotAllowed,
    NotTaken,
    Off,
    Opening,
    Shut,
    Unusable,
    Waiting,
    Why,
    problem_of,
    state_of,
    wants_device,
)

OPEN = MicrophoneChoices(MicrophoneMode.OPEN)
TALK = MicrophoneChoices(MicrophoneMode.PUSH_TO_TALK)
PLAYED = Facts(allowed=True, choices=OPEN, stage=Stage.LIVE, device=DeviceState.OPEN)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (PLAYED, Live()),
        (replace(PLAYED, allowed=False), NotAllowed()),
        (replace(PLAYED, choices=MicrophoneChoices()), Off()),
        (replace(PLAYED, taken=False), NotTaken()),
        (replace(PLAYED, muted=True), Muted()),
        (replace(PLAYED, in_menu=True), Shut(Why.MENU)),
        (replace(PLAYED, in_menu=True, choices=replace(OPEN, in_menu=True)), Live()),
        (replace(PLAYED, in_background=True), Shut(Why.BACKGROUND)),
        (replace(PLAYED, in_background=True, choices=replace(OPEN, in_background=True)), Live()),
        (replace(PLAYED, device=DeviceState.CLOSED), Opening()),
        (replace(PLAYED, device=DeviceState.OPENING), Opening()),
        (replace(PLAYED, device=DeviceState.MISSING), Unusable(DeviceState.MISSING)),
        (replace(PLAYED, device=DeviceState.REFUSED), Unusable(DeviceState.REFUSED)),
        (replace(PLAYED, device=DeviceState.UNHEARD), Live(unheard=True)),
        (replace(PLAYED, choices=TALK), Waiting()),
        (replace(PLAYED, choices=TALK, held=True), Live()),
        (replace(PLAYED, choices=TALK, held=True, muted=True), Muted()),
    ],
)
def test_the_rules(facts: Facts, state: MicrophoneState) -> None:
    assert state_of(facts) == state


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        (Stage.IDLE, Why.NO_GAME),
        (Stage.STARTING, Why.NO_GAME),
        (Stage.LOST, Why.LOST),
        (Stage.RECONNECTING, Why.LOST),
        (Stage.ENDING, Why.NO_GAME),
        (Stage.ENDED, Why.NO_GAME),
    ],
)
def test_it_is_closed_unless_a_game_is_played(stage: Stage, why: Why) -> None:
    state = state_of(replace(PLAYED, stage=stage))
    assert state == Shut(why)
    assert not wants_device(state)


def test_nothing_is_sent_and_no_device_is_wanted_unless_every_condition_holds() -> None:
    """All combinations: `Live` only where studio, player, game and connection agree."""
    flags = (True, False)
    for allowed, taken, muted, menu, hidden in itertools.product(flags, repeat=5):
        for mode, stage in itertools.product(MicrophoneMode, Stage):
            facts = Facts(
                allowed=allowed,
                choices=MicrophoneChoices(mode),
                stage=stage,
                taken=taken,
                muted=muted,
                held=True,
                in_menu=menu,
                in_background=hidden,
                device=DeviceState.OPEN,
            )
            may = (
                allowed
                and taken
                and not (muted or menu or hidden)
                and mode is not MicrophoneMode.OFF
                and stage is Stage.LIVE
            )
            assert isinstance(state_of(facts), Live) == may
            assert wants_device(state_of(facts)) == may


def test_what_cannot_be_used_is_a_sentence() -> None:
    states: list[MicrophoneState] = [
        NotTaken(),
        Live(unheard=True),
        *(
            Unusable(each)
            for each in (DeviceState.MISSING, DeviceState.REFUSED, DeviceState.UNSUPPORTED)
        ),
    ]
    for state in states:
        sentence = problem_of(state)
        assert sentence is not None
        assert sentence.endswith(".")
        assert "\n" not in sentence
    for fine in (Live(), Muted(), Off(), NotAllowed(), Shut(Why.LOST), Opening(), Waiting()):
        assert problem_of(fine) is None
