"""Every sentence that a player reads but those of an end (`ending_texts`). Pure: no Qt, no clock.

Texts are English here and translated when they are shown (`rejoin.language`): a constant is marked,
and whoever shows it calls `tr`; a function returns what is to be read. No sentence is put together
elsewhere. Times are boot time in seconds.

Players never read the words offer, attempt, episode or window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from rejoin.core.model import Doing, HardEvidence, NoInput, Snapshot, Stage, Trouble, Turn
from rejoin.core.verdict import Verdict
from rejoin.gui.ending_texts import ending_text
from rejoin.gui.play_texts import verdict_sentence
from rejoin.gui.time_texts import about_text, clock_text
from rejoin.language import in_english, listed, mark, sentences, tr
from rejoin.media.audio.volume import SoundChoice

# --- fixed words --------------------------------------------------------------------------------

TRY_NOW = mark("Try now")
CLOSE_FOR_NOW = mark("Close for now")
END_GAME = mark("End game")
KEEP_TRYING = mark("Keep trying")
CANCEL = mark("Cancel")
CLOSE = mark("Close")
START = mark("Start")
START_AGAIN = mark("Start again")
REPORT_A_PROBLEM = mark("Report a problem")
REPORT_EXPLAINED = mark(
    "This is everything that would be shared; secrets are taken out. Nothing is sent: copy or save "
    "it, and give it to the studio yourself. Page Up and Page Down scroll."
)
REPORT_COPIED = mark("Copied.")
COPY = mark("Copy")
SAVE = mark("Save")
BACK_TO_END = mark("Back")
NO_PICTURE = mark("There is no picture to save yet")

END_GAME_QUESTION = mark("End the game for good?")
END_GAME_CONSEQUENCE = mark("The game stops for everyone in it. Unsaved progress may be lost.")
RECONNECT = mark("Reconnect")
RECONNECT_HINT = mark("A new connection to the same game")
BACK = mark("You're back")
CLICK_TO_CONTROL = mark("Click to take control")
MOUSE_REFUSED = mark("This desktop does not let Rejoin capture the mouse")
VIEW_ONLY = {
    NoInput.NO_CHANNEL: mark("View only: the game server takes no input"),
    NoInput.NO_MODULE: mark("View only: the service named no input module"),
    NoInput.NOT_LOADED: mark("View only: the input module could not be loaded"),
    NoInput.FAILED: mark("View only: the game's input module has failed"),
    NoInput.OFF: mark("View only: the input module is switched off"),
}
SOUND_SWITCH = mark("Sound")
SOUND_SWITCH_HINT = mark("Sound on or off")
VOLUME = mark("Volume")


def way_out(keys: str, *, mouse: bool, keyboard: bool) -> str:
    """How the player takes back what the game has for itself; "" if it has nothing."""
    if not (mouse or keyboard):
        return ""
    if mouse and keyboard:
        return tr("{keys}: free the mouse and keyboard", keys=keys)
    if mouse:
        return tr("{keys}: free the mouse", keys=keys)
    return tr("{keys}: free the keyboard", keys=keys)


def with_keys(text: str, *keys: str) -> str:
    """A tool tip with the keys that do the same; "" for none."""
    named = listed(keys)
    return tr("{text} ({keys})", text=text, keys=named) if named else text


_TROUBLES = {
    Trouble.UNSTABLE: mark("Connection unstable"),
    Trouble.UPLINK: mark("Your input does not reach the game"),
    Trouble.PICTURE_LOST: mark("The picture is frozen: its data is lost on the way"),
    Trouble.PICTURE_STOPPED: mark("The picture is frozen. The game may be paused."),
}


def trouble_text(snapshot: Snapshot) -> str:
    """What is wrong with a connection that is not lost."""
    trouble = snapshot.trouble
    if trouble is None or (trouble is Trouble.UPLINK and not snapshot.input_open):
        trouble = Trouble.UNSTABLE  # without controls there is no input to miss
    return tr(_TROUBLES[trouble])


def sound_text(choice: SoundChoice) -> str:
    """The volume."""
    return tr("Sound off") if choice.silent else tr("Volume {percent} %", percent=choice.volume)


def volume_digits(choice: SoundChoice) -> str:
    """The volume, beside its slider."""
    return tr("Off") if choice.silent else tr("{percent} %", percent=choice.volume)


# --- times --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The time left, as sentence, digits and ring show it.

    `share` is how much of the ring is filled, 0..1. None: unknown; the ring turns.
    """

    sentence: str
    digits: str
    share: float | None


