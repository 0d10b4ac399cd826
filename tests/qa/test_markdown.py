"""Markdown: tables, a card per drop, and room for no more than GitHub takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.qa_results import PLAYED, RECORD
from rejoin.qa import markdown
from rejoin.qa.game_proof import DropProof, Rests, Says
from rejoin.qa.results import CaseRecord, EpisodeResult, FaultResult, StepResult
from rejoin.qa.verdicts import Verdict, Why

STEPS = (StepResult("fault", 0.0), StepResult("lost", 0.9), StepResult("live again", 3.4))
DROP = EpisodeResult(1, "live", 3.0, STEPS)
PLAY = replace(RECORD, played=replace(PLAYED, episodes=(DROP,)))


def lines(*records: CaseRecord) -> list[str]:
    return markdown.document(records).splitlines()


def failed(record: CaseRecord, sentence: str = "it was trying") -> CaseRecord:
    return replace(record, verdict=Verdict.FAILED, why=Why.EXPECTATION, sentences=(sentence,))


def test_a_summary_counts_cases_by_scenario_and_build() -> None:
    other = replace(PLAY, surroundings=replace(PLAY.surroundings, build="8"))
    found = lines(PLAY, failed(replace(PLAY, case="b")), other)
    assert found[0] == "## Reconnection: failed"
    where = "| every-profile | {} | eu-west-1 | backend.example | 0.1.0 |"
    assert f"{where.format('build 7')} 2 | 1 | 1 | 0 | 0 | 0 |" in found
    assert f"{where.format('8')} 1 | 1 | 0 | 0 | 0 | 0 |" in found


def test_every_play_is_a_row_and_what_failed_comes_first() -> None:
    found = lines(PLAY, failed(replace(PLAY, case="b")), replace(PLAY, case="c", played=None))
    rows = [line for line in found if "<code>" in line and line.startswith("| ")]
    assert rows == [
        "| **failed** | <code>b</code> | live | 1 | 1.25 s | it was trying |",
        "| passed | <code>a cut</code> | live | 1 | 1.25 s | – |",
        "| passed | <code>c</code> | not played | – | – | – |",
    ]


def test_a_card_says_what_happened_and_what_it_rests_on() -> None:
    found = lines(failed(PLAY))
    begin = found.index("<details open>")
    card = found[begin : found.index("</details>")]
    assert card == [
        "<details open>",
        "<summary>failed: <code>a cut</code>, drop 1, live again after 3.40 s</summary>",
        "",
        "- Drop: 3.00 s after the game became live; the player was back over a new connection",
        "- Cause: <code>cut_3s</code> at 3.00 s: a cut (seed 1)",
        "- Verdict on the play: **failed** (expectation): it was trying",
        "- Proof that it is the same game: the stream session alone is the same; no picture was "
        "compared",
        "- End of the play: live; reconnects: 1",
        "- Where: backend.example, a-123, eu-west-1, build 7; client 0.1.0 on linux",
        "- Play: scenario <code>every-profile</code>, seed 1, run <code>run</code>, begun "
        "2026-11-30T10:00:00.000+00:00",
        "- Trace: <code>traces/0000-a-cut.jsonl</code>",
        "",
        "| Step | Since the drop began | Since the step before |",
        "|---|--:|--:|",
        "| fault | 0.0 ms | – |",
        "| lost | 900.0 ms | 900.0 ms |",
        "| live again | 3400.0 ms | 2500.0 ms |",
        "",
    ]


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (
            DropProof(Rests.STRIP, Says.WENT_ON, detail="tick 60 before, 360 after 5.00 s"),
            "the counter in the picture, which the emulated game paints: went on (tick 60 before, "
            "360 after 5.00 s)",
        ),
        (DropProof(Rests.HEARTBEAT, Says.BEGAN_ANEW), "the heartbeat of the game: began anew"),
        (
            DropProof(Rests.PICTURE, Says.DIFFERENT, 0.123),
            "the picture before and after: different (similarity 0.12)",
        ),
    ],
)
def test_a_card_says_what_its_drop_rests_on(proof: DropProof, said: str) -> None:
    assert PLAY.played is not None
    episode = replace(PLAY.played.episodes[0], proof=proof)
    found = lines(replace(PLAY, played=replace(PLAY.played, episodes=(episode,))))
    assert f"- Proof that it is the same game: {said}" in found


def test_a_drop_is_put_down_to_no_fault_that_did_not_begin_it() -> None:
    faults = (
        FaultResult("early", 1.0, "x", 1),
        FaultResult("during", 4.0, "x", 2),
        FaultResult("never", None, "x", 3),
        FaultResult("late", 9.0, "x", 4),
    )
    assert PLAY.played is not None
    text = "\n".join(lines(replace(PLAY, played=replace(PLAY.played, faults=faults))))
    assert "- Cause: no fault of the scenario came right before it" in text
    assert "- During the drop: <code>during</code> at 4.00 s" in text
    assert not any(f"<code>{name}</code>" in text for name in ("early", "never", "late"))


def test_a_play_that_failed_without_a_drop_has_a_card() -> None:
    assert PLAY.played is not None
    without = replace(PLAY, played=replace(PLAY.played, episodes=()))
    found = lines(failed(without))
    assert "<summary>failed: <code>a cut</code>, no drop</summary>" in found
    assert "- Done: <code>cut_3s</code> at 3.00 s: a cut (seed 1)" in found
    assert not any("<summary>" in line for line in lines(without))
    assert any("no drop" in line for line in lines(failed(replace(PLAY, played=None))))


def test_flaky_cases_are_listed() -> None:
    records = (PLAY, failed(replace(PLAY, repetition=2)))
    assert lines(*records)[0] == "## Reconnection: passed"
    assert "Flaky, failed and passed: <code>a cut</code>." in lines(*records)
    strict = markdown.document(records, fail_on_flaky=True)
    assert strict.startswith("## Reconnection: failed\n")


@given(st.text(min_size=1))
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    def shape(found: list[str]) -> list[tuple[int, int]]:
        return [(line.count("|"), line.count("<")) for line in found]

    def with_text(shown: str) -> list[str]:
        assert PLAY.played is not None
        around = replace(PLAY.surroundings, build=shown, backend=shown, application=shown)
        fault = FaultResult(shown, 3.0, shown, 1)
        drop = EpisodeResult(1, shown, 3.0, (StepResult(shown, 0.0),))
        played = replace(
            PLAY.played, ended=shown, reason=shown, proof=shown, faults=(fault,), episodes=(drop,)
        )
        return [
            line.replace("<!-- -->", "")
            for line in lines(
                failed(replace(PLAY, surroundings=around, played=played, case=shown), shown)
            )
        ]

    assert shape(with_text(text)) == shape(with_text("x"))


def test_what_does_not_fit_is_left_out_from_the_end_and_said() -> None:
    records = [replace(PLAY, case=f"case {number}") for number in range(200)]
    records.append(failed(replace(PLAY, case="the failure")))
    whole = markdown.document(records)
    for most in (len(whole) // 2, 20_000, 5_000):
        text = markdown.document(records, most)
        assert len(text.encode()) <= most
        assert text.startswith("## Reconnection: failed")
        assert "<code>the failure</code>" in text
        assert "do not fit here" in text
        assert text.count("<details") == text.count("</details>")
    assert "<summary>failed: <code>the failure</code>" in markdown.document(
        records, len(whole) // 2
    )
    assert markdown.document(records, len(whole.encode()) + 1000) == whole


def test_no_results_are_inconclusive() -> None:
    assert lines()[0] == "## Reconnection: inconclusive"
