"""What players read: complete, true, and without words of the engine."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from helpers.window_faces import LIVE, NOW, lost, starting, troubled
from rejoin.core.model import Doing, Ending, EndingKind, Snapshot, Stage, Trouble, Turn
from rejoin.core.verdict import Verdict
from rejoin.gui import ending_texts, texts
from rejoin.media.audio.volume import SoundChoice
from rejoin.service_model.status import StatusReason

FORBIDDEN = re.compile(
    r"\b(offer|attempt|episode|window|session|SDP|ICE|peer|backend)s?\b", re.IGNORECASE
)
REASONS = [None, *ending_texts._REASONS, "somethingNew"]


def test_time_left_counts_from_the_deadline() -> None:
    left = texts.time_left(lost(), NOW)
    assert left.sentence == "At least 1:12 to get back"
    assert left.digits == "1:12"
    assert left.share == pytest.approx(72.5 / 120)
    assert texts.time_left(lost(), NOW + 60).sentence == "At least 0:12 to get back"


def test_at_zero_it_says_that_tries_go_on() -> None:
    left = texts.time_left(lost(), NOW + 72.5)
    assert left.sentence == "Time may be up. Still trying..."
    assert left.share == 0.0


def test_it_does_not_claim_to_try_when_only_the_end_is_confirmed() -> None:
    left = texts.time_left(lost(doing=Doing.CONFIRMING_END), NOW + 80)
    assert left.sentence == "Time may be up."


def test_with_an_unknown_timeout_it_counts_up() -> None:
    left = texts.time_left(lost(dropped_at=NOW - 42, shown_deadline_at=None), NOW)
    assert left == texts.TimeLeft("0:42 since the connection was lost", "0:42", None)


def test_after_sleep_no_time_is_shown_until_the_backend_has_answered() -> None:
    left = texts.time_left(lost(deadline_checking=True), NOW)
    assert left.sentence == "Checking..."
    assert not re.search(r"\d", left.digits)


def test_the_next_try_is_rounded_up() -> None:
    waiting = lost(doing=Doing.WAITING_TO_RETRY, next_try_at=NOW + 2.1)
    assert texts.lost_doing(waiting, NOW) == "Next try in 3 s"
    assert texts.lost_doing(waiting, NOW + 2.1) == "Trying now..."


def test_a_place_in_the_queue_says_what_the_studio_said_of_it() -> None:
    def text(turn: Turn | None, later_s: float = 0.0) -> str:
        return texts.lost_doing(lost(doing=Doing.WAITING_FOR_TURN, turn=turn), NOW + later_s)

    many = "Many players are coming back."
    assert text(Turn(7, NOW + 38)) == f"{many} About 40 s."
    assert text(Turn(7, NOW + 38), 10) == f"{many} About 30 s."
    assert text(Turn(7, NOW + 38), 39) == f"{many} It is nearly your turn."
    assert text(Turn(place=7)) == f"{many} You are number 7 in line."
    assert text(Turn()) == text(None) == f"{many} Waiting for your turn."
    again = starting(Doing.WAITING_FOR_TURN, episode=1, turn=Turn(7, NOW + 38))
    assert texts.starting_awaited(again, NOW, 0.0) == f"{many} About 40 s."


def test_what_is_wrong_on_the_way_is_said_before_the_place() -> None:
    waiting = lost(doing=Doing.WAITING_FOR_TURN, turn=Turn(7, NOW + 38))
    for wrong in ({"offline": True}, {"portal": True}, {"stranger": True}, {"firewall": True}):
        assert "Many players" not in texts.lost_doing(replace(waiting, **wrong), NOW)  # type: ignore[arg-type]


def test_offline_and_portal_pause_tries_and_say_so() -> None:
    offline = lost(doing=Doing.WAITING_TO_RETRY, next_try_at=NOW + 2, offline=True)
    assert texts.lost_title(offline) == "Your network is gone"
    assert "as soon as the network is back" in texts.lost_doing(offline, NOW)
    portal = lost(doing=Doing.WAITING_TO_RETRY, next_try_at=NOW + 2, portal=True)
    assert "captive portal" in texts.lost_doing(portal, NOW)
    for snapshot in (offline, portal):
        assert texts.next_try(snapshot, NOW) == ""


def test_what_answers_in_place_of_the_studio_is_called_that() -> None:
    sentence = "Something else answers in place of the studio. This network may want a sign-in."
    waiting = lost(doing=Doing.WAITING_TO_RETRY, next_try_at=NOW + 2, stranger=True)
    assert texts.lost_doing(waiting, NOW) == sentence
    start = replace(waiting, stage=Stage.STARTING)
    assert texts.starting_awaited(start, NOW, 1.0) == sentence


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_is_one_sentence_and_what_is_said_beside_it_does_not_repeat_it(
    verdict: Verdict,
) -> None:
    """`unreached`, `portal` and so on are what the engine saw; the verdict is what it means."""
    snapshot = lost(stage=Stage.LOST, verdict=verdict, doing=Doing.CHECKING, unreached=True)
    said = texts.announced_sentences(snapshot, NOW)
    known = texts.verdict_text(verdict)
    assert sum(known in each for each in said) == 1 or verdict is Verdict.NOT_KNOWN
    assert " ".join(said).count("does not answer") <= 1
    if verdict is Verdict.NETWORK_GONE:
        assert "does not answer" not in " ".join(said), "nobody else is to blame"
    if verdict not in (Verdict.NOT_KNOWN, Verdict.NETWORK_GONE):
        assert "was lost" not in " ".join(said), "the verdict says more"


def test_a_report_names_the_verdict_of_the_last_drop() -> None:
    assert texts.verdict_facts(None) == {}
    assert texts.verdict_facts(Verdict.HOST_SILENT) == {
        "Verdict": "The game server stopped sending"
    }
    assert texts.verdict_facts(Verdict.NOT_KNOWN) == {"Verdict": "Not known whose fault it was"}


def test_what_is_not_known_is_not_said() -> None:
    before = lost(stage=Stage.LOST, doing=Doing.CHECKING)
    after = replace(before, verdict=Verdict.NOT_KNOWN)
    assert texts.announced_sentences(before, NOW) == texts.announced_sentences(after, NOW)


def test_a_page_in_place_of_the_studio_is_no_proof_of_a_sign_in() -> None:
    page = lost(doing=Doing.WAITING_TO_RETRY, portal=True)
    assert "may want a sign-in" in texts.lost_doing(page, NOW)
    proved = replace(page, verdict=Verdict.SIGN_IN_PAGE)
    assert texts.lost_doing(proved, NOW) == "Please sign in with your web browser."
    assert texts.lost_known(proved).startswith("This network wants a sign-in.")


def test_a_firewall_is_named_with_the_next_try() -> None:
    blocked = lost(doing=Doing.WAITING_TO_RETRY, next_try_at=NOW + 14.5, firewall=True)
    for said in (
        texts.lost_doing(blocked, NOW),
        texts.starting_awaited(replace(blocked, stage=Stage.STARTING), NOW, 1.0),
    ):
        assert "firewall" in said
        assert said.endswith("Next try in 15 s")
    connecting = replace(blocked, doing=Doing.CONNECTING, next_try_at=None)
    assert "firewall" in texts.lost_doing(connecting, NOW)


def test_before_the_service_has_noticed_no_number_stands_still() -> None:
    fresh = lost(connection_timeout_s=120.0, unnoticed_until_at=NOW + 5)
    left = texts.time_left(fresh, NOW)
    assert left.sentence == "The game server has not noticed yet. At least 2:00."
    assert texts.time_left(fresh, NOW + 5).sentence.startswith("At least 1:07")
    unknown = replace(fresh, connection_timeout_s=None)
    assert texts.time_left(unknown, NOW).sentence.startswith("At least 1:12")


def test_an_end_that_was_not_sent_says_so() -> None:
    waiting = Snapshot(Stage.ENDING, doing=Doing.TERMINATING, offline=True)
    assert texts.lost_known(waiting) == "Releasing the game server..."
    waiting = replace(waiting, doing=Doing.WAITING_FOR_NETWORK)
    assert "may still be running" in texts.lost_known(waiting)
    assert "as soon as the network is back" in texts.lost_doing(waiting, NOW)
    tried = replace(waiting, offline=False, doing=Doing.WAITING_TO_RETRY)
    assert "has not confirmed the end" in texts.lost_known(tried)
    assert texts.lost_doing(tried, NOW) == "Asking again..."
    assert texts.lost_doing(replace(tried, next_try_at=NOW + 7), NOW) == "Next try in 7 s"


def test_a_game_that_exists_is_not_said_to_be_cancelled_by_leaving() -> None:
    waiting = Snapshot(Stage.STARTING, doing=Doing.WAITING_TO_RETRY, can_terminate=False)
    assert texts.can_cancel_start(waiting)
    assert not texts.can_cancel_start(replace(waiting, episode=1))


def test_a_long_wait_at_start_says_how_long_it_may_take() -> None:
    placing = Snapshot(Stage.STARTING, doing=Doing.PLACING)
    assert texts.starting_awaited(placing, NOW, 1.0) == "Waiting for a free game server..."
    assert "ten minutes" in texts.starting_awaited(placing, NOW, 20.0)


def test_words_of_the_engine_never_reach_a_player() -> None:
    said: list[str] = [
        value for name, value in vars(texts).items() if name.isupper() and isinstance(value, str)
    ]
    both = (False, True)
    flags = itertools.product(Stage, Doing, both, both, both, (0, 2), (None, NOW - 1, NOW + 9))
    for stage, doing, offline, portal, can_terminate, episode, deadline_at in flags:
        snapshot = lost(
            stage=stage,
            doing=doing,
            offline=offline,
            portal=portal,
            can_terminate=can_terminate,
            episode=episode,
            shown_deadline_at=deadline_at,
        )
        said += [
            texts.lost_title(snapshot),
            texts.lost_known(snapshot),
            texts.lost_doing(snapshot, NOW),
            texts.time_left(snapshot, NOW).sentence,
            texts.starting_title(snapshot),
            texts.starting_awaited(snapshot, NOW, 30.0),
            texts.starting_leaving(snapshot),
            texts.announcement(snapshot, NOW),
        ]
    for trouble, can_type in itertools.product([None, *Trouble], both):
        said.append(texts.trouble_text(replace(LIVE, trouble=trouble, input_open=can_type)))
    for kind, reason in itertools.product(EndingKind, REASONS):
        text = ending_texts.ending_text(Ending(kind, StatusReason(reason) if reason else None))
        said += [text.title, text.meaning, text.advice]
    assert len(said) > 1000
    assert {sentence for sentence in said if FORBIDDEN.search(sentence)} == set()


def test_a_screen_reader_says_what_the_card_shows() -> None:
    said = texts.announcement(lost(), NOW)
    assert said == (
        "Connection lost. Reconnecting... Your game may still be running. "
        "Connecting to your game... At least 1:12 to get back"
    )


def test_the_volume_in_words() -> None:
    assert texts.sound_text(SoundChoice(60)) == "Volume 60 %"
    assert texts.sound_text(SoundChoice(60, muted=True)) == "Sound off"
    assert texts.sound_text(SoundChoice(0)) == "Sound off"
    assert texts.volume_digits(SoundChoice(100)) == "100 %"
    assert texts.volume_digits(SoundChoice(60, muted=True)) == "Off"


def test_a_game_that_cannot_be_ended_may_run_until_its_time_is_up() -> None:
    until = "may keep running until its time is up."
    for returning in (False, True):
        for stage in (Stage.LOST, Stage.RECONNECTING):
            shown = lost(stage=stage, returning=returning, can_terminate=False)
            assert until in texts.lost_known(shown)
            assert until in texts.announcement(shown, NOW)
    placing = Snapshot(Stage.STARTING, doing=Doing.PLACING, can_terminate=False)
    assert until in texts.starting_leaving(placing)
    assert until in texts.announcement(placing, NOW)
    for doing in Doing:
        starting = Snapshot(Stage.STARTING, doing=doing)
        assert texts.can_cancel_start(starting)
        assert texts.starting_leaving(starting) == ""
    assert "its time is up" not in texts.lost_known(lost())


# --- what is wrong while playing ------------------------------------------------------------------


def test_each_trouble_has_words_of_its_own() -> None:
    said = {trouble: texts.trouble_text(troubled(trouble, 3.0)) for trouble in Trouble}
    assert said == {
        Trouble.UNSTABLE: "Connection unstable",
        Trouble.UPLINK: "Your input does not reach the game",
        Trouble.PICTURE_LOST: "The picture is frozen: its data is lost on the way",
        Trouble.PICTURE_STOPPED: "The picture is frozen. The game may be paused.",
    }
    assert texts.trouble_text(replace(LIVE, trouble=None)) == "Connection unstable"


def test_without_controls_no_input_is_missed() -> None:
    watching = troubled(Trouble.UPLINK, 3.0, input_open=False)
    assert texts.trouble_text(watching) == "Connection unstable"


# --- a start that is tried again ------------------------------------------------------------------


def test_a_start_says_why_it_is_tried_again() -> None:
    waiting = starting(Doing.WAITING_TO_RETRY)
    for shown, said in (
        (replace(waiting, unreached=True), "The studio's server did not answer."),
        (replace(waiting, unreached=True, episode=2), "The studio's server did not answer."),
        (waiting, "The studio's server asks to wait."),
        (replace(waiting, episode=1), "No connection to the game yet."),
    ):
        assert texts.starting_awaited(shown, NOW, 20.0) == said
        timed = replace(shown, next_try_at=NOW + 1.5)
        assert texts.starting_awaited(timed, NOW, 20.0) == f"{said} Next try in 2 s"


@pytest.mark.parametrize("doing", Doing)
def test_what_was_never_connected_is_not_lost_nor_placed_anew(doing: Doing) -> None:
    shown = starting(doing, episode=1)
    for waited_s in (1.0, 20.0):
        if doing is not Doing.PLACING:
            assert "free game server" not in texts.starting_awaited(shown, NOW, waited_s)
        said = f"{texts.announcement(shown, NOW)} {texts.starting_awaited(shown, NOW, waited_s)}"
        assert not re.search(r"lost|reconnect|for a game server", said, re.IGNORECASE)


def test_tool_tips_name_the_keys_that_there_are() -> None:
    assert texts.with_keys("Volume", "F2", "F3") == "Volume (F2, F3)"
    assert texts.with_keys("Volume", "", "F3") == "Volume (F3)"
    assert texts.with_keys("Volume", "", "") == "Volume"


def test_the_way_out_names_what_the_game_has() -> None:
    assert texts.way_out("F12", mouse=False, keyboard=False) == ""
    assert texts.way_out("F12", mouse=False, keyboard=True) == "F12: free the keyboard"