def time_left(snapshot: Snapshot, now: float) -> TimeLeft:
    """From the deadline and the clock, so that it is right however rarely it is called."""
    if snapshot.deadline_checking:
        return TimeLeft(tr("Checking..."), "-:--", None)
    deadline_at, dropped_at = snapshot.shown_deadline_at, snapshot.dropped_at
    if deadline_at is None:
        if dropped_at is None:
            return TimeLeft("", "", None)
        since = clock_text(now - dropped_at)
        if snapshot.returning:
            return TimeLeft(tr("Trying to get back for {time}", time=since), since, None)
        if _given_up(snapshot):
            return TimeLeft(tr("{time} since the reconnect began", time=since), since, None)
        return TimeLeft(tr("{time} since the connection was lost", time=since), since, None)
    timeout_s, fresh_until_at = snapshot.connection_timeout_s, snapshot.unnoticed_until_at
    if timeout_s is not None and fresh_until_at is not None and now < fresh_until_at:
        whole = clock_text(timeout_s)
        unnoticed = tr("The game server has not noticed yet. At least {time}.", time=whole)
        return TimeLeft(unnoticed, whole, 1.0)
    left_s = deadline_at - now
    if left_s <= 0:
        still_trying = snapshot.doing is not Doing.CONFIRMING_END
        sentence = tr("Time may be up. Still trying...") if still_trying else tr("Time may be up.")
        return TimeLeft(sentence, clock_text(0), 0.0)
    whole_s = deadline_at - dropped_at if dropped_at is not None else left_s
    digits = clock_text(left_s)
    share = min(1.0, left_s / whole_s) if whole_s > 0 else 1.0
    return TimeLeft(tr("At least {time} to get back", time=digits), digits, share)


# --- while the connection is lost ---------------------------------------------------------------

_VERDICTS = {
    Verdict.NETWORK_GONE: mark("Your network is gone"),
    Verdict.SERVICE_SILENT: mark("Your internet works, the studio's service does not answer."),
    Verdict.PATH_BROKEN: mark("The way to the game server is broken."),
    Verdict.HOST_SILENT: mark("The game server stopped sending."),
    Verdict.SIGN_IN_PAGE: mark("This network wants a sign-in."),
    Verdict.PROXY_REFUSES: mark("Your proxy refuses the connection to the studio."),
    Verdict.NOT_KNOWN: "",
}


def verdict_text(verdict: Verdict | None) -> str:
    """Whose fault it is; empty where that is not known."""
    return "" if verdict is None or not _VERDICTS[verdict] else tr(_VERDICTS[verdict])


def verdict_facts(verdict: Verdict | None) -> dict[str, str]:
    """The line of a report about it, in English; none if no probes were answered before the end."""
    if verdict is None:
        return {}
    with in_english():
        return {"Verdict": verdict_text(verdict).rstrip(".") or "Not known whose fault it was"}


_UNREACHED = mark("The studio's server does not answer. Asking again...")
_ASKING_AGAIN = mark("Asking again...")
_OFFLINE = mark("Trying again as soon as the network is back.")
_PORTAL = mark(
    "A web page answers in place of the studio. This network may want a sign-in (captive portal): "
    "please look with your web browser."
)
_ASK_PROXY = mark("Check the proxy settings of this computer, or try another network.")
_STRANGER = mark("Something else answers in place of the studio. This network may want a sign-in.")
_FIREWALL = mark("A firewall in this network may block the game's stream. Try another network.")
_NOT_RELEASED = mark(
    "The studio cannot be reached, so your game may still be running. It ends when its time is up."
)
_NOT_CONFIRMED = mark(
    "The studio's server has not confirmed the end, so your game may still be running. "
    "It ends when its time is up."
)


