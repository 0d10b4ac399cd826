"""How a game ended, in words: the end card's text, the support code and the report. Pure.

The rules are those of `texts`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rejoin.core.model import Ending, EndingKind
from rejoin.language import in_english, mark, sentences, tr
from rejoin.service_model.status import StatusReason

_REASONS = {
    "connectionTimeout": mark("nobody connected in time"),
    "reconnectionTimeout": mark("nobody came back in time"),
    "idleTimeout": mark("there was no input for too long"),
    "maxSessionLengthTimeout": mark("it reached its maximum length"),
    "applicationExit": mark("the game closed or crashed"),
    "apiTerminated": mark("the studio ended it"),
    "idle": mark("you did not play for too long"),
    "terminated": mark("the game or the studio ended it"),
    "placementTimeout": mark("no game server was free in time"),
    "internalError": mark("the game server failed"),
    "invalidSignalRequest": mark("the game server did not accept Rejoin's request"),
    "applicationLogS3DestinationError": mark("the studio's setup is wrong"),
    "assumeRoleFailed": mark("the studio's setup is wrong"),
}

_START_AGAIN = mark("You can start a new game.")
_PROGRESS = mark("Unsaved progress may be lost.")


def reason_text(reason: StatusReason) -> str:
    """The service's reason in words; one that we do not know is shown as it is."""
    if reason in _REASONS:
        return tr(_REASONS[reason])
    return tr('the service says "{reason}"', reason=reason)


@dataclass(frozen=True, slots=True)
class EndingText:
    """What the end card says: what happened, what it means or was lost, the one next step."""

    title: str
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class _Marked:
    """The same before it is translated; `meanings`: whole sentences, one after the other."""

    title: str
    meanings: tuple[str, ...]
    advice: str


