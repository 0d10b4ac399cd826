"""What players read at the end of a game, and the report."""

from __future__ import annotations

import pytest

from rejoin.core.model import Ending, EndingKind
from rejoin.gui import ending_texts
from rejoin.service_model.status import Status, StatusReason

REASONS = [None, *ending_texts._REASONS, "somethingNew"]


@pytest.mark.parametrize("kind", EndingKind)
@pytest.mark.parametrize("reason", REASONS)
def test_every_ending_says_what_happened_and_what_to_do(
    kind: EndingKind, reason: str | None
) -> None:
    ending = Ending(kind, StatusReason(reason) if reason else None, Status("TERMINATED"))
    text = ending_texts.ending_text(ending)
    for part in (text.title, text.meaning, text.advice):
        assert part.strip() == part != ""
        assert "  " not in part
    for part in (text.meaning, text.advice):
        assert part.endswith(".")


def test_endings_differ_from_each_other() -> None:
    titles = {ending_texts.ending_text(Ending(kind)).title for kind in EndingKind}
    assert len(titles) == len(EndingKind)


def test_a_known_reason_of_the_service_is_explained_and_an_unknown_one_quoted() -> None:
    def title(reason: str) -> str:
        ending = Ending(EndingKind.GAME_ENDED, StatusReason(reason))
        return ending_texts.ending_text(ending).title

    assert title("reconnectionTimeout") == "The game has ended: nobody came back in time"
    assert title("applicationExit") == "The game has ended: the game closed or crashed"
    assert title("fleetRebalanced") == 'The game has ended: the service says "fleetRebalanced"'
    assert "did not start" in title("placementTimeout")
    assert (
        len({title(reason) for reason in ending_texts._REASONS}) >= len(ending_texts._REASONS) - 1
    )


def test_an_unconfirmed_end_is_not_presented_as_an_end() -> None:
    text = ending_texts.ending_text(Ending(EndingKind.UNCONFIRMED))
    assert text.title == "We couldn't confirm. It may still be running."
    assert "has ended" not in f"{text.meaning} {text.advice}"


def test_an_end_during_sleep_says_so() -> None:
    ending = Ending(EndingKind.GAME_ENDED, StatusReason("reconnectionTimeout"), expired_asleep=True)
    assert "while this computer was asleep" in ending_texts.ending_text(ending).title


def test_the_report_has_what_support_needs() -> None:
    ending = Ending(
        EndingKind.GAME_ENDED,
        StatusReason("internalError"),
        Status("ERROR"),
        detail="host gone",
    )
    report = ending_texts.report_text(
        ending,
        version="1.2.3",
        system="Linux 6",
        written="2030-01-02T03:04:05+00:00",
        facts={"Pictures shown": "812"},
    )
    for part in (
        "Code: RJ-GAME-ENDED / internalError\n",
        "Status: ERROR\n",
        "Detail: host gone\n",
        "Pictures shown: 812\n",
        "Rejoin: 1.2.3\n",
        "System: Linux 6\n",
        "Written: 2030-01-02T03:04:05+00:00\n",
    ):
        assert part in report


def test_the_end_card_says_which_video_cannot_be_played() -> None:
    def meaning(detail: str) -> str:
        ending = Ending(EndingKind.UNSUPPORTED_VIDEO, detail=detail)
        return ending_texts.ending_text(ending).meaning

    expected = "The game server sends interlaced video, which Rejoin does not"
    assert meaning("interlaced video").startswith(expected)
    assert "which" not in meaning("")
