"""What ten seconds of play came to, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.runtime.doctor import play_judging as judge
from rejoin.runtime.doctor.findings import Outcome
from rejoin.runtime.doctor.rating import Moments, PlayNumbers

GOOD = PlayNumbers(
    Moments(1.0, 1.1, 1.2, 1.5, 1.7),
    played_s=9.0,
    loss=0.0,
    rtt_ms=20.0,
    jitter_ms=2.0,
    bitrate_kbps=8000.0,
    late=0.0,
    pictures=540,
    decode_ms=2.0,
    size=(1280, 720),
    path="host-host udp",
    input_bytes=9,
)
OK, WARNING, FAILED, NOT_KNOWN = Outcome.OK, Outcome.WARNING, Outcome.FAILED, Outcome.NOT_KNOWN


@pytest.mark.parametrize(
    ("moments", "ended", "words", "advice"),
    [
        (Moments(), "", "no game server in time", "Try again later"),
        (Moments(), "You are not allowed to play.", "not allowed", "Try again later"),
        (Moments(1.0), "", "no packet from it arrives (ICE)", "33435"),
        (Moments(1.0, 1.1), "", "DTLS", "33435"),
        (Moments(1.0, 1.1, 1.2), "", "sends no picture", "studio"),
        (Moments(1.0, 1.1, 1.2, 1.3), "It is over.", "ended by itself: It is over.", "later"),
    ],
)
def test_a_game_that_does_not_play_says_how_far_it_came(
    moments: Moments, ended: str, words: str, advice: str
) -> None:
    found = judge.game(PlayNumbers(moments), ended)
    assert found.outcome is FAILED
    assert words in found.found
    assert advice in found.advice


def test_a_game_that_plays_names_its_steps() -> None:
    assert judge.game(GOOD, "").found == (
        "The game server answered after 1.0 s; ICE 0.10 s later, DTLS 0.20 s later, "
        "the first picture 0.50 s later."
    )
    dropped = judge.game(replace(GOOD, dropped=True), "")
    assert (dropped.outcome, "was lost" in dropped.found) == (FAILED, True)


def test_input() -> None:
    assert judge.takes_input(None).outcome is NOT_KNOWN
    assert judge.takes_input(PlayNumbers()).outcome is NOT_KNOWN
    assert judge.takes_input(GOOD).found == ("The game takes input, 0.2 s after the first picture.")
    assert judge.takes_input(replace(GOOD, input_bytes=0)).outcome is WARNING
    none = replace(GOOD, moments=replace(GOOD.moments, input=None), no_input="no module")
    assert judge.takes_input(none).outcome is FAILED
    assert "(no module)" in judge.takes_input(none).found


def test_quality() -> None:
    assert judge.quality(None).outcome is NOT_KNOWN
    good = judge.quality(GOOD)
    assert (good.outcome, good.advice) == (OK, "")
    assert good.found.startswith("Good: lost packets 0.0 %, round trip 20 ms")
    assert good.found.endswith("8.0 Mbit/s, 1280x720, host-host udp.")
    fair = judge.quality(replace(GOOD, rtt_ms=120.0))
    assert fair.outcome is WARNING
    assert fair.found.startswith("Fair, because of round trip 120 ms: ")
    poor = judge.quality(replace(GOOD, loss=0.2))
    assert poor.outcome is FAILED
    assert "cable" in poor.advice
