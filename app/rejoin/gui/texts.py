"""Every sentence that a player reads but those of an end (`ending_texts`). Pure: no Qt, no clock.

English. Each text is made by a function of values, so that a translation is another set of
functions and no sentence is put together elsewhere. Times are boot time in seconds.

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
from rejoin.media.audio.volume import SoundChoice

# --- fixed words --------------------------------------------------------------------------------

TRY_NOW = "Try now"
CLOSE_FOR_NOW = "Close for now"
END_GAME = "End game"
KEEP_TRYING = "Keep trying"
CANCEL = "Cancel"
CLOSE = "Close"
START = "Start"
START_AGAIN = "Start again"
REPORT_A_PROBLEM = "Report a problem"
REPORT_EXPLAINED = (
    "This is everything that would be shared; secrets are taken out. Nothing is sent: copy or save "
    "it, and give it to the studio yourself. Page Up and Page Down scroll."
)
REPORT_COPIED = "Copied."
COPY = "Copy"
SAVE = "Save"
BACK_TO_END = "Back"
NO_PICTURE = "There is no picture to save yet"

END_GAME_QUESTION = "End the game for good?"
END_GAME_CONSEQUENCE = "The game stops for everyone in it. Unsaved progress may be lost."
RECONNECT = "Reconnect"
RECONNECT_HINT = "A new connection to the same game"
BACK = "You're back"
PAD_IS_MOUSE = "The gamepad is a mouse now. Hold Menu to play with it again."
PAD_PLAYS = "The gamepad plays again."
CLICK_TO_CONTROL = "Click to take control"
MOUSE_REFUSED = "This desktop does not let Rejoin capture the mouse"
VIEW_ONLY = {
    NoInput.NO_CHANNEL: "View only: the game server takes no input",
    NoInput.NO_MODULE: "View only: the service named no input module",
    NoInput.NOT_LOADED: "View only: the input module could not be loaded",
    NoInput.FAILED: "View only: the game's input module has failed",
    NoInput.OFF: "View only: the input module is switched off",
}
SOUND_SWITCH = "Sound"
SOUND_SWITCH_HINT = "Sound on or off"
VOLUME = "Volume"


def way_out(keys: str, *, mouse: bool, keyboard: bool) -> str:
    """How the player takes back what the game has for itself; "" if it has nothing."""
    if not (mouse or keyboard):
        return ""
    both = "mouse and keyboard" if mouse and keyboard else "mouse" if mouse else "keyboard"
    return f"{keys}: free the {both}"


def with_keys(text: str, *keys: str) -> str:
    """A tool tip with the keys that do the same; "" for none."""
    named = ", ".join(key for key in keys if key)
    return f"{text} ({named})" if named else text


_TROUBLES = {
    Trouble.UNSTABLE: "Connection unstable",
    Trouble.UPLINK: "Your input does not reach the game",
    Trouble.PICTURE_LOST: "The picture is frozen: its data is lost on the way",
    Trouble.PICTURE_STOPPED: "The picture is frozen. The game may be paused.",
}


def trouble_text(snapshot: Snapshot) -> str:
    """What is wrong with a connection that is not lost."""
    trouble = snapshot.trouble
    if trouble is None or (trouble is Trouble.UPLINK and not snapshot.input_open):
        trouble = Trouble.UNSTABLE  # without controls there is no input to miss
    return _TROUBLES[trouble]


def sound_text(choice: SoundChoice) -> str:
    """The volume."""
    return "Sound off" if choice.silent else f"Volume {choice.volume} %"


def volume_digits(choice: SoundChoice) -> str:
    """The volume, beside its slider."""
    return "Off" if choice.silent else f"{choice.volume} %"


# --- times --------------------------------------------------------------------------------------


def clock_text(seconds: float) -> str:
    """1:12, 0:07, over an hour 1:02:03. Rounded down, so that "at least" is true. Not negative."""
    whole = max(0, math.floor(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, seconds_left = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds_left:02}"
    return f"{minutes}:{seconds_left:02}"


def about_text(seconds: float) -> str:
    """About 40 s, About 90 s, About 4 min: no finer than an estimate is, and never rounded down."""
    seconds = max(1.0, seconds)
    if seconds <= 60:
        return f"About {_up(seconds, 5)} s"
    if seconds <= 180:
        return f"About {_up(seconds, 10)} s"
    return f"About {_up(seconds / 60, 1)} min"


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step


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
        return TimeLeft("Checking...", "-:--", None)
    deadline_at, dropped_at = snapshot.shown_deadline_at, snapshot.dropped_at
    if deadline_at is None:
        if dropped_at is None:
            return TimeLeft("", "", None)
        since = clock_text(now - dropped_at)
        if snapshot.returning:
            return TimeLeft(f"Trying to get back for {since}", since, None)
        began = "reconnect began" if _given_up(snapshot) else "connection was lost"
        return TimeLeft(f"{since} since the {began}", since, None)
    timeout_s, fresh_until_at = snapshot.connection_timeout_s, snapshot.unnoticed_until_at
    if timeout_s is not None and fresh_until_at is not None and now < fresh_until_at:
        whole = clock_text(timeout_s)
        return TimeLeft(f"The game server has not noticed yet. At least {whole}.", whole, 1.0)
    left_s = deadline_at - now
    if left_s <= 0:
        still_trying = snapshot.doing is not Doing.CONFIRMING_END
        sentence = "Time may be up. Still trying..." if still_trying else "Time may be up."
        return TimeLeft(sentence, clock_text(0), 0.0)
    whole_s = deadline_at - dropped_at if dropped_at is not None else left_s
    digits = clock_text(left_s)
    share = min(1.0, left_s / whole_s) if whole_s > 0 else 1.0
    return TimeLeft(f"At least {digits} to get back", digits, share)


# --- while the connection is lost ---------------------------------------------------------------

_VERDICTS = {
    Verdict.NETWORK_GONE: "Your network is gone",
    Verdict.SERVICE_SILENT: "Your internet works, the studio's service does not answer.",
    Verdict.PATH_BROKEN: "The way to the game server is broken.",
    Verdict.HOST_SILENT: "The game server stopped sending.",
    Verdict.SIGN_IN_PAGE: "This network wants a sign-in.",
    Verdict.PROXY_REFUSES: "Your proxy refuses the connection to the studio.",
    Verdict.NOT_KNOWN: "",
}


def verdict_text(verdict: Verdict | None) -> str:
    """Whose fault it is; empty where that is not known."""
    return "" if verdict is None else _VERDICTS[verdict]


def verdict_facts(verdict: Verdict | None) -> dict[str, str]:
    """The line of a report about it; none if no probes were answered before the end."""
    if verdict is None:
        return {}
    return {"Verdict": verdict_text(verdict).rstrip(".") or "Not known whose fault it was"}


_UNREACHED = "The studio's server does not answer. Asking again..."
_ASKING_AGAIN = "Asking again..."
_OFFLINE = "Trying again as soon as the network is back."
_PORTAL = (
    "A web page answers in place of the studio. This network may want a sign-in (captive portal): "
    "please look with your web browser."
)
_SIGN_IN = "Please sign in with your web browser."
_ASK_PROXY = "Check the proxy settings of this computer, or try another network."
_STRANGER = "Something else answers in place of the studio. This network may want a sign-in."
_FIREWALL = "A firewall in this network may block the game's stream. Try another network."
_RELEASING = "Releasing the game server..."
_NOT_RELEASED = (
    "The studio cannot be reached, so your game may still be running. It ends when its time is up."
)


def waits_to_end(snapshot: Snapshot) -> bool:
    """Whether the end of the game did not reach the studio, and can be tried again."""
    waiting = snapshot.doing in (Doing.WAITING_FOR_NETWORK, Doing.WAITING_TO_RETRY)
    return snapshot.stage is Stage.ENDING and waiting


def lost_title(snapshot: Snapshot) -> str:
    """The title of the card over the dimmed picture."""
    if snapshot.stage is Stage.ENDING:
        return "Ending your game..."
    if snapshot.offline or snapshot.verdict is Verdict.NETWORK_GONE:
        return verdict_text(Verdict.NETWORK_GONE)
    if snapshot.returning:
        if snapshot.doing is Doing.CONFIRMING_END:
            return "Could not reach your game"
        return "Getting back into your game..."
    if snapshot.doing is Doing.CONFIRMING_END:
        return "Could not reach your game" if _given_up(snapshot) else "Connection lost"
    match snapshot.cause:
        case HardEvidence.PLAYER_ASKED:
            return "Reconnecting, as you asked..."
        case HardEvidence.PICTURE_FROZEN:
            return "The picture stopped. Reconnecting..."
        case _ if snapshot.stage is Stage.LOST:
            return "Checking your connection..."
        case _:
            return "Connection lost. Reconnecting..."


def _given_up(snapshot: Snapshot) -> bool:
    """Whether the connection was not lost: it was given up for a new one."""
    return snapshot.cause in (HardEvidence.PLAYER_ASKED, HardEvidence.PICTURE_FROZEN)


def lost_known(snapshot: Snapshot) -> str:
    """What is known about the game."""
    if snapshot.stage is Stage.ENDING:
        return _NOT_RELEASED if waits_to_end(snapshot) else _RELEASING
    running = _may_be_running(snapshot)
    verdict = verdict_text(snapshot.verdict)
    if verdict and snapshot.verdict is not Verdict.NETWORK_GONE:
        return f"{verdict} {running}"
    if snapshot.returning:
        return f"Rejoin was closed while you played. {running}"
    if (snapshot.stage is Stage.LOST or snapshot.offline) and not _given_up(snapshot):
        return f"The connection to the stream was lost. {running}"
    return running


def _may_be_running(snapshot: Snapshot) -> str:
    if snapshot.can_terminate:
        return "Your game may still be running."
    return "Your game may keep running until its time is up."


def lost_doing(snapshot: Snapshot, now: float) -> str:
    """What is being done now, or what must happen first; empty where the title says it."""
    ending = snapshot.stage is Stage.ENDING
    if ending and not waits_to_end(snapshot):
        return ""
    if snapshot.offline:
        return _OFFLINE
    match snapshot.verdict:
        case Verdict.NETWORK_GONE if not ending:
            return _OFFLINE  # and not that somebody else does not answer
        case Verdict.SIGN_IN_PAGE:
            return _SIGN_IN
        case Verdict.PROXY_REFUSES:
            return _ASK_PROXY
        case Verdict.SERVICE_SILENT:
            return next_try(snapshot, now) or _ASKING_AGAIN
        case _:
            pass
    if snapshot.portal:
        return _PORTAL
    if snapshot.stranger:
        return _STRANGER
    if ending:
        return ""
    if snapshot.firewall:
        return f"{_FIREWALL} {next_try(snapshot, now)}".rstrip()
    if snapshot.doing is Doing.CHECKING and snapshot.stage is Stage.LOST:
        return _UNREACHED if snapshot.unreached else ""
    return _lost_doing(snapshot, now)


def _turn_text(turn: Turn, now: float, *, many: str = "Many players are coming back.") -> str:
    """The backend's queue: its estimate, as of the last ask, or else the place in it."""
    if turn.expected_at is not None:
        left_s = turn.expected_at - now
        return f"{many} It is nearly your turn." if left_s <= 0 else f"{many} {about_text(left_s)}."
    if turn.place is not None:
        return f"{many} You are number {turn.place} in line."
    return f"{many} Waiting for your turn."