def waits_to_end(snapshot: Snapshot) -> bool:
    """Whether the studio has not ended the game yet, and is asked again."""
    waiting = snapshot.doing in (Doing.WAITING_FOR_NETWORK, Doing.WAITING_TO_RETRY)
    return snapshot.stage is Stage.ENDING and waiting


def lost_title(snapshot: Snapshot) -> str:
    """The title of the card over the dimmed picture."""
    if snapshot.stage is Stage.ENDING:
        return tr("Ending your game...")
    if snapshot.offline or snapshot.verdict is Verdict.NETWORK_GONE:
        return verdict_text(Verdict.NETWORK_GONE)
    if snapshot.returning:
        if snapshot.doing is Doing.CONFIRMING_END:
            return tr("Could not reach your game")
        return tr("Getting back into your game...")
    if snapshot.doing is Doing.CONFIRMING_END:
        given_up = _given_up(snapshot)
        return tr("Could not reach your game") if given_up else tr("Connection lost")
    match snapshot.cause:
        case HardEvidence.PLAYER_ASKED:
            return tr("Reconnecting, as you asked...")
        case HardEvidence.PICTURE_FROZEN:
            return tr("The picture stopped. Reconnecting...")
        case _ if snapshot.stage is Stage.LOST:
            return tr("Checking your connection...")
        case _:
            return tr("Connection lost. Reconnecting...")


def _given_up(snapshot: Snapshot) -> bool:
    """Whether the connection was not lost: it was given up for a new one."""
    return snapshot.cause in (HardEvidence.PLAYER_ASKED, HardEvidence.PICTURE_FROZEN)


def lost_known(snapshot: Snapshot) -> str:
    """What is known about the game."""
    if snapshot.stage is Stage.ENDING:
        return _ending_known(snapshot)
    running = _may_be_running(snapshot)
    verdict = verdict_text(snapshot.verdict)
    if verdict and snapshot.verdict is not Verdict.NETWORK_GONE:
        return sentences(verdict, running)
    if snapshot.returning:
        return sentences(tr("Rejoin was closed while you played."), running)
    if (snapshot.stage is Stage.LOST or snapshot.offline) and not _given_up(snapshot):
        return sentences(tr("The connection to the stream was lost."), running)
    return running


def _ending_known(snapshot: Snapshot) -> str:
    """What is known of a game that is being ended."""
    if not waits_to_end(snapshot):
        return tr("Releasing the game server...")
    return tr(_NOT_RELEASED if snapshot.offline else _NOT_CONFIRMED)


def _may_be_running(snapshot: Snapshot) -> str:
    if snapshot.can_terminate:
        return tr("Your game may still be running.")
    return tr("Your game may keep running until its time is up.")


def lost_doing(snapshot: Snapshot, now: float) -> str:
    """What is being done now, or what must happen first; empty where the title says it."""
    ending = snapshot.stage is Stage.ENDING
    if ending and not waits_to_end(snapshot):
        return ""
    if snapshot.offline:
        return tr(_OFFLINE)
    match snapshot.verdict:
        case Verdict.NETWORK_GONE if not ending:
            return tr(_OFFLINE)  # and not that somebody else does not answer
        case Verdict.SIGN_IN_PAGE:
            return tr("Please sign in with your web browser.")
        case Verdict.PROXY_REFUSES:
            return tr(_ASK_PROXY)
        case Verdict.SERVICE_SILENT:
            return next_try(snapshot, now) or tr(_ASKING_AGAIN)
        case _:
            pass
    if snapshot.portal:
        return tr(_PORTAL)
    if snapshot.stranger:
        return tr(_STRANGER)
    if ending:
        return next_try(snapshot, now) or _ASKING_AGAIN
    if snapshot.firewall:
        return sentences(tr(_FIREWALL), next_try(snapshot, now))
    if snapshot.doing is Doing.CHECKING and snapshot.stage is Stage.LOST:
        return tr(_UNREACHED) if snapshot.unreached else ""
    return _lost_doing(snapshot, now)


