"""Prove the Debian package in fresh minimal systems, as players meet it.

    .venv/bin/python packaging/deb/verify.py PACKAGE [--suite bookworm] [--suite trixie]
                                             [--older PACKAGE] [--work FOLDER]

For each suite mmdebstrap makes a root (`fresh_root`). In it apt installs an older version with what
it depends on: `--older`, or this package under a lower version and with one file more. As an
unprivileged user it proves itself (`rejoin doctor --selftest`), opens a link by xdg-open on an X
server, and plays against an emulator *outside* that root: the connection is cut and has to come
back into the same game. Then the program is killed, the package upgraded, and `rejoin back` has to
lead into the same game, with the ticket, the settings and the token in the keyring that the older
version has left. Its probe decodes by VA-API on a stand-in for a graphics card
(stand_in_driver.c), and refuses one that is wrong or crashes. A libavutil that was made elsewhere
is put in the place of its own, and is the one that runs (LGPL-2.1, 6). Removed, nothing of it is
left, and the user's files are. Prints a line a step, and ends with 1 where one fails.

Needs root, mmdebstrap, Xvfb, xdotool, a C compiler with libva-dev, the folder `build` in which the
package was made, and Debian's archive. Not in the gate.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from av.packet import Packet

from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.errors import RejoinError
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.hardware_probe import clip
from rejoin.studio.address import Studio

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from fresh_root import USER, Failed, Process, Root, fresh_root  # noqa: E402
from shared import run_main  # noqa: E402

PATIENCE_S: Final = 120.0
OLDER_VERSION: Final = "0~older"
ONLY_IN_OLDER: Final = "/usr/lib/rejoin/_internal/only-in-the-older-version"
SETTING: Final = ("appearance.text_size", "125")
"""Is none of the defaults."""
KEYRING: Final = (
    *("dbus-run-session", "--", "sh", "-c"),
    "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1;"
    " until dbus-send --session --print-reply --dest=org.freedesktop.DBus /"
    " org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1;"
    ' do sleep 0.1; done; exec "$@"',
    "sh",
)
"""Before a command: it finds a desktop's keyring, which the user has unlocked."""
LINK: Final = "rejoin://play?backend=https%3A%2F%2Fplay.example"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Place:
    """Where a suite is proved. `root`: the system; `work`: a folder for what is made for it."""

    suite: str
    root: Root
    work: Path

    def say(self, text: str) -> None:
        print(f"{self.suite}: {text}", flush=True)


def older_of(package: Path, work: Path) -> Path:
    """The same program under a lower version and with one file more: what an upgrade replaces."""
    tree = work / "older"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(tree)], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text(encoding="utf-8").splitlines()
    lines = [f"Version: {OLDER_VERSION}" if each.startswith("Version:") else each for each in lines]
    control.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tree / ONLY_IN_OLDER.strip("/")).write_text("it has to go\n")
    made = work / f"rejoin_{OLDER_VERSION}.deb"
    build = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree), str(made)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return made


def install(root: Root, package: Path) -> str:
    """Returns the installed version."""
    copy = root.folder / "tmp" / package.name
    shutil.copy(package, copy)
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/tmp/{package.name}")
    copy.unlink()
    return root.run("dpkg-query", "--show", "--showformat=${Version}", "rejoin")


# --- links ----------------------------------------------------------------------------------------


def opens_links(root: Root) -> None:
    """xdg-open, given a link, starts Rejoin with it, and its window opens on an X server; Qt's own
    texts are there in the player's language."""
    asked = root.run("xdg-mime", "query", "default", "x-scheme-handler/rejoin", user=USER).strip()
    if asked != "rejoin.desktop":
        raise Failed(f"rejoin:// links are opened by {asked or 'nothing'}")
    root.run("rejoin", "settings", "set", "appearance.language", "de", user=USER)
    with x_server() as display:
        opening = subprocess.Popen(
            root.command("xdg-open", LINK, user=USER, display=display),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            program = seen(lambda: program_in(root, LINK), "Rejoin, started with the link")
            seen(lambda: window_on(display), "its window")
            maps = Path(f"/proc/{program.pid}/maps").read_text(encoding="utf-8")
            if "qtbase_de.qm" not in maps:
                raise Failed("Qt's German texts were not loaded")
        finally:
            root.end_processes()
            opening.wait()
    root.run("rejoin", "settings", "reset", "appearance.language", user=USER)


@contextmanager
def x_server() -> Iterator[str]:
    """An X server without a screen; its display."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-ac", "-nolisten", "tcp"]
    with subprocess.Popen(
        [*command, "-screen", "0", "1280x800x24"], pass_fds=[writing], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writing)
        try:
            with open(reading, encoding="ascii") as file:
                number = file.readline().strip()
            if not number:
                raise Failed("Xvfb did not start")
            yield f":{number}"
        finally:
            server.terminate()


def program_in(root: Root, *words: str) -> Process | None:
    """The running Rejoin with these words among its arguments."""
    for each in root.processes():
        if Path(each.arguments[0]).name == "rejoin" and set(words) <= set(each.arguments):
            return each
    return None


def window_on(display: str) -> str | None:
    """The window of Rejoin that is seen there."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", "Rejoin"],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "DISPLAY": display},
    )
    return found.stdout.strip() or None


