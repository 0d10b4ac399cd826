"""What ten seconds of play came to, in sentences. Pure; the limits are those of `rating`."""

from __future__ import annotations

from typing import Final

from rejoin.runtime.doctor.findings import Finding, failed, not_known, ok, warning
from rejoin.runtime.doctor.rating import Grade, PlayNumbers, Rated, cause_of, rated, worst_of

NOT_PLAYED: Final = "No game was played."
UDP: Final = (
    "Ask whoever runs your network to let UDP through to ports 33435 to 33465, which Amazon "
    "GameLift Streams uses; or try another network."
)


def game(numbers: PlayNumbers, ended: str) -> Finding:
    """Whether the first picture came. `ended`: why the game ended by itself; empty: it did not."""
    moments = numbers.moments
    if moments.picture is not None:
        if ended:
            return failed("game", f"The game ended by itself: {ended}", "Try again later.")
        if numbers.dropped:
            return failed(
                "game",
                "The connection was lost while the game was played.",
                "Use a network cable, or move closer to the Wi-Fi router.",
            )
        steps = ", ".join(
            f"{name} {_after(reached, moments.answered)}"
            for name, reached in (
                ("ICE", moments.heard),
                ("DTLS", moments.connected),
                ("the first picture", moments.picture),
            )
            if reached is not None
        )
        return ok("game", f"The game server answered after {moments.answered or 0:.1f} s; {steps}.")
    if moments.answered is None:
        why = ended or "The service gave no game server in time."
        return failed("game", why, "Try again later, or ask the studio.")
    if moments.heard is None:
        return failed("game", "The game server was given, and no packet of it arrives (ICE).", UDP)
    if moments.connected is None:
        return failed("game", "The game server answers, and no keys are agreed (DTLS).", UDP)
    return failed(
        "game",
        "The game server is connected and sends no picture.",
        "Try again; if it stays so, tell the studio.",
    )


def _after(reached: float, answered: float | None) -> str:
    return f"{reached - (answered or 0.0):.2f} s later"


def takes_input(numbers: PlayNumbers | None) -> Finding:
    if numbers is None or numbers.moments.picture is None:
        return not_known("input", NOT_PLAYED)
    if numbers.moments.input is None:
        why = f" ({numbers.no_input})" if numbers.no_input else ""
        return failed(
            "input",
            f"The game can be watched and takes no input{why}.",
            "Tell the studio, which sees more with `rejoin qa input`.",
        )
    later_s = max(0.0, numbers.moments.input - numbers.moments.picture)
    if not numbers.input_bytes:
        return warning(
            "input",
            "The input channel is open, and a move of the mouse sent nothing.",
            "Tell the studio, which sees more with `rejoin qa input`.",
        )
    return ok("input", f"The game takes input, {later_s:.1f} s after the first picture.")


def quality(numbers: PlayNumbers | None) -> Finding:
    """All numbers in one sentence; the advice is that of their cause."""
    if numbers is None or numbers.moments.picture is None:
        return not_known("quality", NOT_PLAYED)
    found = rated(numbers)
    text = _sentence(numbers, found)
    worst, cause = worst_of(found), cause_of(found)
    if worst is None or cause is None:
        return ok("quality", f"Good: {text}.")
    advice = cause.limit.advice
    if worst.grade is Grade.FAIR:
        return warning("quality", f"Fair, because of {_named(cause)}: {text}.", advice)
    return failed("quality", f"Poor, because of {_named(cause)}: {text}.", advice)


def _named(each: Rated) -> str:
    return f"{each.limit.name} {each.text}"


def _sentence(numbers: PlayNumbers, found: tuple[Rated, ...]) -> str:
    parts = [_named(each) for each in found]
    if numbers.bitrate_kbps is not None:
        parts.append(f"{numbers.bitrate_kbps / 1000:.1f} Mbit/s")
    width, height = numbers.size
    if width:
        parts.append(f"{width}x{height}")
    if numbers.path:
        parts.append(numbers.path)
    return ", ".join(parts)
