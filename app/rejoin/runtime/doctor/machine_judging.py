"""Judges observations on this computer: what they mean for a player. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.core.verdict import LinkState
from rejoin.language import Message
from rejoin.parts import explanation
from rejoin.runtime.doctor.findings import (
    INSTALL_AGAIN,
    Finding,
    failed,
    not_known,
    not_loaded,
    ok,
    warning,
)

FEW_BYTES: Final = 50 * 1024 * 1024
"""A disk with less counts as full: logs, traces and tickets may fail at any moment."""


def versions(rejoin: str, python: str, system: str, libraries: Sequence[str]) -> Finding:
    """`libraries`: names with versions."""
    found = f"Rejoin {rejoin}, Python {python}, {system}; {', '.join(libraries)}."
    return ok("versions", found)


def parts(problems: Sequence[str]) -> Finding:
    """`problems`: a sentence for each package of the part `player` that cannot be imported."""
    if not problems:
        return ok("parts", "Everything that playing needs is installed.")
    return not_loaded("parts", problems[0])


def codecs(picture: str | None, tone: str | None) -> Finding:
    """`picture`, `tone`: the fault of each, in a few words; None: none."""
    wrong = [
        f"the test {name}: {why}"
        for name, why in (("picture", picture), ("sound", tone))
        if why is not None
    ]
    if wrong:
        return failed("codecs", f"Wrong: {'; '.join(wrong)}.", INSTALL_AGAIN)
    return ok("codecs", "H.264 and Opus are decoded right.")


def decoder(sentence: str) -> Finding:
    """`sentence`: of `media.video.hardware`. Software is no fault: most players use it."""
    return ok("decoder", sentence)


def sound(problem: str | None) -> Finding:
    if problem is None:
        return ok("sound", "Sound is played on the system's default device.")
    advice = "Connect loudspeakers or headphones, and choose them in the system's settings."
    if problem.startswith("No sound: install"):
        advice = "I" + problem.removeprefix("No sound: i")
    return warning("sound", problem, advice)


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """How a probing program ended. `code`: None: it was killed after its time. `said`: its standard
    output, `complained`: its standard error."""

    code: int | None
    said: str = ""
    complained: str = ""


def display(run: ProbeRun, *, named: bool) -> Finding:
    """`named`: whether the environment names a display, or this system always has one."""
    if run.code == 0:
        return ok("display", "Qt starts and has a screen.")
    missing = missing_of(run.complained)
    if missing is not None:
        return not_loaded("display", missing)
    if not named:
        return warning(
            "display",
            "There is no display, so no window can be opened.",
            "Start Rejoin on a desktop. Commands without a window work.",
        )
    why = "did not start in time" if run.code is None else "cannot use it"
    return failed(
        "display",
        f"There is a display, but Qt {why}.",
        "Log in to a desktop of this computer; over SSH, use ssh -X. Unset QT_QPA_PLATFORM where "
        "it is set.",
    )


def missing_of(complained: str) -> str | None:
    """The sentence about a missing package or library after a failed import; None: none is
    missing."""
    package = re.search(r"No module named '([\w.]+)'", complained)
    if package is not None:
        error: ImportError = ModuleNotFoundError(package[0], name=package[1])
    else:
        error = ImportError(complained)
    return explanation(error, ("player",))


def card(run: ProbeRun) -> Finding:
    """The graphics card. Without one the processor draws."""
    from rejoin.runtime.renderer_memory import Verdict  # needs a package that may be missing

    software = "The processor draws the picture"
    if run.code is None:
        return warning(
            "graphics card",
            f"{software}: the test of the graphics card did not end in time.",
            "Update the driver of the graphics card.",
        )
    try:
        verdict = Verdict.from_json(run.said)
    except ValueError:
        return warning(
            "graphics card",
            f"{software}: the test of the graphics card crashed.",
            "Update the driver of the graphics card.",
        )
    name = verdict.device or verdict.backend
    if verdict.refused is None:
        return ok("graphics card", f"{name} draws the picture ({verdict.backend}).")
    return ok("graphics card", f"{software}: {name}: {verdict.refused}.")


def gamepads(names: Sequence[str], problem: str | None) -> Finding:
    if problem is not None:
        return warning("gamepads", problem, "Keyboard and mouse work. To use a pad, install again.")
    if not names:
        return ok("gamepads", "Gamepads can be read; none is plugged in.")
    return ok("gamepads", f"Gamepads: {', '.join(names)}.")


def keyring(problem: str | None) -> Finding:
    if problem is None:
        return ok("keyring", "The keyring keeps sign-ins.")
    return warning(
        "keyring",
        f"{problem} Sign-ins are not kept.",
        "Unlock the keyring, or install one (on Debian or Ubuntu: apt-get install gnome-keyring).",
    )


def link_scheme(handler: str | None, *, known: bool) -> Finding:
    """`handler`: the program that opens `rejoin://` links; empty: none. `known`: whether this
    system could be asked."""
    if not known:
        return not_known("link scheme", "Who opens rejoin:// links here cannot be found out.")
    if not handler:
        return warning(
            "link scheme",
            "Nothing opens rejoin:// links on this computer.",
            "Paste a link into a terminal: rejoin play 'rejoin://play?...'",
        )
    if "rejoin" not in handler.lower():
        return warning(
            "link scheme",
            "Another program opens rejoin:// links.",
            "Choose Rejoin for them in the system's settings.",
        )
    return ok("link scheme", "Rejoin opens rejoin:// links.")


def folders(problems: Sequence[str], free_bytes: int | None) -> Finding:
    """`problems`: a sentence for each folder that cannot be used. `free_bytes`: None: unknown."""
    if problems:
        return failed("folders", problems[0], "Give your user the right to write there.")
    if free_bytes is not None and free_bytes < FEW_BYTES:
        return warning(
            "folders",
            f"The disk is nearly full: {free_bytes // (1024 * 1024)} MB are left.",
            "Free some space: without it there is no way back into a game after a crash.",
        )
    return ok("folders", "Settings and the way back into a game can be saved.")


def settings(problems: Sequence[str]) -> Finding:
    if problems:
        return warning("settings", problems[0], "See `rejoin settings list`.")
    return ok("settings", "The saved settings can be read.")


def sandbox(problem: str | None) -> Finding:
    """`problem`: why the sandbox of the input module does not work; None: it does."""
    if problem is None:
        return ok("input sandbox", "The sandbox for input starts and is closed in.")
    return failed(
        "input sandbox", f"The sandbox for input does not work: {problem}.", INSTALL_AGAIN
    )


def loopback(problem: str | None) -> Finding:
    if problem is None:
        return ok("webrtc", "ICE, DTLS and SRTP work between two peers on this computer.")
    return failed(
        "webrtc",
        problem,
        "Let Rejoin use UDP on this computer itself (lo), in its firewall too; else install again.",
    )


def network(link: LinkState, *, only_this_machine: bool, sign_in_page: bool) -> Finding:
    if only_this_machine:
        return ok("network", Message("The game is on this computer: no network is needed."))
    if link is LinkState.GONE:
        return failed(
            "network",
            Message("This computer has no network that leads out."),
            Message("Connect the cable, or join a Wi-Fi network."),
        )
    if sign_in_page:
        return failed(
            "network",
            Message("This network wants a sign-in first."),
            Message("Open a web page in a browser and sign in to the network."),
        )
    if link is LinkState.UNKNOWN:
        return not_known(
            "network", Message("Whether there is a network is not known on this system.")
        )
    return ok("network", Message("There is a network that leads out of this computer."))
