"""What the home shows: the time left of the last game, and the cards in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core.model import AttemptNumber, Policy, SessionId
from rejoin.core.ticket import BackendAddress, Now, RejoinState, Ticket
from rejoin.gui.home import texts
from rejoin.gui.home.contents import (
    Alive,
    GameCard,
    Leaving,
    Over,
    Unfinished,
    contents,
    continuation_of,
)
from rejoin.runtime.games import Game
from rejoin.runtime.games_file import LoadedGames

ADDRESS = BackendAddress("https://play.example", "ours")
WOOD = Game("Lantern Wood", ADDRESS, 1764479000)
TIDE = Game("Tide Runner", BackendAddress("https://qa.example:8470", "ours"))
TICKET = Ticket(
    RejoinState(SessionId("s-1"), AttemptNumber(3), 120.0, proved_at=1000.0),
    ADDRESS,
    "boot",
    written_at=1000.0,
    written_unix_s=1764479000.0,
)


def now(at: float, *, boot: str = "boot", unix_s: float = 1764479000.0) -> Now:
    return Now(boot, at, unix_s)


def alive(
    at: float, ticket: Ticket = TICKET, *, seen_at: float = 1010.0, boot: str = "boot"
) -> Alive:
    found = continuation_of(Unfinished(ticket, seen_at), (WOOD,), now(at, boot=boot))
    assert isinstance(found, Alive)
    return found


def test_the_time_left_counts_down_from_the_last_proof() -> None:
    assert alive(1041.0) == Alive(
        texts.STILL_RUNNING,
        "Lantern Wood. Last connected 41 seconds ago.",
        "At least 1:19 to get back",
        "1:19",
        79 / 120,
    )
    assert alive(1119.5).digits == "0:00"


def test_at_zero_there_may_still_be_a_way_back() -> None:
    found = alive(1121.0)
    assert (found.title, found.time) == (texts.MAY_BE_RUNNING, texts.TIME_MAY_BE_UP)
    assert (found.digits, found.share) == ("0:00", 0.0)


def test_it_is_over_once_the_service_cannot_have_waited_longer() -> None:
    latest = 1010.0 + 120.0 + Policy().notice_delay_max_s
    alive(latest - 0.5)
    found = continuation_of(Unfinished(TICKET, 1010.0), (WOOD,), now(latest + 0.5))
    assert isinstance(found, Over)
    assert found.title == texts.TIME_IS_UP
    assert found.sentence.startswith("Lantern Wood.")


def test_a_rejoin_that_starts_late_knows_that_nobody_has_played_on() -> None:
    """A game writes its ticket every 15 s, so a crash came soon after the last one."""
    policy = Policy()
    latest = 1000.0 + 2 * policy.ticket_every_s + 120.0 + policy.notice_delay_max_s
    alive(latest - 0.5, seen_at=latest - 1.0)
    found = continuation_of(Unfinished(TICKET, latest + 0.4), (), now(latest + 0.5))
    assert isinstance(found, Over)


def test_who_may_be_watched_sees_no_host() -> None:
    shown = contents(
        LoadedGames((WOOD,)), Unfinished(TICKET, 1010.0), now(1041.0), hides_hosts=True
    )
    assert "play.example" not in repr(shown)
    assert shown.cards[0].spoken == "Lantern Wood. Played today"
    other = Unfinished(replace(TICKET, backend=TIDE.address), 1010.0)
    assert continuation_of(other, (), now(1041.0), hides_hosts=True).sentence.startswith(
        f"{texts.LAST_GAME}. "
    )


def test_what_the_player_did_last_comes_first_among_problems() -> None:
    shown = contents(LoadedGames((), ("A file.",)), None, now(0.0), problem="The last.")
    assert shown.problems == ("The last.", "A file.")


def test_the_end_of_the_session_comes_before_that() -> None:
    state = replace(TICKET.rejoin_state, ends_min_at=1050.0, ends_max_at=1060.0)
    ticket = replace(TICKET, rejoin_state=state)
    assert alive(1040.0, ticket).digits == "0:10"
    found = continuation_of(Unfinished(ticket, 1010.0), (), now(1061.0))
    assert isinstance(found, Over)


def test_after_a_reboot_no_time_is_known() -> None:
    found = alive(5.0, seen_at=4.0, boot="another")
    assert found == Alive(texts.MAY_BE_RUNNING, "Lantern Wood.", texts.TIME_NOT_KNOWN, "", None)


def test_a_timeout_that_only_the_profile_knows_counts() -> None:
    state = replace(TICKET.rejoin_state, timeout_s=None)
    backend = replace(ADDRESS, connection_timeout_s=60.0)
    assert alive(1010.0, replace(TICKET, rejoin_state=state, backend=backend)).digits == "0:50"
    assert alive(1010.0, replace(TICKET, rejoin_state=state)).digits == ""


def test_a_game_that_is_not_in_the_list_has_its_host_as_name() -> None:
    found = continuation_of(Unfinished(TICKET, 1010.0), (TIDE,), now(1041.0))
    assert found.sentence.startswith("play.example. ")


def test_cards_stand_in_the_order_of_their_last_game() -> None:
    shown = contents(LoadedGames((TIDE, WOOD), ("A problem.",)), None, now(0.0))
    assert shown.continuation is None
    assert shown.problems == ("A problem.",)
    assert shown.cards == (
        GameCard(WOOD.key, "Lantern Wood", "play.example", "Played today"),
        GameCard(TIDE.key, "Tide Runner", "qa.example:8470", "Not played yet"),
    )
    assert shown.cards[0].spoken == "Lantern Wood, play.example. Played today"


@pytest.mark.parametrize(
    ("later_s", "offset_s", "text"),
    [
        (-60.0, 0.0, "Played today"),
        (3600.0, 0.0, "Played today"),
        (3600.0 * 24, 0.0, "Played yesterday"),
        (3600.0 * 72, 0.0, "Played 3 days ago"),
        (3600.0, 3600.0 * 18, "Played yesterday"),
    ],
)
def test_days_are_those_of_the_calendar_here(later_s: float, offset_s: float, text: str) -> None:
    played = 1764460800.0 + 5.5 * 3600  # 05:30 UTC
    game = replace(WOOD, last_played=played)
    at = now(0.0, unix_s=played + later_s)
    [card] = contents(LoadedGames((game,)), None, at, utc_offset_s=offset_s).cards
    assert card.played == text


def test_a_game_that_is_being_closed_is_named_so() -> None:
    assert contents(LoadedGames(), Leaving(), now(0.0)).continuation == Leaving()