_ENDINGS: dict[EndingKind, _Marked] = {
    EndingKind.UNCONFIRMED: _Marked(
        mark("We couldn't confirm. It may still be running."),
        (mark("Rejoin could not find out whether your game is still there."), _PROGRESS),
        mark("Wait a few minutes, then start again."),
    ),
    EndingKind.NOT_ALLOWED: _Marked(
        mark("You are not allowed to play this game"),
        (mark("The studio's server refused this account."),),
        mark("Check that you are signed in with the right account."),
    ),
    EndingKind.SIGN_IN_NEEDED: _Marked(
        mark("Please sign in again"),
        (mark("Your sign-in is not accepted. A game that you were in may still be running."),),
        mark("Sign in, then play again."),
    ),
    EndingKind.NOT_FOUND: _Marked(
        mark("The game was not found"),
        (mark("The studio's server does not know this game any more."), _PROGRESS),
        _START_AGAIN,
    ),
    EndingKind.STREAM_NOT_FOUND: _Marked(
        mark("The studio has no such game"),
        (
            mark(
                "Its streaming service does not know the stream group or the application. "
                "Nothing is lost."
            ),
        ),
        mark("Check both if you chose them. Otherwise report the problem to the studio."),
    ),
    EndingKind.BUSY: _Marked(
        mark("The studio's servers are too busy"),
        (mark("They did not accept another request in time."),),
        mark("Wait a few minutes, then start again."),
    ),
    EndingKind.BACKEND_UNTRUSTED: _Marked(
        mark("The studio's server could not prove its identity"),
        (mark("For your safety nothing was sent to it."),),
        mark("Check the date and time of this computer and the network you are on."),
    ),
    EndingKind.BACKEND_UNUSABLE: _Marked(
        mark("Rejoin does not understand the studio's server"),
        (mark("The address may be wrong, or the server newer or older than this Rejoin."),),
        mark("Check the address, and whether there is a newer Rejoin."),
    ),
    EndingKind.BACKEND_UNREACHABLE: _Marked(
        mark("The studio's server could not be reached"),
        (mark("You were not in a game yet, so nothing is lost."),),
        mark("Check your internet connection and the address, then start again."),
    ),
    EndingKind.BACKEND_FAILED: _Marked(
        mark("The studio's server could not start your game"),
        (mark("It answered with an error. You were not in a game yet, so nothing is lost."),),
        mark("Start again, with another stream group and application if you chose them."),
    ),
    EndingKind.OFFER_REFUSED: _Marked(
        mark("The game server refused this program"),
        (mark("It did not accept Rejoin's request."), _PROGRESS),
        mark("Update Rejoin, then start it again."),
    ),
    EndingKind.BAD_ANSWER: _Marked(
        mark("The game server sent an unusable answer"),
        (
            mark(
                "Rejoin did not connect, to keep you safe. If your game is still running, it ends "
                "when its time is up."
            ),
            _PROGRESS,
        ),
        _START_AGAIN,
    ),
    EndingKind.UNSUPPORTED_VIDEO: _Marked(
        mark("Rejoin cannot play the video of this game"),
        (mark("The game server sends a kind of video that Rejoin does not support."), _PROGRESS),
        mark("Update Rejoin, then start it again."),
    ),
    EndingKind.COULD_NOT_CONNECT: _Marked(
        mark("No connection to the game server"),
        (mark("The game was started, but no stream arrived."),),
        mark("A firewall may block it. Try another network, then start again."),
    ),
    EndingKind.CONTINUED_ELSEWHERE: _Marked(
        mark("You continued the game elsewhere"),
        (mark("This game is open on another device or in another copy of Rejoin."),),
        mark("Nothing is lost. You can close this one."),
    ),
    EndingKind.CLOSED_FOR_NOW: _Marked(
        mark("Closed for now"),
        (mark("Your game may still be running, and keeps its game server until its time is up."),),
        _PROGRESS,
    ),
    EndingKind.ENDED_BY_PLAYER: _Marked(
        mark("You ended the game"), (mark("The game server was released."),), _START_AGAIN
    ),
    EndingKind.CANCELLED: _Marked(
        mark("Start cancelled"),
        (mark("You were not in a game yet, so nothing is lost."),),
        _START_AGAIN,
    ),
    EndingKind.INTERNAL: _Marked(
        mark("Something went wrong in Rejoin"),
        (mark("This is not your fault. Your game may still be running."),),
        mark("Report the problem, then start Rejoin again."),
    ),
}
"""Every kind but GAME_ENDED, whose text needs the service's reason."""


class NextStep(enum.Enum):
    """The one thing to do at an end: the button that stands out."""

    START_AGAIN = "start_again"
    REPORT = "report"
    CLOSE = "close"


_NEXT_STEPS: dict[EndingKind, NextStep] = {
    EndingKind.GAME_ENDED: NextStep.START_AGAIN,
    EndingKind.UNCONFIRMED: NextStep.CLOSE,
    EndingKind.NOT_ALLOWED: NextStep.CLOSE,
    EndingKind.SIGN_IN_NEEDED: NextStep.CLOSE,
    EndingKind.NOT_FOUND: NextStep.START_AGAIN,
    EndingKind.STREAM_NOT_FOUND: NextStep.REPORT,
    EndingKind.BUSY: NextStep.CLOSE,
    EndingKind.BACKEND_UNTRUSTED: NextStep.CLOSE,
    EndingKind.BACKEND_UNUSABLE: NextStep.CLOSE,
    EndingKind.BACKEND_UNREACHABLE: NextStep.START_AGAIN,
    EndingKind.BACKEND_FAILED: NextStep.START_AGAIN,
    EndingKind.OFFER_REFUSED: NextStep.CLOSE,
    EndingKind.BAD_ANSWER: NextStep.START_AGAIN,
    EndingKind.UNSUPPORTED_VIDEO: NextStep.CLOSE,
    EndingKind.COULD_NOT_CONNECT: NextStep.START_AGAIN,
    EndingKind.CONTINUED_ELSEWHERE: NextStep.CLOSE,
    EndingKind.CLOSED_FOR_NOW: NextStep.CLOSE,
    EndingKind.ENDED_BY_PLAYER: NextStep.START_AGAIN,
    EndingKind.CANCELLED: NextStep.START_AGAIN,
    EndingKind.INTERNAL: NextStep.REPORT,
}
"""After waiting or signing in, which the text says, closing is next."""