def _lost_doing(snapshot: Snapshot, now: float) -> str:  # noqa: C901 - plain dispatch
    doing = snapshot.doing
    match doing:
        case Doing.NOTHING:
            return ""
        case Doing.PREPARING:
            return "Getting ready to reconnect..."
        case Doing.ASKING_BACKEND:
            return "Asking the studio's server to reconnect you..."
        case Doing.PLACING:
            return "Waiting for a game server..."
        case Doing.CONNECTING:
            return "Connecting to your game..."
        case Doing.CHECKING:
            return "Checking whether your game is still there..."
        case Doing.WAITING_FOR_SERVICE:
            return "Waiting for the game server. Nothing to do."
        case Doing.WAITING_TO_RETRY:
            return next_try(snapshot, now) or "Waiting for the next try..."
        case Doing.WAITING_FOR_TURN:
            return _turn_text(snapshot.turn or Turn(), now)
        case Doing.WAITING_FOR_NETWORK:
            return _OFFLINE
        case Doing.CONFIRMING_END:
            return "Checking whether your game has ended..."
        case Doing.TERMINATING:
            return "Ending your game..."
        case _:
            assert_never(doing)


def next_try(snapshot: Snapshot, now: float) -> str:
    """The time until the next try, rounded up; empty when none is planned."""
    if snapshot.next_try_at is None or snapshot.offline or snapshot.portal or snapshot.stranger:
        return ""
    wait_s = math.ceil(snapshot.next_try_at - now)
    return f"Next try in {wait_s} s" if wait_s > 0 else "Trying now..."


