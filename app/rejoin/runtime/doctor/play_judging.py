"""The result of ten seconds of play, in sentences. Pure; the limits are those of `rating`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rejoin.language import Message
from rejoin.runtime.doctor.findings import Finding, failed, not_known, ok, warning
from rejoin.runtime.doctor.rating import Grade, PlayNumbers, Rated, cause_of, rated, worst_of

NOT_PLAYED: Final = Message("No game was played.")
UDP: Final = Message(
    "Ask the administrator of your network to let UDP through to ports 33435 to 33465, which "
    "Amazon GameLift Streams uses; or try another network."
)


def game(numbers: PlayNumbers, ended: str) -> Finding:
    """Whether the first picture came. `ended`: why the game ended by itself; empty: it did not."""
    moments = numbers.moments
    if moments.picture is not None:
        if ended:
            return failed(
                "game",
                Message("The game ended by itself: {ended}", ended=ended),
                Message("Try again later."),
            )
        if numbers.dropped:
            return failed(
                "game",
                Message("The connection was lost while the game was played."),
                Message("Use a network cable, or move closer to the Wi-Fi router."),
            )
        reached = (
            (Message("ICE {time} s later", time=_after(moments.heard, moments.answered))),
            (Message("DTLS {time} s later", time=_after(moments.connected, moments.answered))),
            Message(
                "the first picture {time} s later", time=_after(moments.picture, moments.answered)
            ),
        )
        steps = _listed([each for each in reached if each.values["time"]])
        return ok(
            "game",
            Message(
                "The game server answered after {seconds} s; {steps}.",
                seconds=format(moments.answered or 0, ".1f"),
                steps=steps,
            ),
        )
    if moments.answered is None:
        why = ended or Message("The service gave no game server in time.")
        return failed("game", why, Message("Try again later, or ask the studio."))
    if moments.heard is None:
        return failed(
            "game", Message("A game server was assigned, but no packet from it arrives (ICE)."), UDP
        )
    if moments.connected is None:
        return failed(
            "game", Message("The game server answers, and no keys are agreed (DTLS)."), UDP
        )
    return failed(
        "game",
        Message("The game server is connected and sends no picture."),
        Message("Try again; if it stays so, tell the studio."),
    )


def _after(reached: float | None, answered: float | None) -> str:
    """In seconds; "" if it was not reached."""
    return "" if reached is None else f"{reached - (answered or 0.0):.2f}"


def _listed(parts: Sequence[str]) -> str:
    """a, b, c: each part can still be translated."""
    found = parts[0] if parts else ""
    for part in parts[1:]:
        found = Message("{first}, {second}", first=found, second=part)
    return found


def takes_input(numbers: PlayNumbers | None) -> Finding:
    if numbers is None or numbers.moments.picture is None:
        return not_known("input", NOT_PLAYED)
    if numbers.moments.input is None:
        found = Message("The game can be watched and takes no input.")
        if numbers.no_input:
            found = Message(
                "The game can be watched and takes no input ({why}).", why=numbers.no_input
            )
        return failed(
            "input",
            found,
            Message("Tell the studio, which sees more with `rejoin qa input`."),
        )
    later_s = max(0.0, numbers.moments.input - numbers.moments.picture)
    if not numbers.input_bytes:
        return warning(
            "input",
            Message("The input channel is open, but moving the mouse sent nothing."),
            Message("Tell the studio, which sees more with `rejoin qa input`."),
        )
    return ok(
        "input",
        Message(
            "The game takes input, {seconds} s after the first picture.",
            seconds=format(later_s, ".1f"),
        ),
    )


def quality(numbers: PlayNumbers | None) -> Finding:
    """All numbers in one sentence; the advice is that of their cause."""
    if numbers is None or numbers.moments.picture is None:
        return not_known("quality", NOT_PLAYED)
    found = rated(numbers)
    text = _sentence(numbers, found)
    worst, cause = worst_of(found), cause_of(found)
    if worst is None or cause is None:
        return ok("quality", Message("Good: {value}.", value=text))
    advice = cause.limit.advice
    if worst.grade is Grade.FAIR:
        return warning(
            "quality",
            Message("Fair, because of {cause}: {value}.", cause=_named(cause), value=text),
            advice,
        )
    return failed(
        "quality",
        Message("Poor, because of {cause}: {value}.", cause=_named(cause), value=text),
        advice,
    )


def _named(each: Rated) -> str:
    return Message("{name} {value}", name=Message(each.limit.name), value=each.text)


def _sentence(numbers: PlayNumbers, found: tuple[Rated, ...]) -> str:
    parts: list[str] = [_named(each) for each in found]
    if numbers.bitrate_kbps is not None:
        parts.append(f"{numbers.bitrate_kbps / 1000:.1f} Mbit/s")
    width, height = numbers.size
    if width:
        parts.append(f"{width}x{height}")
    if numbers.path:
        parts.append(numbers.path)
    return _listed(parts)