# --- hardware, licences ---------------------------------------------------------------------------


def probes_hardware(root: Root) -> None:
    """The probe accepts a card that decodes right and refuses others; the doctor says which is
    used, and outlives a driver that crashes. The card is a stand-in, the rest is real."""
    place = "/opt/stand-in"
    folder = root.folder / place.strip("/")
    folder.mkdir()
    driver = "stand_in_drv_video.so"
    source = str(HERE / "stand_in_driver.c")
    compiler = ("cc", "-shared", "-fPIC", "-O2", "-w")
    subprocess.run([*compiler, "-o", str(folder / driver), source], check=True)
    codec = open_codec()
    with (folder / "pictures.nv12").open("wb") as file:
        for packet in clip():
            [frame] = codec.decode(Packet(packet))
            file.write(frame.to_ndarray(format="nv12").tobytes())
    node = root.folder / "dev/dri/renderD128"
    node.parent.mkdir(parents=True)
    os.mknod(node, stat.S_IFCHR, os.makedev(1, 3))
    node.chmod(0o666)
    card = (
        *("env", f"LD_PRELOAD={place}/{driver}", f"LIBVA_DRIVERS_PATH={place}"),
        *("LIBVA_DRIVER_NAME=stand_in", f"STAND_IN_PICTURES={place}/pictures.nv12"),
    )
    probe = ("rejoin", "--child-program", "hardware-probe", "vaapi")
    seen_as = {
        "": (0, ""),
        "wrong": (1, "its pictures differ from those decoded in software"),
    }
    for fault, (code, words) in seen_as.items():
        ended, said = unhurried(root, *card, f"STAND_IN_FAULT={fault}", *probe)
        if ended != code or words not in said:
            raise Failed(f"with a card that is {fault or 'right'} the probe said: {said}")
    for fault, words in (("", "(vaapi)"), ("crash", "in software")):
        doctor = (f"STAND_IN_FAULT={fault}", "rejoin", "doctor", "--json")
        _, said = unhurried(root, *card, *doctor)
        report = json.loads(said[said.index("{") :])
        [found] = (each["found"] for each in report["checks"] if each["check"] == "decoder")
        if words not in found:
            raise Failed(f"with a card that is {fault or 'right'} the doctor said: {found}")
    shutil.rmtree(node.parent)
    shutil.rmtree(folder)


def unhurried(root: Root, *command: str) -> tuple[int, str]:
    """As `Root.ended` for the user; again while a busy machine makes the stand-in too slow."""
    until = time.monotonic() + PATIENCE_S
    while True:
        code, said = root.ended(*command, user=USER)
        if "it is slow" not in said or time.monotonic() > until:
            return code, said


def library_can_be_replaced(root: Root, work: Path) -> str:
    """Put a libavutil of another build in the place of the package's; returns what then runs."""
    recipe = [sys.executable, str(HERE.parent / "ffmpeg" / "build.py"), "--replacement"]
    made = subprocess.run(
        [*recipe, str(work / "replacement")], check=True, stdout=subprocess.PIPE, text=True
    )
    other = Path(made.stdout.strip())
    ours = root.folder / "usr/lib/rejoin/_internal" / other.name
    kept = ours.with_name(other.name + ".kept")
    ours.rename(kept)
    shutil.copyfile(other, ours)
    [line] = (
        each
        for each in root.run("rejoin", "licences", user=USER).splitlines()
        if "is loaded" in each
    )
    if "-replaced is loaded" not in line:
        raise Failed(f"in place of the library that was put there: {line}")
    root.run("rejoin", "doctor", "--selftest", user=USER)
    kept.replace(ours)
    return line


