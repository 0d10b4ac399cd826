"""Checks an installed Rejoin without a network, a display or a person.

Every package is checked with it on a bare machine after the installation. Without a display no Qt
is loaded.
"""

from __future__ import annotations

from typing import Final

from rejoin import assets
from rejoin.errors import AssetMissingError
from rejoin.runtime.doctor import machine
from rejoin.runtime.doctor import machine_judging as judge
from rejoin.runtime.doctor.findings import INSTALL_AGAIN, Finding, failed, not_known, not_loaded, ok
from rejoin.runtime.doctor.run import Check, blocking

ASSETS: Final = (
    "icons/rejoin.svg",
    "profiles/clean.toml",
    "selftest/moving-1080.h264",
    "selftest/picture.h264",
    "selftest/tone.opus",
    "shaders/baked.json",
    "styles/rejoin.qss",
)
"""One file of each folder that Rejoin reads."""
_NOT_IMPORTED: Final = frozenset({"PySide6", "sdl2dll", "sounddevice"})
"""Loaded by checks of their own: Qt in another process, SDL by its file, PortAudio with care."""
LOOPBACK_S: Final = 20.0


def selftest_checks(*, card_api: str = "") -> tuple[Check, ...]:
    """All of them; `card_api` as in `machine.MachineOptions`."""
    return (
        blocking("versions", 5.0, machine.versions),
        blocking("imports", 60.0, imports),
        blocking("files", 5.0, files),
        blocking("codecs", 20.0, machine.codecs),
        Check("webrtc", LOOPBACK_S + 5.0, webrtc),
        Check("input sandbox", 20.0, machine.sandbox),
        blocking("sound", 10.0, machine.sound),
        blocking("gamepads", 10.0, machine.gamepads),
        Check("keyring", 8.0, machine.keyring),
        Check("display", machine.PROBE_S + machine.CHILD_ENDS_WITHIN_S, display),
        Check(
            "graphics card",
            machine.PROBE_S + machine.CHILD_ENDS_WITHIN_S,
            lambda: machine.card(card_api),
        ),
    )


def imports() -> Finding:
    """Each package of the part `player` is imported here, apart from `_NOT_IMPORTED`."""
    problems = [
        sentence for name in machine.PLAYER_MODULES if (sentence := _problem_of(name)) is not None
    ]
    if problems:
        return not_loaded("imports", problems[0])
    return ok("imports", f"{len(machine.PLAYER_MODULES)} packages can be loaded.")


def _problem_of(name: str) -> str | None:
    return machine.missing(name) if name in _NOT_IMPORTED else machine.load_problem(name)


def files() -> Finding:
    try:
        for name in ASSETS:
            assets.path(name)
    except AssetMissingError as error:
        return failed("files", str(error), INSTALL_AGAIN)
    return ok("files", "The files that belong to Rejoin are there.")


async def webrtc() -> Finding:
    from rejoin.errors import PeerError
    from rejoin.rtc.loopback_check import check_loopback

    try:
        await check_loopback(LOOPBACK_S)
    except PeerError as error:
        return judge.loopback(str(error))
    return judge.loopback(None)


async def display() -> Finding:
    """Without a display nothing of Qt is loaded, and that is no failure."""
    if not machine.display_is_named():
        return not_known("display", "There is no display, so Qt was not loaded.")
    return await machine.display()