_NO_START = frozenset(
    {
        EndingKind.NOT_ALLOWED,
        EndingKind.SIGN_IN_NEEDED,
        EndingKind.CONTINUED_ELSEWHERE,
        EndingKind.CLOSED_FOR_NOW,
    }
)
"""Where a new game would be refused, or a second one would be started beside one that may still
run for this player."""


def next_step(ending: Ending) -> NextStep:
    """What stands out on the end card."""
    return _NEXT_STEPS[ending.kind]


def may_start_again(ending: Ending) -> bool:
    """Whether *Start again* is offered."""
    return ending.kind not in _NO_START


def ending_text(ending: Ending) -> EndingText:
    """What the end card says. What the service reported and what we assume are kept apart."""
    if ending.kind is EndingKind.GAME_ENDED:
        return _game_ended(ending)
    marked = _ENDINGS[ending.kind]
    meaning = sentences(*(tr(each) for each in marked.meanings))
    if ending.kind is EndingKind.UNSUPPORTED_VIDEO and ending.detail:
        sends = tr(
            "The game server sends {kind}, which Rejoin does not support.", kind=ending.detail
        )
        meaning = sentences(sends, tr(_PROGRESS))
    return EndingText(tr(marked.title), meaning, tr(marked.advice))


def _game_ended(ending: Ending) -> EndingText:
    reason = ending.reason
    if reason == "placementTimeout":
        return EndingText(
            tr("Your game did not start: no game server was free in time"),
            tr("Nothing is lost."),
            tr("Wait a few minutes, then start again."),
        )
    if ending.expired_asleep:
        says = tr("The game server says: {reason}.", reason=reason_text(reason)) if reason else ""
        return EndingText(
            tr("The game has ended while this computer was asleep"),
            sentences(says, tr(_PROGRESS)),
            tr(_START_AGAIN),
        )
    if reason is not None:
        why = reason_text(reason)
    elif ending.status:
        why = tr('the service says "{reason}"', reason=ending.status)
    else:
        why = tr("no reason was given")
    return EndingText(
        tr("The game has ended: {reason}", reason=why), tr(_PROGRESS), tr(_START_AGAIN)
    )


def support_code(ending: Ending) -> str:
    """A short code for the studio: our kind of ending and, if known, the service's reason."""
    code = f"RJ-{ending.kind.value.replace('_', '-').upper()}"
    reported = ending.reason or ending.status
    return f"{code} / {reported}" if reported else code


def report_text(
    ending: Ending,
    *,
    version: str,
    system: str,
    written: str,
    facts: Mapping[str, str],
    stream: Sequence[str] = (),
) -> str:
    """What *Report a problem* shows, to be shared. Nothing secret may be passed in.

    In English, since the studio is to read it. `written`: wall time as text.
    `facts`: more lines, such as how many pictures were shown.
    `stream`: the stream's numbers, as they were last sampled.
    """
    with in_english():
        text = ending_text(ending)
    lines = {
        "Code": support_code(ending),
        "Shown": text.title,
        "Ending": ending.kind.value,
        "Status": ending.status or "-",
        "Reason": ending.reason or "-",
        "Detail": ending.detail or "-",
        "Ended while asleep": "yes" if ending.expired_asleep else "no",
        **facts,
        "Rejoin": version,
        "System": system,
        "Written": written,
    }
    report = "Rejoin report\n" + "".join(f"{name}: {value}\n" for name, value in lines.items())
    if stream:
        report += "The stream in its last second:\n"
        report += "".join(f"  {line}\n" for line in stream)
    return report