# --- a game, and an upgrade in its middle ---------------------------------------------------------


class Game:
    """A game of the user, on an emulator outside of the root. `session`: the one that is played."""

    def __init__(self, root: Root, there: Studio) -> None:
        self._root = root
        self._there = there
        self._control = BlockingEmulatorControl(there.control_url, there.control_token)
        self.session: dict[str, Any] = {}

    def drop_and_rejoin(self) -> float:
        """Play, lose the connection, come back by itself; then the program is killed. Returns how
        long the way back took, in seconds."""
        token = self._root.folder / "home" / USER / "token"
        token.write_text(self._there.player_token, encoding="ascii")
        words = ("play", self._there.backend_url, "--token-file", f"/home/{USER}/token")
        with self._running(*words, "--network", "loopback") as program:
            self.session = seen(self._played, "a game that is played")
            self._control.inject(Fault(FaultKind.SILENCE))
            started = time.monotonic()
            self.session = seen(self._back, "the way back into the game")
            took = time.monotonic() - started
            token.unlink()
            os.kill(program.pid, signal.SIGKILL)
        seen(lambda: self._played() is None or None, "that the service misses the player")
        return took

    def back(self) -> None:
        """`rejoin back`, which knows game and token from what was kept."""
        with self._running("back") as program:
            self.session = seen(self._back, "the way back into the game after the upgrade")
            os.kill(program.pid, signal.SIGTERM)

    @contextmanager
    def _running(self, *words: str) -> Iterator[Process]:
        """`rejoin WORDS` with a keyring, until the body has ended it."""
        rest = ("--close-at-end", "--decoder", "software")
        command = self._root.command(*KEYRING, "rejoin", *words, *rest, user=USER)
        with subprocess.Popen(command) as playing:

            def program() -> Process | None:
                if playing.poll() is not None:
                    raise Failed(f"rejoin {words[0]} ended with {playing.returncode}")
                return program_in(self._root, words[0])

            try:
                yield seen(program, f"rejoin {words[0]}")
                playing.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                raise Failed(f"rejoin {words[0]} did not end") from None
            finally:
                self._root.end_processes()  # the keyring's, too

    def _played(self) -> dict[str, Any] | None:
        for session in self._control.state()["sessions"]:
            if session["status"] == "CONNECTED":
                return dict(session)
        return None

    def _back(self) -> dict[str, Any] | None:
        """The session, once it was left and is connected again. Raises Failed for another one."""
        session = self._played()
        if session is None or len(session["history"]) <= len(self.session["history"]):
            return None
        if session["session"] != self.session["session"]:
            raise Failed("another game was started")
        return session


@contextmanager
def studio() -> Iterator[Studio]:
    ports = ("--backend-port", "0", "--api-port", "0", "--control-port", "0")
    command = [sys.executable, "-P", "-m", "rejoin", "studio", "--announce", *ports]
    # It ends with its standard input. There is time for an upgrade on a busy machine.
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, "--connection-timeout", "3600"], stdin=pipe, stdout=pipe, text=True
    ) as running:
        try:
            assert running.stdout is not None
            yield Studio.from_json(running.stdout.readline())
        finally:
            running.terminate()


