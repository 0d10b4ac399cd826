"""Install, use, upgrade and remove the installer for Windows under Wine, in a prefix of its own.

    python packaging/windows/try_with_wine.py

The program in it is a stand-in that writes down its command line: this shows what the installer
does, and nothing of Rejoin on Windows. Needs wine, wine64 and makensis, and no screen. Not in the
gate.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from shared import run_main  # noqa: E402

LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example&x=1%202"
UNINSTALL = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Rejoin"
SCHEME = r"HKCU\Software\Classes\rejoin"
COMMAND = SCHEME + r"\shell\open\command"


class Wine:
    """A Windows of its own in this folder."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "WINEPREFIX": str(folder),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
            "DISPLAY": "",
        }
        self.run("wineboot", "--init")
        users = folder / "drive_c" / "users"
        [self.user] = [each for each in users.iterdir() if each.name != "Public"]
        self.local = self.user / "AppData" / "Local"
        self.drive = folder / "drive_c"

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["wine", *map(str, arguments)],
            check=False,
            env=self.environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
        )

    def begin(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(
            ["wine", *map(str, arguments)], env=self.environment, stdout=nothing, stderr=nothing
        )

    def registered(self, key: str, name: str | None = None) -> str | None:
        """A value of the registry, or None."""
        named = ("/ve",) if name is None else ("/v", name)
        done = self.run("reg", "query", key, *named)
        if done.returncode:
            return None
        [line] = [line for line in done.stdout.splitlines() if "REG_" in line]
        return line.split("REG_")[1].partition(" ")[2].strip()

    def end(self) -> None:
        subprocess.run(["wineserver", "-k"], check=False, env=self.environment)
        subprocess.run(["wineserver", "-w"], check=False, env=self.environment)


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    print(f"ok      {what}", flush=True)


def payload(folder: Path, *more: str) -> Path:
    """A frozen program whose two programs are stand-ins."""
    folder.mkdir()
    made = folder / "rejoin.exe"
    compile_it = ["makensis", "-V1", f"-DOUTPUT={made}", str(HERE / "standin.nsi")]
    subprocess.run(compile_it, check=True)
    shutil.copyfile(made, folder / "rejoin-home.exe")
    for name in ("_internal/base_library.zip", "_internal/a b/ü ほ.txt", *more):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def installer(folder: Path, *more: str) -> Path:
    """Made by build.py."""
    folder.mkdir()
    frozen = payload(folder / "frozen", *more)
    build = [sys.executable, str(HERE / "build.py"), "--frozen", str(frozen)]
    build += ["--dist", str(folder), "--work", str(folder / "work")]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    [made] = folder.glob("*-setup.exe")
    return made


def seen_by_program(wine: Wine, within_s: float = 60.0) -> str:
    """The command line that the stand-in was started with."""
    file = wine.user / "Temp" / "seen.txt"  # where Wine has %TEMP%
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if file.exists() and file.stat().st_size:
            text = file.read_bytes().decode("utf-16-le")
            file.unlink()
            return text
        time.sleep(0.2)
    return ""


def installed(wine: Wine, first: Path) -> Path:
    check(wine.run(first, "/S").returncode == 0, "installs silently, for this user")
    place = wine.local / "Programs" / "Rejoin"
    check((place / "_internal" / "a b" / "ü ほ.txt").is_file(), "has every file, whatever its name")
    menu = wine.user / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Rejoin.lnk"
    check(menu.is_file(), "is in the start menu")
    check(wine.registered(UNINSTALL, "DisplayName") == "Rejoin", "is in the list of programs")
    check(
        r"\Programs\Rejoin" in (wine.registered(UNINSTALL, "InstallLocation") or ""), "with place"
    )
    wine.run("start", "/unix", menu)
    check(
        seen_by_program(wine).rstrip().endswith('rejoin-home.exe" home'), "the menu opens the home"
    )
    # Windows has HKCR from HKLM and HKCU; Wine 8 from HKLM alone.
    machine = SCHEME.replace("HKCU", "HKLM")
    wine.run("reg", "copy", SCHEME, machine, "/s", "/f")
    wine.run("start", LINK)
    check(seen_by_program(wine).endswith(f' home "{LINK}"'), "a link opens it, as it was written")
    return place


def upgraded(wine: Wine, place: Path, second: Path) -> None:
    settings = wine.local / "rejoin" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    for mine in (settings, place / "mine.txt"):
        mine.write_text("mine")
    program = wine.begin(place / "rejoin-home.exe", "stay")
    check("stay" in seen_by_program(wine), "the program runs")
    check(wine.run(second, "/S").returncode == 2, "is not replaced while it runs: exit code 2")
    check(
        wine.run(place / "uninstall.exe", "/S", f"_?={windows_path(wine, place)}").returncode == 2,
        "nor removed",
    )
    program.wait(60)
    check(wine.run(second, "/S").returncode == 0, "is replaced once it has ended")
    check((place / "_internal" / "new.txt").is_file(), "has the new files")
    check(
        not (place / "_internal" / "old.txt").exists(), "has none that only the version before had"
    )
    check((place / "mine.txt").is_file() and settings.is_file(), "leaves the player's files")


def windows_path(wine: Wine, path: Path) -> str:
    return "C:\\" + str(path.relative_to(wine.drive)).replace("/", "\\")


def remove(wine: Wine, place: Path) -> None:
    """It goes on as a copy of itself in another folder, so that it can remove itself too."""
    wine.run(place / "uninstall.exe", "/S")
    until = time.monotonic() + 60
    while (place / "uninstall.exe").exists() and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(2)  # what it does after that


def removed(wine: Wine, place: Path) -> None:
    remove(wine, place)
    left = sorted(path.name for path in place.rglob("*") if path.is_file())
    check(left == ["mine.txt"], "removes its own files and nothing else")
    check(wine.registered(COMMAND) is None, "links lead to it no more")
    check(wine.registered(UNINSTALL, "DisplayName") is None, "is in the list of programs no more")
    menu = wine.user / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Rejoin.lnk"
    check(not menu.exists(), "is in the start menu no more")
    check((wine.local / "rejoin" / "settings.toml").is_file(), "leaves the settings")


def elsewhere(wine: Wine, second: Path) -> None:
    # NSIS wants this one last and without quotes, even with spaces.
    folder = (r"/D=C:\My", r"games\Rejoin")
    check(wine.run(second, "/S", *folder).returncode == 0, "installs elsewhere")
    place = wine.drive / "My games" / "Rejoin"
    check((place / "rejoin-home.exe").is_file(), "there")
    wine.run("reg", "add", COMMAND, "/ve", "/d", "another.exe", "/f")
    remove(wine, place)
    check(not place.exists(), "nothing of it is left there")
    check(wine.registered(COMMAND) == "another.exe", "links that another program took stay there")


def main() -> int:
    for program in ("wine", "makensis"):
        if shutil.which(program) is None:
            print(f"{program} is not installed.", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory() as folder:
        first = installer(Path(folder) / "first", "_internal/old.txt")
        second = installer(Path(folder) / "second", "_internal/new.txt")
        wine = Wine(Path(folder) / "prefix")
        try:
            place = installed(wine, first)
            upgraded(wine, place, second)
            removed(wine, place)
            elsewhere(wine, second)
        finally:
            wine.end()
    print("The installer does what it should, under Wine.")
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
