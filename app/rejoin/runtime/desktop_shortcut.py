"""A shortcut for one game on the player's desktop: a file that opens its link in the home window.

Linux: a desktop entry (freedesktop.org, Desktop Entry 1.5). Windows and macOS: a file with the
link, which the system opens with the program registered for the scheme; not run.
"""

from __future__ import annotations

import os
import plistlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import platformdirs

from rejoin import assets
from rejoin.child_program import program_command
from rejoin.errors import BadInputError
from rejoin.language import Message

_MAX_NAME: Final = 60
_MOST: Final = 50


def desktop_folder() -> Path:
    """Where the player's desktop is. Raises BadInputError where there is none."""
    try:
        folder = platformdirs.user_desktop_path()
    except (RuntimeError, OSError):
        folder = None
    if folder is None or not os.path.isdir(folder):
        raise BadInputError(Message("There is no desktop folder to put a shortcut into."))
    return folder


def make_shortcut(
    name: str, link: str, folder: Path, *, system: str = sys.platform, command: Sequence[str] = ()
) -> Path:
    """Write a shortcut under an unused name, and return its path. `command`: opens the home window;
    empty: this Rejoin. Raises BadInputError if it cannot be written."""
    if system == "win32":
        ending, content = ".url", f"[InternetShortcut]\r\nURL={link}\r\n".encode()
    elif system == "darwin":
        ending, content = ".inetloc", plistlib.dumps({"URL": link})
    else:
        ending = ".desktop"
        content = desktop_entry(name, link, command or home_command()).encode()
    try:
        for number in range(1, _MOST):
            path = folder / f"{file_name(name)}{'' if number == 1 else f' {number}'}{ending}"
            try:
                with path.open("xb") as file:
                    file.write(content)
            except FileExistsError:
                continue
            if ending == ".desktop":
                path.chmod(0o755)  # desktops start no entry that is not executable
            return path
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadInputError(Message("The shortcut cannot be written: {why}.", why=why)) from error
    raise BadInputError(Message("There are too many shortcuts of this name already."))


def home_command() -> tuple[str, ...]:
    """The program with which a desktop opens the home window."""
    installed = shutil.which("rejoin-home")
    return (installed,) if installed else (*program_command(), "home")


def desktop_entry(name: str, link: str, command: Sequence[str]) -> str:
    """The text of a desktop entry."""
    run = " ".join(_argument(each) for each in (*command, link))
    return (
        "[Desktop Entry]\n"
        "Type=Application\n"
        f"Name={_value(name)}\n"
        f"Comment={_value(f'Play {name} with Rejoin')}\n"
        f"Exec={_value(run)}\n"
        f"Icon={_value(str(assets.path('icons/rejoin-256.png')))}\n"
        "Terminal=false\n"
        "Categories=Game;\n"
    )


def file_name(name: str) -> str:
    """The name of the game without characters that some system forbids in file names."""
    kept = "".join(each if each.isalnum() or each in " -_()" else " " for each in name)
    return " ".join(kept.split())[:_MAX_NAME].strip() or "Rejoin game"


def _argument(text: str) -> str:
    """One argument, quoted as the key Exec requires; % stands for itself."""
    for special in ("\\", '"', "`", "$"):
        text = text.replace(special, f"\\{special}")
    return f'"{text.replace("%", "%%")}"'


def _value(text: str) -> str:
    """A value of type string: a backslash stands for itself, and a line stays one."""
    return text.replace("\\", "\\\\").replace("\n", " ").replace("\r", " ")