# --- before there is a picture ------------------------------------------------------------------


def starting_title(snapshot: Snapshot) -> str:
    if snapshot.stage is Stage.IDLE:
        return "Ready to play"
    if snapshot.stage is Stage.ENDING:
        return "Ending your game..."
    return "Starting your game"


def starting_awaited(snapshot: Snapshot, now: float, waited_s: float) -> str:
    """What is awaited before the first picture. `waited_s`: how long the start has taken so far."""
    if snapshot.stage is Stage.IDLE:
        return "Nothing is running yet."
    if snapshot.stage is Stage.ENDING:
        return _NOT_RELEASED if waits_to_end(snapshot) else _RELEASING
    if snapshot.offline:
        return "This computer is offline. Continuing as soon as the network is back."
    if snapshot.portal:
        return _PORTAL
    if snapshot.stranger:
        return _STRANGER
    if snapshot.firewall:
        return f"{_FIREWALL} {next_try(snapshot, now)}".rstrip()
    return _starting_doing(snapshot, now, waited_s)


def _starting_doing(snapshot: Snapshot, now: float, waited_s: float) -> str:
    doing = snapshot.doing
    match doing:
        case Doing.NOTHING | Doing.PREPARING:
            return "Getting ready..."
        case Doing.WAITING_TO_RETRY:
            return f"{_start_failed(snapshot)} {next_try(snapshot, now)}".rstrip()
        case Doing.ASKING_BACKEND if snapshot.episode > 0:
            return "Asking the studio's server to connect you..."
        case Doing.CHECKING | Doing.CONFIRMING_END | Doing.WAITING_FOR_SERVICE if snapshot.episode:
            return _lost_doing(snapshot, now)
        case Doing.WAITING_FOR_TURN:
            return _start_turn_text(snapshot, now)
        case Doing.ASKING_BACKEND | Doing.CHECKING | Doing.CONFIRMING_END:
            return "Asking the studio for a game server..."
        case Doing.PLACING | Doing.WAITING_FOR_SERVICE:
            if waited_s >= 15:
                return "Still waiting for a free game server. This can take up to ten minutes."
            return "Waiting for a free game server..."
        case Doing.CONNECTING:
            return "Connecting to your game..."
        case Doing.WAITING_FOR_NETWORK:
            return "Continuing as soon as the network is back."
        case Doing.TERMINATING:
            return "Ending your game..."
        case _:
            assert_never(doing)


