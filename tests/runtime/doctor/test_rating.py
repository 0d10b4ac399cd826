"""The table of limits: what each number of a short game means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.parts import ROOT
from rejoin.runtime.doctor.rating import (
    LIMITS,
    Grade,
    Moments,
    PlayNumbers,
    cause_of,
    grade_of,
    rated,
    worst_of,
)

GOOD = PlayNumbers(
    Moments(1.0, 1.1, 1.2, 1.5, 1.6),
    played_s=9.0,
    busy_ms=1.0,
    loss=0.001,
    repaired=0.004,
    rtt_ms=20.0,
    jitter_ms=2.0,
    bitrate_kbps=8000.0,
    late=0.001,
    pictures=540,
    decode_ms=2.0,
)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_row_has_two_limits_a_source_and_advice(limit: object) -> None:
    [row] = [each for each in LIMITS if each is limit]
    assert 0 < row.fair < row.poor
    assert row.source
    assert row.advice.endswith(".")
    assert grade_of(row, row.fair) is Grade.GOOD
    assert grade_of(row, row.fair * 1.01) is Grade.FAIR
    assert grade_of(row, row.poor) is Grade.FAIR
    assert grade_of(row, row.poor * 1.01) is Grade.POOR


def test_good_numbers_are_good() -> None:
    found = rated(GOOD)
    assert len(found) == len(LIMITS)
    assert {each.grade for each in found} == {Grade.GOOD}
    assert worst_of(found) is None
    assert cause_of(found) is None


@pytest.mark.parametrize(
    ("change", "name", "grade"),
    [
        ({"loss": 0.03}, "lost packets", Grade.FAIR),
        ({"loss": 0.06}, "lost packets", Grade.POOR),
        ({"busy_ms": 20.0}, "own delay", Grade.FAIR),
        ({"busy_ms": 40.0, "late": 0.5}, "own delay", Grade.POOR),
        ({"repaired": 0.03}, "repaired packets", Grade.FAIR),
        ({"rtt_ms": 150.0}, "round trip", Grade.FAIR),
        ({"jitter_ms": 60.0}, "jitter", Grade.POOR),
        ({"late": 0.05}, "late pictures", Grade.FAIR),
        ({"decode_ms": 20.0}, "decoding", Grade.POOR),
        ({"freezes": 1}, "freezes", Grade.FAIR),
        ({"freezes": 3}, "freezes", Grade.POOR),
        ({"moments": Moments(1.0, 1.1, 1.2, 9.0)}, "first picture", Grade.POOR),
        ({"jitter_ms": 60.0, "loss": 0.03}, "jitter", Grade.POOR),
        ({"jitter_ms": 40.0, "loss": 0.03}, "lost packets", Grade.FAIR),
    ],
)
def test_the_first_of_the_worst_numbers_is_named(
    change: dict[str, object], name: str, grade: Grade
) -> None:
    worst = worst_of(rated(replace(GOOD, **change)))  # type: ignore[arg-type]
    assert worst is not None
    assert (worst.limit.name, worst.grade) == (name, grade)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"late": 0.5}, "late pictures"),
        ({"late": 0.5, "busy_ms": 20.0}, "own delay"),
        ({"late": 0.5, "repaired": 0.05, "decode_ms": 20.0}, "repaired packets"),
        ({"rtt_ms": 300.0, "busy_ms": 20.0}, "round trip"),
    ],
)
def test_a_bad_number_that_explains_the_worst_is_the_cause(
    change: dict[str, float], name: str
) -> None:
    cause = cause_of(rated(replace(GOOD, **change)))  # type: ignore[arg-type]
    assert cause is not None
    assert cause.limit.name == name


def test_what_was_not_measured_is_not_rated() -> None:
    assert rated(PlayNumbers()) == ()
    assert Moments(answered=None, picture=2.0).to_picture_s is None


def test_numbers_are_shown_with_their_unit() -> None:
    texts = [each.text for each in rated(GOOD)]
    assert texts == ["1 ms", "0.1 %", "0.4 %", "20 ms", "2 ms", "0.1 %", "2 ms", "0", "0.5 s"]


def test_the_document_has_the_table() -> None:
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    for limit in LIMITS:
        if limit.name != "freezes":  # whole numbers, between which its limits lie
            assert f"| {limit.name} | {limit.fair:g} {limit.unit} | {limit.poor:g} " in text