def _turn_text(turn: Turn, now: float) -> str:
    """The backend's queue: its estimate, as of the last ask, or else the place in it."""
    if turn.expected_at is not None:
        left_s = turn.expected_at - now
        if left_s <= 0:
            return tr("It is nearly your turn.")
        return tr("{about}.", about=about_text(left_s))
    if turn.place is not None:
        return tr("You are number {place} in line.", place=turn.place)
    return tr("Waiting for your turn.")


def _lost_doing(snapshot: Snapshot, now: float) -> str:  # noqa: C901 - plain dispatch
    doing = snapshot.doing
    match doing:
        case Doing.NOTHING:
            return ""
        case Doing.PREPARING:
            return tr("Getting ready to reconnect...")
        case Doing.ASKING_BACKEND:
            return tr("Asking the studio's server to reconnect you...")
        case Doing.PLACING:
            return tr("Waiting for a game server...")
        case Doing.CONNECTING:
            return tr("Connecting to your game...")
        case Doing.CHECKING:
            return tr("Checking whether your game is still there...")
        case Doing.WAITING_FOR_SERVICE:
            return tr("Waiting for the game server. Nothing to do.")
        case Doing.WAITING_TO_RETRY:
            return next_try(snapshot, now) or tr("Waiting for the next try...")
        case Doing.WAITING_FOR_TURN:
            return _returning_turn(snapshot, now)
        case Doing.WAITING_FOR_NETWORK:
            return tr(_OFFLINE)
        case Doing.CONFIRMING_END:
            return tr("Checking whether your game has ended...")
        case Doing.TERMINATING:
            return tr("Ending your game...")
        case _:
            assert_never(doing)


def _returning_turn(snapshot: Snapshot, now: float) -> str:
    many = tr("Many players are coming back.")
    return sentences(many, _turn_text(snapshot.turn or Turn(), now))


def next_try(snapshot: Snapshot, now: float) -> str:
    """The time until the next try, rounded up; empty when none is planned."""
    if snapshot.next_try_at is None or snapshot.offline or snapshot.portal or snapshot.stranger:
        return ""
    wait_s = math.ceil(snapshot.next_try_at - now)
    return tr("Next try in {seconds} s", seconds=wait_s) if wait_s > 0 else tr("Trying now...")


# --- before there is a picture ------------------------------------------------------------------


def starting_title(snapshot: Snapshot) -> str:
    if snapshot.stage is Stage.IDLE:
        return tr("Ready to play")
    if snapshot.stage is Stage.ENDING:
        return tr("Ending your game...")
    return tr("Starting your game")


def starting_awaited(snapshot: Snapshot, now: float, waited_s: float) -> str:
    """What is awaited before the first picture. `waited_s`: how long the start has taken so far."""
    if snapshot.stage is Stage.IDLE:
        return tr("Nothing is running yet.")
    if snapshot.stage is Stage.ENDING:
        return _ending_known(snapshot)
    if snapshot.offline:
        return tr("This computer is offline. Continuing as soon as the network is back.")
    if snapshot.portal:
        return tr(_PORTAL)
    if snapshot.stranger:
        return tr(_STRANGER)
    if snapshot.firewall:
        return sentences(tr(_FIREWALL), next_try(snapshot, now))
    return _starting_doing(snapshot, now, waited_s)


