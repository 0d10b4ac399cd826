"""Looks at this computer: what is installed, and whether it works (`machine_judging` judges it).

Qt is not imported: checks that need it run in a process of their own, which may crash or abort.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from rejoin.child_program import child_command
from rejoin.errors import BadInputError, RejoinError
from rejoin.parts import explanation
from rejoin.runtime.doctor import machine_judging as judge
from rejoin.runtime.doctor.findings import Finding, not_known
from rejoin.runtime.doctor.machine_judging import ProbeRun
from rejoin.runtime.doctor.run import Check, blocking
from rejoin.version import VERSION

PLAYER_MODULES: Final = (
    "PySide6",
    "_quickjs",
    "aioice",
    "aiortc",
    "av",
    "cryptography",
    "h11",
    "httpcore",
    "httpx",
    "keyring",
    "numpy",
    "platformdirs",
    "pydantic",
    "sdl2dll",
    "segno",
    "sounddevice",
    "tomlkit",
    *(("jeepney",) if sys.platform == "linux" else ()),
)
"""Modules that the part `player` installs."""
LIBRARIES: Final = ("PySide6-Essentials", "aiortc", "av", "httpx", "cryptography", "numpy")
"""Distributions whose versions a report names."""

PROBE_S: Final = 20.0
"""Qt's first start after an installation reads its plugins from a cold disk."""
CHILD_ENDS_WITHIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class MachineOptions:
    """`card_api`: Qt's name of the graphics interface to try; empty: none."""

    card_api: str = ""


def machine_checks(options: MachineOptions) -> tuple[Check, ...]:
    """The checks that need no backend."""
    return (
        blocking("versions", 5.0, versions),
        blocking("parts", 10.0, parts),
        blocking("folders", 5.0, folders),
        blocking("settings", 5.0, settings),
        blocking("codecs", 20.0, codecs),
        blocking("decoder", 20.0, decoder),
        blocking("sound", 10.0, sound),
        Check("display", PROBE_S + CHILD_ENDS_WITHIN_S, display),
        Check("graphics card", PROBE_S + CHILD_ENDS_WITHIN_S, lambda: card(options.card_api)),
        blocking("gamepads", 10.0, gamepads),
        Check("keyring", 8.0, keyring),
        Check("link scheme", 5.0, link_scheme),
        Check("input sandbox", 20.0, sandbox),
    )


def network_check() -> Check:
    """For a run without a backend: whether there is any route out of this computer."""
    return Check("network", 4.0, network)


# --- what is installed ----------------------------------------------------------------------------


def versions() -> Finding:
    return judge.versions(
        VERSION,
        f"{platform.python_version()}{' (frozen)' if getattr(sys, 'frozen', False) else ''}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        [f"{name} {version}" for name in LIBRARIES if (version := version_of(name))],
    )


def version_of(name: str) -> str:
    """The version of an installed distribution; empty where it is not known."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def parts() -> Finding:
    """Whether each package is there; most are imported by the checks that follow."""
    return judge.parts([sentence for name in PLAYER_MODULES if (sentence := missing(name))])


def missing(name: str) -> str | None:
    """A sentence if this package is not installed."""
    with contextlib.suppress(ImportError, ValueError):
        if importlib.util.find_spec(name) is not None:
            return None
    return explanation(ModuleNotFoundError(f"No module named {name!r}", name=name), ("player",))


def load_problem(name: str) -> str | None:
    """A sentence if this module cannot be imported, for any reason."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return explanation(error, ("player",)) or f"{name} cannot be loaded."
    except Exception as error:
        return f"{name} cannot be loaded ({type(error).__name__})."
    return None


def folders() -> Finding:
    from rejoin.runtime.state_folder import settings_folder, state_folder

    problems: list[str] = []
    free_bytes: int | None = None
    for name, find in (("state", state_folder), ("settings", settings_folder)):
        try:
            folder = nearest(find())
            if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
                problems.append(f"The folder for {name}, {folder}, cannot be written to.")
            elif name == "state":
                free_bytes = shutil.disk_usage(folder).free
        except BadInputError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"The folder for {name} cannot be used ({error.strerror}).")
    return judge.folders(problems, free_bytes)


