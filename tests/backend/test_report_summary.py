"""What reports add up to, and that every report is in each table once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.reports import stored_report
from rejoin.backend.report_summary import (
    BOUNDS_S,
    MOST_NAMES,
    GamesOfDay,
    Named,
    Summary,
    Tally,
    day_name,
    summary_of,
)
from rejoin.backend.store.reports import Games, StoredReport

DAY = 20_786
LOST = {"outcome": "ended", "ending": "unconfirmed", "lost_s": 130.0}
LEFT = {"outcome": "ended", "ending": "closed_for_now", "lost_s": 3.0}


def test_drops_are_saved_lost_or_left_and_only_saved_ones_have_waits() -> None:
    reports = [
        *(stored_report(DAY, lost_s=float(each)) for each in range(1, 21)),
        stored_report(DAY - 1, outcome="healed", lost_s=0.4, verdict="network_gone"),
        stored_report(DAY - 1, cause="rtcp_bye", **LOST),
        stored_report(DAY, **LEFT),
        stored_report(DAY - 2),
        stored_report(DAY + 1),
    ]
    found = summary_of(DAY - 1, DAY, reports, [])
    assert found.all == Tally(23, 21, 1, 1, 10.0, 19.0)
    assert found.all.saved_share == 21 / 22
    assert [row.name for row in found.days] == [day_name(DAY - 1), day_name(DAY)]
    assert day_name(DAY) == "2026-11-29"
    assert found.days[0].tally == Tally(2, 1, 1, 0, 0.4, 0.4)
    assert [(row.name, row.tally.drops) for row in found.causes] == [
        ("silence", 22),
        ("rtcp_bye", 1),
    ]
    assert {row.name for row in found.verdicts} == {"not known", "network_gone"}
    assert found.endings == [Named("unconfirmed", Tally(1, 0, 1, 0))]
    assert found.waits == [1, 1, 1, 3, 5, 10, 0, 0, 0, 0]
    assert Tally().saved_share is None


def test_many_names_are_few_rows() -> None:
    reports = [
        stored_report(DAY, cause=f"cause_{name}") for name in range(MOST_NAMES + 5) for _ in "ab"
    ]
    rows = summary_of(DAY, DAY, reports, []).causes
    assert len(rows) == MOST_NAMES + 1
    assert rows[-1] == Named("other", Tally(10, 10, 0, 0, 1.5, 1.5))


def test_games_are_counted_by_day() -> None:
    games = [
        Games(DAY, "quiet", False, 5),
        Games(DAY, "let_in", True, 3),
        Games(DAY, "let_in", False, 2),
        Games(DAY, "unanswered", False, 1),
        Games(DAY - 5, "let_in", False, 7),
    ]
    assert summary_of(DAY - 1, DAY, [], games).games == [
        GamesOfDay(DAY - 1, 0, 0, 0, 0),
        GamesOfDay(DAY, 11, 5, 1, 3),
    ]


REPORTS = st.builds(
    stored_report,
    day=st.integers(DAY - 2, DAY),
    cause=st.sampled_from(["silence", "rtcp_bye", "other"]),
    verdict=st.sampled_from([None, "network_gone"]),
    outcome=st.sampled_from(["rejoined", "healed", "ended"]),
    ending=st.sampled_from([None, "cancelled", "game_ended"]),
    lost_s=st.floats(0, 1000),
)


@given(st.lists(REPORTS))
def test_every_drop_is_in_each_table_once(reports: list[StoredReport]) -> None:
    found: Summary = summary_of(DAY - 2, DAY, reports, [])
    total = found.all
    assert total.drops == len(reports) == total.saved + total.lost + total.left
    for rows in (found.days, found.causes, found.verdicts, found.versions):
        for name in ("drops", "saved", "lost", "left"):
            assert sum(getattr(row.tally, name) for row in rows) == getattr(total, name)
    assert sum(row.tally.lost for row in found.endings) == total.lost
    assert sum(found.waits) == total.saved
    assert len(found.waits) == len(BOUNDS_S) + 1