def _start_turn_text(snapshot: Snapshot, now: float) -> str:
    """A queue of starts: the place and the estimate, as far as the backend tells them."""
    turn = snapshot.turn or Turn()
    if snapshot.episode:  # the game was placed: it is the queue of those who come back
        return _turn_text(turn, now)
    waited = _turn_text(turn, now, many="Many players are starting.")
    if turn.place is None or turn.expected_at is None:
        return waited
    return f"{waited} You are number {turn.place} in line."


def _start_failed(snapshot: Snapshot) -> str:
    """Why a start is tried again."""
    if snapshot.unreached:
        return "The studio's server did not answer."
    if snapshot.episode > 0:
        return "No connection to the game yet."
    return "The studio's server asks to wait."


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
    return "If you close now, your game may keep running until its time is up."


# --- for screen readers -------------------------------------------------------------------------


def announcement(snapshot: Snapshot, now: float) -> str:
    """What a screen reader says when the stage changes; empty: nothing."""
    counting = snapshot.stage in (Stage.LOST, Stage.RECONNECTING)
    left = time_left(snapshot, now).sentence if counting else ""
    return " ".join(part for part in (*announced_sentences(snapshot, now), left) if part)


def view_only(snapshot: Snapshot) -> str:
    """Why the player cannot play; empty while they can."""
    return "" if snapshot.view_only is None else VIEW_ONLY[snapshot.view_only]


def announced_sentences(snapshot: Snapshot, now: float) -> list[str]:
    """Each sentence of a card, but for the time left, for screen readers."""
    stage = snapshot.stage
    match stage:
        case Stage.IDLE | Stage.STARTING:
            title, awaited = starting_title(snapshot), starting_awaited(snapshot, now, 0.0)
            parts = [f"{title}.", awaited, starting_leaving(snapshot)]
        case Stage.LIVE:
            parts = [view_only(snapshot)]
        case Stage.LOST | Stage.RECONNECTING | Stage.ENDING:
            parts = [lost_title(snapshot), lost_known(snapshot), lost_doing(snapshot, now)]
        case Stage.ENDED:
            if snapshot.ending is None:
                return []
            text = ending_text(snapshot.ending)
            whose = verdict_sentence(snapshot.verdict)
            parts = [f"{text.title}.", text.meaning, whose, text.advice]
        case _:
            assert_never(stage)
    return [part for part in parts if part]