def nearest(folder: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def settings() -> Finding:
    from rejoin.runtime.settings_file import load, settings_path

    try:
        return judge.settings(load(settings_path()).problems)
    except RejoinError as error:
        return judge.settings([str(error)])


# --- pictures and sound ---------------------------------------------------------------------------


def codecs() -> Finding:
    from rejoin.media.audio import sample_tone
    from rejoin.media.video import sample_picture

    return judge.codecs(sample_picture.why_wrong(), sample_tone.why_wrong())


def decoder() -> Finding:
    from rejoin.media.video.hardware import chosen

    hardware = chosen("auto")
    try:
        hardware.begin()
        hardware.wait()
        return judge.decoder(hardware.sentence)
    finally:
        hardware.close()


def sound() -> Finding:
    from rejoin.media.audio.default_output import open_output

    output = open_output()
    try:
        return judge.sound(output.problem)
    finally:
        output.close()


# --- what needs Qt --------------------------------------------------------------------------------


def display_is_named() -> bool:
    """Whether the environment names a display, on systems that need that."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


async def display() -> Finding:
    run = await run_child(child_command("display-probe"), PROBE_S)
    return judge.display(run, named=display_is_named())


async def card(api: str) -> Finding:
    if not api or not display_is_named():
        return not_known("graphics card", "Without a display no graphics card is used.")
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal"):
        return not_known("graphics card", "QT_QPA_PLATFORM names a platform without one.")
    return judge.card(await run_child(child_command("card-probe", api), PROBE_S))


async def run_child(command: Sequence[str], within_s: float) -> ProbeRun:
    """Run a program to its end, or kill it."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        async with asyncio.timeout(within_s):
            said, complained = await child.communicate()
    except TimeoutError:
        return ProbeRun(None)
    finally:
        if child.returncode is None:
            child.kill()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHILD_ENDS_WITHIN_S):
                    await child.communicate()
    return ProbeRun(
        child.returncode, said.decode("utf-8", "replace"), complained.decode("utf-8", "replace")
    )


# --- the rest -------------------------------------------------------------------------------------


def gamepads() -> Finding:
    from rejoin.gamepads.changes import Plugged
    from rejoin.gamepads.sdl_library import GamepadsUnavailableError
    from rejoin.gamepads.sdl_source import SdlSource

    try:
        source = SdlSource()
    except GamepadsUnavailableError as error:
        return judge.gamepads((), str(error))
    try:
        plugged = [each for each in source.poll() if isinstance(each, Plugged)]
    finally:
        source.close()
    return judge.gamepads([each.name for each in plugged], None)


async def keyring() -> Finding:
    from rejoin.runtime.tokens import TokenStore

    return judge.keyring(await TokenStore().problem())


async def link_scheme() -> Finding:
    from rejoin.runtime.deep_link import SCHEME

    if sys.platform == "win32":
        return judge.link_scheme(_registered(SCHEME), known=True)
    program = shutil.which("xdg-mime") if sys.platform.startswith("linux") else None
    if program is None:
        return judge.link_scheme(None, known=False)
    run = await run_child((program, "query", "default", f"x-scheme-handler/{SCHEME}"), 3.0)
    return judge.link_scheme(run.said.strip(), known=run.code == 0)


def _registered(scheme: str) -> str:
    """The command that Windows runs for this scheme; empty: none. Not run on Windows."""
    if sys.platform == "win32":
        import winreg

        with contextlib.suppress(OSError):
            return winreg.QueryValue(winreg.HKEY_CLASSES_ROOT, rf"{scheme}\shell\open\command")
    return ""


async def sandbox() -> Finding:
    from rejoin.runtime.doctor.sandbox_check import sandbox_problem

    return judge.sandbox(await sandbox_problem())


async def network() -> Finding:
    from rejoin.runtime.gateway import way_out
    from rejoin.runtime.network import Reach
    from rejoin.runtime.system_word import system_word

    link, _ = way_out(Reach.INTERNET)
    sign_in_page = await system_word().is_behind_sign_in_page()
    return judge.network(link, only_this_machine=False, sign_in_page=sign_in_page)
