"""The texts of practice drops. Pure."""

from __future__ import annotations

from typing import Final

from rejoin.language import mark, sentences, tr
from rejoin.runtime.practice_port import Held, PracticeFinding, PracticeState

TITLE: Final = mark("Practice drop")
EXPLAINED: Final = mark(
    "A fault is put into this client alone. Nothing is done to the game or to its studio."
)
FAULT: Final = mark("Fault")
FAULT_NOW: Final = mark("By the name that scenarios use.")
SEED: Final = mark("Seed")
SEED_NOW: Final = mark("With the same seed and the same packets the same ones are lost.")
NEW_SEED: Final = mark("New seed")
DROP: Final = mark("Drop")
DROP_NOW: Final = mark("It begins after three seconds, back in the game.")
START: Final = mark("Start")
LOSS: Final = mark("Packets lost")
DELAY: Final = mark("Delay, each way")
PER_CENT: Final = mark("{number} %")
MILLISECONDS: Final = mark("{number} ms")
HELD_NOW: Final = mark("Until you lift it. A fault from above takes precedence.")
NOW: Final = mark("Now")
LIFT: Final = mark("Lift")
MARKER: Final = mark("Marker")
MARKER_NOW: Final = mark("In the trace and in the charts, with a note and a picture of the game.")
MARKER_PLAIN: Final = mark("In the trace and in the charts, with a note.")
SET_MARKER: Final = mark("Set a marker")
NOTE: Final = mark("Note")
NOTE_EXPLAINED: Final = mark("What did you see? You may leave it empty.")
SAVE: Final = mark("Save")
MARKER_SET: Final = mark("The marker is set.")
CANCELLED: Final = mark("No drop.")
NOTHING: Final = mark("No fault is on.")

_SAID: Final = {
    "went on": mark("After the last drop the game went on."),
    "began anew": mark("After the last drop the game started over."),
    "same scene": mark("The picture before and after the last drop: same scene."),
    "different": mark("The picture before and after the last drop: different."),
    "black": mark("The picture after the last drop: black."),
    "not known": mark("Whether it is the same game after the last drop is not known."),
}
_RESTS_ON: Final = {
    "strip": mark("By the counter in the picture."),
    "heartbeat": mark("By the game's heartbeat."),
}


def held(what: Held) -> str:
    """The sliders, as the label over the picture names them."""
    loss = tr("{percent} % lost", percent=what.loss_percent) if what.loss_percent else ""
    delay = tr("{delay} ms later", delay=what.delay_ms) if what.delay_ms else ""
    # Translators: two faults at the same time, as "5 % lost, 100 ms later"
    return tr("{one}, {other}", one=loss, other=delay) if loss and delay else loss or delay


def fault_on(state: PracticeState) -> str:
    """What is on, by its name; "" for nothing."""
    return state.fault or held(state.held)


def label(state: PracticeState) -> str:
    """Over the picture while a fault is on."""
    on = fault_on(state)
    return tr("Practice fault: {fault}", fault=on) if on else ""


def counting(fault: str, seconds: int) -> str:
    """Over the picture before it begins."""
    return tr("Practice drop in {seconds}: {fault}", seconds=seconds, fault=fault)


def begun(fault: str) -> str:
    """For screen readers."""
    return tr("{fault} is on.", fault=fault)


def lifted(fault: str) -> str:
    """For screen readers."""
    return tr("{fault} is over.", fault=fault)


def now(state: PracticeState) -> str:
    """On the page: what is on, and what was found after the last drop."""
    on = tr(NOTHING)
    if state.fault:
        on = tr("{fault} is on, with seed {seed}.", fault=state.fault, seed=state.seed)
    elif state.held.is_on:
        on = begun(held(state.held))
    return sentences(on, "" if state.finding is None else finding(state.finding))


def finding(found: PracticeFinding) -> str:
    """Whether it is the same game, and by what."""
    rests_on = _RESTS_ON.get(found.rests_on)
    return sentences(tr(_SAID[found.says]), "" if rests_on is None else tr(rests_on))