def seen(look: Callable[[], _T | None], what: str) -> _T:
    """What `look` finds. Raises Failed where it finds nothing in time."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise Failed(f"{what} was not seen within {PATIENCE_S:.0f} s")


def upgrade_in_a_game(place: Place, package: Path) -> None:
    """An older version plays, and the newer one goes on where it was killed."""
    root = place.root
    # The package recommends a keyring; everything up to here was done without one.
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "dbus", "gnome-keyring")
    root.run("rejoin", "settings", "set", *SETTING, user=USER)
    with studio() as there:
        game = Game(root, there)
        took = game.drop_and_rejoin()
        place.say(f"back in the same game {took:.1f} s after the connection was cut")
        version = install(root, package)
        if version == OLDER_VERSION or (root.folder / ONLY_IN_OLDER.strip("/")).exists():
            raise Failed(f"after the upgrade the version is {version}, or files of the older stay")
        root.run("rejoin", "doctor", "--selftest", user=USER)
        found = root.run("rejoin", "settings", "get", SETTING[0], user=USER).strip()
        if found != SETTING[1]:
            raise Failed(f"the upgrade has changed a setting to {found}")
        game.back()
    place.say(
        f"upgraded to {version} while the game waited: self-test passes, the setting is kept, and "
        "rejoin back leads into the same game with the ticket and the keyring's token"
    )


# --- the whole ------------------------------------------------------------------------------------


def remove(place: Place, before: set[str]) -> None:
    """Nothing of the package is left, and everything of the user. `before`: paths before it."""
    root = place.root
    of_user = {path for path in root.paths() if path.startswith(f"/home/{USER}/.")}
    if not {path.rpartition("/")[2] for path in of_user} >= {"settings.toml", "login.keyring"}:
        raise Failed("the user's settings or keyring are not where they are looked for")
    listed = set(root.run("dpkg-query", "--listfiles", "rejoin").splitlines())
    root.run("apt-get", "purge", "-y", "-qq", "rejoin")
    now = root.paths()
    others = set(root.run("sh", "-c", "cat /var/lib/dpkg/info/*.list").splitlines())
    left = (listed & now) - before - others
    left |= {path for path in now - before if "rejoin" in path and not path.startswith("/home/")}
    # What the system's triggers have made of the menu entry, and temporary files of the program.
    lists = ("/usr/share/applications", "/usr/share/mime", "/usr/share/icons/hicolor", "/etc")
    _, said = root.ended("grep", "--recursive", "--files-with-matches", "rejoin", *lists)
    left |= {line for line in said.splitlines() if line not in before and "No such" not in line}
    left |= set(root.run("find", "/tmp", "/run", "/var/tmp", "-user", USER).splitlines())
    if left:
        raise Failed("removing it left " + ", ".join(sorted(left)[:10]))
    running = [" ".join(each.arguments) for each in root.processes()]
    if running:
        raise Failed(f"still running: {running}")
    lost = of_user - now
    if lost:
        raise Failed(f"the user lost {sorted(lost)[:10]}")
    place.say(f"removed without leftovers; the user's {len(of_user)} files and folders are there")


def verify(place: Place, package: Path, older: Path) -> None:
    """Raises Failed."""
    root = place.root
    before = root.paths()
    version = install(root, older)
    place.say(f"{version} is installed with what it depends on, in a minimal system")
    root.run("rejoin", "doctor", "--selftest", user=USER)
    place.say("rejoin doctor --selftest passes")
    tree = ["appstreamcli", "validate-tree", "--no-net", str(root.folder)]
    if shutil.which(tree[0]):
        judged = subprocess.run(tree, check=False, capture_output=True, text=True)
        if judged.returncode:
            raise Failed(f"appstreamcli does not accept what is installed:\n{judged.stdout}")
    opens_links(root)
    place.say("xdg-open opens rejoin:// links with Rejoin, whose window opens")
    upgrade_in_a_game(place, package)
    probes_hardware(root)
    place.say("the hardware probe accepts a stand-in for a card, and refuses a wrong one")
    place.say(f"with another libavutil: {library_can_be_replaced(root, place.work)}")
    if "GPL-3.0" not in root.run("rejoin", "licences", "--full", user=USER):
        raise Failed("rejoin licences --full has no texts")
    bill = json.loads(root.run("rejoin", "licences", "--sbom", user=USER))
    place.say(f"rejoin licences prints a bill of {len(bill['components'])} components")
    remove(place, before)


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove the Debian package in fresh systems.")
    parser.add_argument("package", type=Path)
    parser.add_argument("--suite", action="append")
    parser.add_argument("--older", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/verify"))
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        print("Systems of their own are made and entered by root alone.", file=sys.stderr)
        return 1
    try:
        older = arguments.older or older_of(arguments.package, work)
        for suite in arguments.suite or ("bookworm", "trixie"):
            started = time.monotonic()
            with fresh_root(suite, work / suite) as root:
                verify(Place(suite, root, work), arguments.package, older)
            print(f"{suite}: proved in {time.monotonic() - started:.0f} s", flush=True)
    except (Failed, RejoinError) as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"FAILED: {error.cmd[0]} ended with {error.returncode}; see above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