def _starting_doing(snapshot: Snapshot, now: float, waited_s: float) -> str:
    doing = snapshot.doing
    match doing:
        case Doing.NOTHING | Doing.PREPARING:
            return tr("Getting ready...")
        case Doing.WAITING_TO_RETRY:
            return sentences(_start_failed(snapshot), next_try(snapshot, now))
        case Doing.ASKING_BACKEND if snapshot.episode > 0:
            return tr("Asking the studio's server to connect you...")
        case Doing.CHECKING | Doing.CONFIRMING_END | Doing.WAITING_FOR_SERVICE if snapshot.episode:
            return _lost_doing(snapshot, now)
        case Doing.WAITING_FOR_TURN:
            return _start_turn_text(snapshot, now)
        case Doing.ASKING_BACKEND | Doing.CHECKING | Doing.CONFIRMING_END:
            return tr("Asking the studio for a game server...")
        case Doing.PLACING | Doing.WAITING_FOR_SERVICE:
            if waited_s >= 15:
                return tr("Still waiting for a free game server. This can take up to ten minutes.")
            return tr("Waiting for a free game server...")
        case Doing.CONNECTING:
            return tr("Connecting to your game...")
        case Doing.WAITING_FOR_NETWORK:
            return tr("Continuing as soon as the network is back.")
        case Doing.TERMINATING:
            return tr("Ending your game...")
        case _:
            assert_never(doing)


def _start_turn_text(snapshot: Snapshot, now: float) -> str:
    """A queue of starts: the place and the estimate, as far as the backend tells them."""
    turn = snapshot.turn or Turn()
    if snapshot.episode:  # the game was placed: it is the queue of those who come back
        return _returning_turn(snapshot, now)
    place = turn.place if turn.expected_at is not None else None
    return sentences(
        tr("Many players are starting."),
        _turn_text(turn, now),
        "" if place is None else tr("You are number {place} in line.", place=place),
    )


def _start_failed(snapshot: Snapshot) -> str:
    """Why a start is tried again."""
    if snapshot.unreached:
        return tr("The studio's server did not answer.")
    if snapshot.episode > 0:
        return tr("No connection to the game yet.")
    return tr("The studio's server asks to wait.")


def can_cancel_start(snapshot: Snapshot) -> bool:
    """Whether leaving now stops the start.

    Not once the game is being placed or was, where the backend has no call that ends it.
    """
    placed = snapshot.episode > 0 or snapshot.doing in (Doing.PLACING, Doing.CONNECTING)
    return snapshot.can_terminate or not placed


def starting_leaving(snapshot: Snapshot) -> str:
    """What leaving now would mean; empty where it stops the start."""
    if snapshot.stage is not Stage.STARTING or can_cancel_start(snapshot):
        return ""
    return tr("If you close now, your game may keep running until its time is up.")


# --- for screen readers -------------------------------------------------------------------------


def announcement(snapshot: Snapshot, now: float) -> str:
    """What a screen reader says when the stage changes; empty: nothing."""
    counting = snapshot.stage in (Stage.LOST, Stage.RECONNECTING)
    left = time_left(snapshot, now).sentence if counting else ""
    return sentences(*announced_sentences(snapshot, now), left)


def view_only(snapshot: Snapshot) -> str:
    """Why the player cannot play; empty while they can."""
    return "" if snapshot.view_only is None else tr(VIEW_ONLY[snapshot.view_only])


def announced_sentences(snapshot: Snapshot, now: float) -> list[str]:
    """Each sentence of a card, but for the time left, for screen readers."""
    stage = snapshot.stage
    match stage:
        case Stage.IDLE | Stage.STARTING:
            title, awaited = starting_title(snapshot), starting_awaited(snapshot, now, 0.0)
            parts = [tr("{title}.", title=title), awaited, starting_leaving(snapshot)]
        case Stage.LIVE:
            parts = [view_only(snapshot)]
        case Stage.LOST | Stage.RECONNECTING | Stage.ENDING:
            parts = [lost_title(snapshot), lost_known(snapshot), lost_doing(snapshot, now)]
        case Stage.ENDED:
            if snapshot.ending is None:
                return []
            text = ending_text(snapshot.ending)
            whose = verdict_sentence(snapshot.verdict)
            parts = [tr("{title}.", title=text.title), text.meaning, whose, text.advice]
        case _:
            assert_never(stage)
    return [part for part in parts if part]
