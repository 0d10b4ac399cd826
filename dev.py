#!/usr/bin/env python3
"""The commands of development, from `demo` and `test` to `package`: USAGE lists them.

Standard library only.

Every command first makes sure that `.venv` holds what `requirements.lock` says, and that a
Debian or Ubuntu has the packages that it needs; after the first run that takes well under a
second. Exit codes: 0 done, 1 a step failed, 2 this Python or these arguments cannot be used,
3 something is missing that only an administrator can install, 130 interrupted. `demo` has the
exit codes of `rejoin demo` (README.md).

Run on Linux only; the code for Windows and macOS has not been run.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "rejoin-setup.json"
LOCK = ROOT / "requirements.lock"

SITE_VENV = ROOT / ".venv-docs"
SITE_STAMP = SITE_VENV / "rejoin-setup.json"
SITE_LOCK = ROOT / "packaging" / "locks" / "docs.lock"
"""What makes the site has an environment of its own: it wants another docutils than the AWS CLI."""

PIP_OPTIONS = ("--progress-bar", "off", "--no-warn-script-location")

OLDEST = (3, 11)
NEWEST = (3, 13)

RUN_PACKAGES = (
    "python3-venv",
    "ca-certificates",
    "libgcc-s1",
    "libstdc++6",
    "libegl1",
    "libgl1",
    "libfontconfig1",
    "libglib2.0-0",
    "libdbus-1-3",
    "libxkbcommon0",
    "libxkbcommon-x11-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxcb-xkb1",
    "libportaudio2",
)
"""What Qt, TLS and PortAudio need on Debian 12, Debian 13 or Ubuntu."""

FONT_PACKAGES = ("fonts-dejavu-core",)
"""A machine without a display often has no fonts, and the screenshots need one."""

JAPANESE_FONT_PACKAGES = ("fonts-noto-cjk",)
"""For the Japanese ones; 90 MB."""

CARD_PACKAGES = (
    "libgl1-mesa-dri",
    "libglx-mesa0",
    "libegl-mesa0",
    "libopengl0",
    "libgles2",
    "libvulkan1",
    "mesa-vulkan-drivers",
)
"""A graphics card in software, for OpenGL and Vulkan."""

PACKAGE_PACKAGES = (
    *("dpkg-dev", "binutils", "patchelf", "xz-utils"),
    *("gcc", "make", "nasm", "pkg-config", "libopus-dev", "libva-dev", "zlib1g-dev"),
    "python3-dev",
)
VERIFY_PACKAGES = ("mmdebstrap", "xvfb", "xdotool", "appstream")
"""For the Debian package and the FFmpeg in it, and for the systems in which it is proved."""

RELEASE_PACKAGES = ("git", "minisign")

BENCH_PACKAGES = ("xvfb", "xauth", "postgresql", *CARD_PACKAGES)
"""For the benches of what draws, and of the backend."""

WAYLAND_PACKAGES = ("sway", "grim")
"""A Wayland compositor without a screen, and what takes its picture."""

SERVER_PACKAGES = ("nginx", "prometheus", "tinyproxy")
"""Servers that a test starts by itself; Debian would start them on ports of this machine."""

TEST_PACKAGES = (
    *("xvfb", "xauth", "xdotool", "iproute2", "nftables", "coturn", "postgresql", "systemd"),
    *("dbus", "gnome-keyring", "at-spi2-core", "python3-pyatspi"),
    *("appstream", "desktop-file-utils", "minisign", "nsis"),
    *SERVER_PACKAGES,
    *CARD_PACKAGES,
    *WAYLAND_PACKAGES,
    *FONT_PACKAGES,
    *JAPANESE_FONT_PACKAGES,
)
"""An X server, a TURN server, a database server, what makes network namespaces and their faults,
what reads systemd's units, a keyring, what a screen reader reads by, what checks metadata, signs
releases and compiles the installer for Windows, a reverse proxy, a proxy and what collects
metrics."""

NO_CLUSTER = (
    "mkdir -p /etc/postgresql-common && cd /etc/postgresql-common &&"
    ' (test -e createcluster.conf || echo "create_main_cluster = false" > createcluster.conf)'
)
"""Keeps Debian from starting a database server on port 5432; the tests start their own."""

POLICY = "/usr/sbin/policy-rc.d"
"""What Debian asks before a package starts its server; 101 is no (invoke-rc.d(8))."""

RELEASED_UPDATES = ROOT / "packaging" / "release" / "updates.json"
"""Written and committed by `dev.py release`."""

SHADERS = ROOT / "resources" / "shaders"
SHADER_TARGETS = ("--glsl", "300 es,150", "--hlsl", "50", "--msl", "12")
"""What the shaders are baked to, besides SPIR-V."""

SHADER_FILTERS = ("smooth", "sharp", "pixel", "mean")
"""The values of FILTER in `picture.frag`, in their order."""

GSTREAMER_PACKAGES = (
    "python3-gi",
    "gir1.2-gst-plugins-base-1.0",
    "gir1.2-gst-plugins-bad-1.0",
    "gstreamer1.0-nice",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
)
"""A stream host that others wrote, for tests. Debian 12, Debian 13 and Ubuntu have these names."""

NPM_FOLDERS = (ROOT / "tests" / "data" / "foreign_hosts", ROOT / "tests" / "data" / "oidc")
"""Have the npm packages of another stream host, and of an identity provider."""

BROWSER_PACKAGES = ("chromium", "libatomic1")
"""Chromium, and what Playwright's own Node.js needs. Only Debian has this package; elsewhere the
browser's test is skipped."""

USAGE = """\
usage: python3 dev.py COMMAND [flags]

  demo [flags]   play the demonstration; flags go to `rejoin demo` (try: demo --help)
  test [flags]   check, then every test; flags go to pytest
  check          style, types, layers, layout of tests and documents, the lock
  fuzz [seed]    fuzz emulator and media twenty times as long as `test`, with another seed
  bench [names]  measure, and write docs/performance-tables.md (bench --help)
  package [--verify] [--install] [--updates-url URL --updates-key KEY | --as-released]
                 make wheel, sdist, frozen program and Debian package in dist/; prove them;
                 install the last on this machine
  release VERSION --key FILE [--verify]
                 version, changelog, artefacts, checksums, signatures, tag (release --help)
  pictures       make the pictures of docs/player.md and docs/languages.md anew
  shaders        bake resources/shaders in an environment of 650 MB that is removed again
  texts          bring resources/languages up to date, and list what is not translated
  docs [--out FOLDER]
                 build the site from docs/ and the code into build/site; a broken link is an error
"""


class Stopped(Exception):
    """dev.py cannot go on; the text is a sentence for a person."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Step(NamedTuple):
    """One program to run, and others `beside` it at the same time.

    `skipped`: why it is not run. `nothing`: the exit code that means that there was nothing to do.
    `apart`: what each of them says is shown in one piece, when it has ended. `quiet`: it says
    nothing for long, so that its progress is shown.
    """

    name: str
    command: list[str]
    env: dict[str, str] | None = None
    skipped: str = ""
    nothing: int | None = None
    beside: tuple[list[str], ...] = ()
    apart: bool = False
    quiet: bool = False


def say(text: str) -> None:
    print(text, flush=True)


# --- progress ------------------------------------------------------------------------------------

SHOWN_AFTER_S = 2.0
DRAWN_EVERY_S = 0.25
LINE_EVERY_S = 60.0
BAR = 30


class Shown:
    """Shows on standard error what runs now: one line on a terminal, elsewhere a line a minute.

    `share`: of the work that is done; None: nobody knows, and the time so far is shown. `note`:
    what is being done. `hear_*` take them from lines of a program. No colours and no escape codes.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.share: float | None = None
        self.note = ""
        self._pip_seen = 0
        self._began_at = time.monotonic()
        self._drawn = 0
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Shown:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._clear()

    def say(self, text: str) -> None:
        with self._lock:
            self._clear()
            say(text)

    def complain(self, text: str) -> None:
        with self._lock:
            self._clear()
            print(text, file=sys.stderr, flush=True)

    def line(self) -> str:
        took_s, share = time.monotonic() - self._began_at, self.share
        note = f"  {self.note}" if self.note else ""
        if not share:
            return f"{self.label}  {clock_time(took_s)} so far{note}"
        bar = f"[{'#' * round(BAR * share):-<{BAR}}]"
        left = clock_time(took_s * (1 - share) / share)
        return f"{self.label} {bar} {share:4.0%}  about {left} left{note}"

    def hear_apt(self, line: str) -> None:
        """Of `APT::Status-Fd`: packages are fetched, then installed."""
        found = re.match(r"(dl|pm)status:.*?:([0-9.]+):", line)
        if found:
            self.share = float(found[2]) / 200 + (0.5 if found[1] == "pm" else 0.0)

    def hear_pip(self, line: str, packages: int) -> None:
        if line.startswith(("Collecting ", "Ignoring ", "Requirement already")):
            self._pip_seen += 1
            self.note = f"{min(self._pip_seen, packages)} of {packages} packages"
        elif line.startswith("Installing collected"):
            self.note = "installing them"

    def _watch(self) -> None:
        terminal = sys.stderr.isatty()
        wait_s = SHOWN_AFTER_S if terminal else LINE_EVERY_S
        while not self._over.wait(wait_s):
            with self._lock:
                if terminal:
                    line = self.line()[: shutil.get_terminal_size().columns - 1]
                    print("\r" + line.ljust(self._drawn), end="", file=sys.stderr, flush=True)
                    self._drawn = len(line)
                    wait_s = DRAWN_EVERY_S
                else:
                    print(self.line(), file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._drawn:
            print("\r" + " " * self._drawn + "\r", end="", file=sys.stderr, flush=True)
            self._drawn = 0


def clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def percent_of(text: str) -> float | None:
    """The share that pytest has last said, at the end of a line of its dots."""
    found = re.findall(r"\[ *([0-9]+)%\]", text)
    return int(found[-1]) / 100 if found else None


# --- the machine ---------------------------------------------------------------------------------


def unsuitable_python(version: tuple[int, int]) -> str | None:
    """Why this Python cannot be used, in one sentence, or None."""
    if OLDEST <= version <= NEWEST:
        return None
    return (
        f"Rejoin needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, and this is "
        f"{version[0]}.{version[1]}. Run it with another one, such as: python3.{OLDEST[1]} dev.py"
    )


def is_debian(os_release: str) -> bool:
    """Whether an /etc/os-release is that of Debian or of a system derived from it."""
    words: set[str] = set()
    for line in os_release.splitlines():
        key, _, value = line.partition("=")
        if key in ("ID", "ID_LIKE"):
            words.update(value.strip().strip("\"'").split())
    return bool(words & {"debian", "ubuntu"})


def browser_packages() -> tuple[str, ...]:
    """The packages of the browser that a test drives, on Debian."""
    os_release = Path("/etc/os-release")
    text = os_release.read_text(encoding="utf-8", errors="replace") if os_release.exists() else ""
    return BROWSER_PACKAGES if has_chromium_package(text) else ()


def has_chromium_package(os_release: str) -> bool:
    """Whether an /etc/os-release is that of Debian itself."""
    return any(line.strip().replace('"', "") == "ID=debian" for line in os_release.splitlines())


def installed_packages(listing: str) -> set[str]:
    """Names that dpkg knows as installed, with those they provide (Ubuntu renames some)."""
    names: set[str] = set()
    for line in listing.splitlines():
        status, _, rest = line.partition("\t")
        if status.strip().endswith("i"):
            package, _, provides = rest.partition("\t")
            names.add(package)
            names.update(part.split()[0] for part in provides.split(",") if part.strip())
    return names


def missing_packages(wanted: tuple[str, ...]) -> list[str]:
    """Which of these packages are missing, on Debian and its derivatives; none elsewhere."""
    os_release = Path("/etc/os-release")
    if not sys.platform.startswith("linux") or not os_release.exists():
        return []
    if not is_debian(os_release.read_text(encoding="utf-8", errors="replace")):
        return []
    query = ["dpkg-query", "-W", "-f=${db:Status-Abbrev}\t${Package}\t${Provides}\n"]
    listing = subprocess.run(query, stdout=subprocess.PIPE, check=True).stdout
    have = installed_packages(listing.decode(errors="replace"))
    missing = [name for name in wanted if name not in have]
    if "python3-venv" in missing and importlib.util.find_spec("ensurepip"):
        missing.remove("python3-venv")  # this Python is not Debian's and brings its own
    return missing


def succeeds(command: list[str], *, silent: bool) -> bool:
    """Whether a command ends with 0. Its output is hidden, its errors only if `silent`."""
    errors = subprocess.DEVNULL if silent else None
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=errors)
    return done.returncode == 0


def succeeds_shown(
    command: list[str], shown: Shown, hear: Callable[[str], None], *, silent: bool
) -> bool:
    """The same, with progress: the lines of its output go to `hear`, its errors above the bar."""
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if silent else subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )

    def complain() -> None:
        for line in child.stderr or ():
            shown.complain(line.rstrip("\n"))

    complaining = threading.Thread(target=complain, daemon=True)
    complaining.start()
    with child:
        for line in child.stdout or ():
            hear(line)
        complaining.join()
    return child.returncode == 0


def apt_prefix() -> list[str] | None:
    """What to put before apt-get to install packages; None if this user may not install any."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and succeeds(["sudo", "-n", "true"], silent=True):
        return ["sudo", "-n"]
    return None


def without_servers(command: str, servers: list[str]) -> str:
    """A shell command that runs `command`, which installs these servers' packages, so that none is
    started, now or when the machine starts. A policy of this machine's own stays as it is."""
    disabled = "".join(f"update-rc.d {name} disable; " for name in servers)
    return (
        f"made=; if ! test -e {POLICY}; then made={POLICY};"
        f" printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}; fi;"
        f' trap \'test -z "$made" || rm -f "$made"\' EXIT;'
        f" {command}; code=$?; test $code -ne 0 || {{ {disabled}}}; exit $code"
    )


def install_packages(wanted: tuple[str, ...]) -> None:
    """Install what is missing, or print the line that an administrator has to run."""
    missing = missing_packages(wanted)
    if not missing:
        return
    line = "apt-get install --no-install-recommends -y " + " ".join(missing)
    servers = [name for name in missing if name in SERVER_PACKAGES]
    if servers:
        line = without_servers(line, servers)
    if "postgresql" in missing:
        line = f"{NO_CLUSTER} && {line}"
    prefix = apt_prefix()
    if prefix is None:
        raise Stopped(
            "These Debian packages are missing. As an administrator run this, then try again:\n"
            f"  sudo sh -c {shlex.quote('apt-get update && ' + line)}",
            3,
        )
    say("Installing Debian packages: " + " ".join(missing))
    if "postgresql" in missing:
        succeeds([*prefix, "sh", "-c", NO_CLUSTER], silent=True)
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    apt += ["-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "APT::Status-Fd=1"]
    install = [*apt, "install", "--no-install-recommends", "-y", *missing]
    if servers:
        install = ["sh", "-c", without_servers(shlex.join(install), servers)]
    update, install = [*prefix, *apt, "update"], [*prefix, *install]
    # The package lists are updated only if they are missing or too old.
    with Shown("Debian packages") as shown:
        if succeeds_shown(install, shown, shown.hear_apt, silent=True):
            return
        done = succeeds(update, silent=False) and succeeds_shown(
            install, shown, shown.hear_apt, silent=False
        )
    if not done:
        raise Stopped("The packages could not be installed. To see why, run:\n  " + line, 3)


# --- the environment -----------------------------------------------------------------------------


def tool(name: str, venv: Path | None = None) -> str:
    """Path of a program in the environment."""
    venv = venv or VENV
    if os.name == "nt":
        return str(venv / "Scripts" / (name + ".exe"))
    return str(venv / "bin" / name)


def setup_key(*files: Path) -> str:
    """A digest of everything that determines the environment."""
    digest = hashlib.sha256()
    for file in files or (LOCK, ROOT / "pyproject.toml"):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    place = f"{sys.version_info[:3]} {ROOT}"
    digest.update(place.encode())
    return digest.hexdigest()


def stamped_key(file: Path | None = None) -> str | None:
    try:
        stamp = json.loads((file or STAMP).read_text(encoding="utf-8"))
        return str(stamp["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def venv_is_usable() -> bool:
    """Whether `.venv` runs, is where it was made, and has this Python's version and pip."""
    version = tuple(sys.version_info[:2])
    probe = f"import pip, sys; print(sys.version_info[:2] == {version}, sys.prefix)"
    try:
        answer = subprocess.run(
            [tool("python"), "-c", probe],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    matches, _, prefix = answer.stdout.decode(errors="replace").strip().partition(" ")
    return answer.returncode == 0 and matches == "True" and Path(prefix).resolve() == VENV.resolve()


def make_venv(venv: Path, *flags: str) -> None:
    python = getattr(sys, "_base_executable", None) or sys.executable
    say(f"Making the environment {venv.name}")
    command = [python, "-m", "venv", "--clear", *flags, str(venv)]
    with Shown(venv.name):
        made = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    if made.returncode:
        raise Stopped(
            "The virtual environment could not be made:\n" + made.stdout.decode(errors="replace"), 3
        )


def pip(*arguments: str, packages: int) -> None:
    """`packages`: about how many there are."""
    command = [tool("python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    with Shown("pip") as shown:
        done = succeeds_shown(
            [*command, *arguments],
            shown,
            lambda line: shown.hear_pip(line, packages),
            silent=False,
        )
    if not done:
        raise Stopped("pip could not install what the lock names; see above.", 1)


def pip_lock(lock: Path, *where: str) -> None:
    """Install what this lock names, into `.venv` or `where` pip is sent."""
    count = len(re.findall(r"^[\w.-]+(?:\[[^]]*\])?==", lock.read_text("utf-8"), re.MULTILINE))
    locked = ("--only-binary", ":all:", "--require-hashes", "-r", str(lock))
    pip(*where, "install", *PIP_OPTIONS, *locked, packages=count)


def set_up(packages: tuple[str, ...]) -> None:
    """Install what the machine and `.venv` lack; returns quickly if nothing is missing."""
    install_packages(packages)
    key = setup_key()
    if stamped_key() == key and Path(tool("python")).exists():
        return
    started = time.monotonic()
    if not venv_is_usable():
        make_venv(VENV)
    say("Installing what requirements.lock names into .venv (once; it may take some minutes)")
    pip_lock(LOCK)
    editable = ("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    pip("install", *PIP_OPTIONS, *editable, packages=1)
    STAMP.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")
    say(f"Ready after {time.monotonic() - started:.0f} s")


def set_up_site() -> None:
    """The environment of what makes the site, which `.venv`'s pip fills; needs `set_up` before."""
    key = setup_key(SITE_LOCK)
    python = tool("python", SITE_VENV)
    if stamped_key(SITE_STAMP) == key and Path(python).exists():
        return
    make_venv(SITE_VENV, "--without-pip")
    pip_lock(SITE_LOCK, "--python", python)
    SITE_STAMP.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")


def install_npm_packages(folder: Path) -> None:
    """Install what the folder's package-lock.json names, where there is npm.

    Without them the test that needs them is skipped, and says why.
    """
    npm = shutil.which("npm")
    lock = (folder / "package-lock.json").read_bytes()
    stamp = folder / "node_modules" / "rejoin-setup.txt"
    key = hashlib.sha256(lock).hexdigest()
    if npm is None or (stamp.exists() and stamp.read_text(encoding="ascii") == key):
        return
    say(f"Installing the npm packages of tests/data/{folder.name}, for tests")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    with Shown("npm"):
        code = subprocess.run(command, check=False, cwd=str(folder)).returncode
    if code == 0:
        stamp.write_text(key, encoding="ascii")
    else:
        say("npm could not install them; the tests that need them are skipped.")


# --- steps ---------------------------------------------------------------------------------------


def run(env: dict[str, str] | None, *commands: list[str]) -> int:
    """Run these at the same time, to their end; the first exit code that is not 0.

    An interrupt also reaches the children, which get time to clean up.
    """
    environ = {**os.environ, **(env or {})}
    children = [subprocess.Popen(command, cwd=str(ROOT), env=environ) for command in commands]
    with ended_when_interrupted(children):
        codes = [child.wait() for child in children]
    return next((code for code in codes if code), 0)


def run_shown(
    shown: Shown, env: dict[str, str] | None, *commands: list[str], apart: bool = False
) -> int:
    """The same, with progress. What they say is shown line by line, or with `apart` in one piece
    for each. Then the share that is done is that of the slowest, if all of them say theirs, as
    pytest does. Nothing that they say after an interrupt is shown: it is a traceback."""
    environ = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1"}
    heard: list[list[str]] = [[] for _ in commands]
    interrupted = threading.Event()
    children = [
        subprocess.Popen(
            command,
            cwd=str(ROOT),
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        for command in commands
    ]

    def hear(number: int) -> None:
        out = children[number].stdout
        assert out is not None
        with out:
            for line in out:
                heard[number].append(line)
                if apart:
                    shown.share = share_of_all(children, heard)
                elif not interrupted.is_set():
                    shown.say(line.rstrip("\n"))

    threads = [threading.Thread(target=hear, args=(number,)) for number in range(len(children))]
    for thread in threads:
        thread.start()
    with ended_when_interrupted(children):
        try:
            for number, command in enumerate(commands):
                code = children[number].wait()
                threads[number].join()
                if apart:
                    shown.say(f"-- {shlex.join(command)}: {code}\n{''.join(heard[number])}")
        except KeyboardInterrupt:
            interrupted.set()
            raise
    return next((child.returncode for child in children if child.returncode), 0)


def share_of_all(
    children: Sequence[subprocess.Popen[Any]], heard: Sequence[Sequence[str]]
) -> float | None:
    """That of the slowest; None where one of them has not said its own."""
    shares = [
        1.0 if child.poll() is not None else percent_of("".join(lines[-3:]))
        for child, lines in zip(children, heard, strict=True)
    ]
    known = [share for share in shares if share is not None]
    return min(known) if len(known) == len(shares) else None


@contextlib.contextmanager
def ended_when_interrupted(children: list[subprocess.Popen[Any]]) -> Iterator[None]:
    """An interrupt of this program reaches its children as well; each has ten seconds to end."""
    try:
        yield
    except KeyboardInterrupt:
        for child in children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        raise


def run_steps(steps: list[Step]) -> int:
    """Run every step, even after a failure, then print a table of the results."""
    rows: list[tuple[str, str, float]] = []
    failed = False
    for step in steps:
        if step.skipped:
            rows.append((step.name, "skipped: " + step.skipped, 0.0))
            continue
        commands = [step.command, *step.beside]
        say(f"\n== {step.name}: {' & '.join(shlex.join(command) for command in commands)}")
        started = time.monotonic()
        if step.apart or step.quiet:
            with Shown(step.name) as shown:
                code = run_shown(shown, step.env, *commands, apart=step.apart)
        else:
            code = run(step.env, *commands)
        if code == 0:
            result = "ok"
        elif code == step.nothing:
            result = "nothing to do"
        else:
            result = f"FAILED ({code})"
            failed = True
        rows.append((step.name, result, time.monotonic() - started))
    say("")
    for name, result, seconds in rows:
        say(f"{name:16} {seconds:7.1f} s  {result}")
    return 1 if failed else 0


def check_steps() -> list[Step]:
    return [
        Step("ruff check", [tool("ruff"), "check", "."], quiet=True),
        Step("ruff format", [tool("ruff"), "format", "--check", "."], quiet=True),
        mypy_step(),
        Step("layers", [tool("lint-imports"), "--no-logo"], quiet=True),
    ]


def mypy_step() -> Step:
    """Types for every Python that is supported, whichever runs this."""
    targets = [f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    first, *others = [[tool("mypy"), "--python-version", target] for target in targets]
    return Step("mypy", first, beside=tuple(others), quiet=True)


def layout_step() -> Step:
    files = [
        *("tests/test_layout.py", "tests/test_docs.py", "tests/test_lock.py"),
        "tests/test_translations.py",
    ]
    return Step("layout and lock", [tool("python"), "-m", "pytest", "-q", *files])


LANES = (
    ("tests/backend", "tests/cli", "tests/core"),
    ("tests/emulator", "tests/rtc", "tests/runtime", "tests/signaling"),
    ("tests/gui",),
    ("tests/verify", "tests/input_module", "tests/media"),
)
"""Tests in processes at the same time, by how much they wait; one more has all others."""


def lanes() -> list[list[str]]:
    """The tests that start no programs and play no games: pytest's arguments for each process."""
    taken = [f"--ignore={folder}" for lane in LANES for folder in lane]
    return [["-m", "not live and not x11", *lane] for lane in (*LANES, taken)]


def live_lanes() -> list[list[str]]:
    """The tests that start programs or play games, in two parts that run at the same time: most of
    their time they wait. A part has every other file, since neighbours resemble each other."""
    files = marked("live")
    return [["-m", "live and not x11", *files[part::2]] for part in range(2)]


def marked(mark: str) -> list[str]:
    """The files with tests of this mark: pytest need not read all the others."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        str(file.relative_to(ROOT))
        for file in files
        if f"mark.{mark}" in file.read_text(encoding="utf-8")
    ]


def test_steps(flags: list[str]) -> list[Step]:
    pytest = [tool("python"), "-m", "pytest"]
    xvfb = shutil.which("xvfb-run")
    screen = [xvfb or "xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    no_screen = "" if xvfb else "there is no xvfb-run here"
    coverage = [tool("python"), str(ROOT / "tests" / "engine_coverage.py")]
    if flags:
        on_x = [*screen, *pytest, "-m", "x11", *flags]
        return [
            *check_steps(),
            Step("tests", [*pytest, "-m", "not x11", *flags], env=offscreen, nothing=5),
            Step("X tests", on_x, env={"QT_QPA_PLATFORM": "xcb"}, skipped=no_screen, nothing=5),
        ]
    quiet = [*pytest, "-q", "-p", "no:cacheprovider"]  # of which there is one in this folder
    first, *others = [[*quiet, *lane] for lane in lanes()]
    first_live, *others_live = [[*quiet, *lane] for lane in live_lanes()]
    if xvfb:
        xcb = ["env", "QT_QPA_PLATFORM=xcb"]
        others_live.append([*screen, *xcb, *quiet, "-m", "x11", *marked("x11")])
    return [
        *check_steps(),
        Step("tests", first, env=offscreen, beside=tuple(others), apart=True),
        Step("live and X tests", first_live, env=offscreen, beside=tuple(others_live), apart=True),
        *([Step("X tests", [], skipped=no_screen)] if no_screen else []),
        Step("engine coverage", coverage, quiet=True),
    ]


# --- commands -------------------------------------------------------------------------------------


def has_display(platform: str, environ: dict[str, str]) -> bool:
    """Whether a window can open; Windows and macOS always have a desktop."""
    if platform in ("win32", "darwin"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def demo_flags(flags: list[str], display: bool) -> list[str]:
    """The arguments of `rejoin demo`: an output folder and, without a display, --headless."""
    headless = [] if display or "--headless" in flags else ["--headless"]
    return ["--out", os.path.join(".", "demo-out"), *headless, *flags]


def demo(flags: list[str]) -> int:
    arguments = demo_flags(flags, has_display(sys.platform, dict(os.environ)))
    set_up(RUN_PACKAGES + (FONT_PACKAGES if "--headless" in arguments else ()))
    command = [tool("rejoin"), "demo", *arguments]
    if os.name == "nt":
        return subprocess.call(command)
    sys.stdout.flush()
    return os.execv(command[0], command)


def test(flags: list[str]) -> int:
    set_up(RUN_PACKAGES + TEST_PACKAGES + GSTREAMER_PACKAGES + browser_packages())
    set_up_site()
    for folder in NPM_FOLDERS:
        install_npm_packages(folder)
    return run_steps(test_steps(flags))


def check(flags: list[str]) -> int:
    if flags:
        raise Stopped("check takes no flags.\n" + USAGE, 2)
    set_up(RUN_PACKAGES)
    return run_steps([*check_steps(), layout_step()])


def bench(flags: list[str]) -> int:
    set_up(RUN_PACKAGES + BENCH_PACKAGES)
    environ = {"PYTHONPATH": str(ROOT / "tests"), "QT_QPA_PLATFORM": "offscreen"}
    return run(environ, [tool("python"), "-m", "bench", *flags])


def check_root(command: str, flags: list[str]) -> None:
    """For the flag --verify. Raises Stopped."""
    if os.name == "posix" and os.geteuid() != 0:
        raise Stopped(
            f"{command} --verify makes systems of their own and enters them, as only root may:\n"
            f"  sudo {shlex.join(['python3', 'dev.py', command, *flags])}",
            3,
        )


def package(flags: list[str]) -> int:
    """Make what a player can install, in `dist/`: each from the one before."""
    verify, install, updates = package_flags(flags)
    if verify:
        check_root("package", flags)
    if install:
        check_dpkg_deb()
    set_up(RUN_PACKAGES + PACKAGE_PACKAGES + (VERIFY_PACKAGES if verify else ()))
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    rows: list[tuple[str, float, float]] = []
    steps = package_steps(updates, verify=verify)
    for number, (name, command) in enumerate(steps, 1):
        started, worked = time.monotonic(), children_cpu_s()
        with Shown(f"step {number} of {len(steps)}: {name}") as shown:
            shown.say(f"\n== step {number} of {len(steps)}: {name}")
            if run_shown(shown, None, [made_by_now(word, dist) for word in command]):
                shown.say(f"{name}: FAILED; see above.")
                return 1
        rows.append((name, time.monotonic() - started, children_cpu_s() - worked))
    say("\n  seconds  of processors")
    for name, seconds, cpu_s in rows:
        say(f"{seconds:9.1f} {cpu_s:9.1f}   {name}")
    say("")
    for path in [*sorted(dist.iterdir()), *sorted((dist / "sources").glob("*"))]:
        say(f"{size_of(path) / 1e6:9.2f} MB  {path.relative_to(dist)}")
    if install:
        install_made(next(dist.glob("*.deb")))
    return 0


def check_dpkg_deb() -> None:
    """For the flag --install: without this program, which every Debian has, there is no Debian
    package. Raises Stopped."""
    if shutil.which("dpkg-deb") is None:
        raise Stopped(
            "package --install needs dpkg-deb to make a Debian package, and it is missing here.\n"
            "Without --install, the wheel, the sdist and the frozen program are made.",
            1,
        )


def install_made(package: Path) -> None:
    """Install the Debian package that was made, or say which line does. Raises Stopped."""
    line = ["apt-get", "install", "--no-install-recommends", "-y", str(package)]
    prefix = apt_prefix()
    if prefix is None:
        raise Stopped(f"As an administrator run this:\n  sudo {shlex.join(line)}", 3)
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *line]
    if run(None, apt):
        raise Stopped("apt could not install it; see above.", 1)


def package_steps(updates: list[str], *, verify: bool) -> list[tuple[str, list[str]]]:
    """Names and command lines, in their order, with words as `made_by_now` reads them."""
    recipes, python = ROOT / "packaging", tool("python")
    program = ROOT / "dist" / "rejoin" / ("rejoin.exe" if os.name == "nt" else "rejoin")

    def recipe(name: str, *arguments: str) -> list[str]:
        return [python, str(recipes / name), *arguments]

    steps = [
        ("wheel and sdist", recipe("wheel/build.py")),
        ("frozen program", recipe("frozen/build.py", "--wheel", "dist:*.whl", *updates)),
        ("notice and bill of materials", recipe("licences/build.py")),
    ]
    debian = shutil.which("dpkg-deb") is not None
    if debian:
        steps.append(("Debian package", recipe("deb/build.py")))
    if verify:
        steps.append(("proof of wheel and sdist", recipe("wheel/verify.py")))
        steps.append(("proof of the frozen program", [str(program), "doctor", "--selftest"]))
    if verify and debian:
        steps.append(("proof of the Debian package", recipe("deb/verify.py", "dist:*.deb")))
    return steps


def made_by_now(word: str, dist: Path) -> str:
    """A word of a command line; "dist:PATTERN" is the file that an earlier step has made."""
    kind, _, pattern = word.partition(":")
    return str(next(dist.glob(pattern))) if kind == "dist" else word


def children_cpu_s() -> float:
    """Processor time of all programs that have ended so far."""
    times = os.times()
    return times.children_user + times.children_system


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


class PackageFlags(NamedTuple):
    """Whether to prove what is made and to install it, and what is put into the build."""

    verify: bool
    install: bool
    updates: list[str]


def package_flags(flags: list[str]) -> PackageFlags:
    """Raises Stopped."""
    parser = argparse.ArgumentParser(
        prog="dev.py package", exit_on_error=False, add_help=False, allow_abbrev=False
    )
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--updates-url")
    parser.add_argument("--updates-key")
    parser.add_argument("--as-released", action="store_true")
    try:
        found, others = parser.parse_known_args(flags)
    except argparse.ArgumentError as error:
        raise Stopped(f"package: {error}\n" + USAGE, 2) from None
    if others:
        raise Stopped(f"package does not take {others[0]}.\n" + USAGE, 2)
    url, key = found.updates_url, found.updates_key
    if (url is None) != (key is None) or (url is not None and found.as_released):
        raise Stopped(
            "package takes --updates-url and --updates-key together, or --as-released.\n" + USAGE, 2
        )
    if found.as_released:
        url, key = released_updates(RELEASED_UPDATES)
    updates = [] if url is None else ["--updates-url", url, "--updates-key", key]
    return PackageFlags(found.verify, found.install, updates)


def released_updates(file: Path) -> tuple[str | None, str]:
    """Address and key of the feed that `dev.py release` has put into this commit; no address: it
    has put none there. Raises Stopped."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return str(content["updates_url"]), str(content["updates_key"])
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError):
        raise Stopped(f"{file} cannot be read.", 1) from None


def release(flags: list[str]) -> int:
    """Make a release of this checkout; nothing is pushed."""
    verify = "--verify" in flags
    if verify:
        check_root("release", flags)  # before anything is committed
    wanted = VERIFY_PACKAGES if verify else ()
    set_up(RUN_PACKAGES + PACKAGE_PACKAGES + RELEASE_PACKAGES + wanted)
    return run(None, [tool("python"), str(ROOT / "packaging" / "release" / "release.py"), *flags])


def pictures(flags: list[str]) -> int:
    if flags:
        raise Stopped("pictures takes no flags.\n" + USAGE, 2)
    set_up(RUN_PACKAGES + FONT_PACKAGES + JAPANESE_FONT_PACKAGES)
    guide = [tool("python"), str(ROOT / "tests" / "gui" / "guide.py")]
    with Shown("pictures") as shown:
        return run_shown(shown, {"QT_QPA_PLATFORM": "offscreen"}, guide)


def shaders(flags: list[str]) -> int:
    """Bake every shader, with the Qt that the lock names. Its baker is in a package that nothing
    else here needs, so it is installed for this alone and removed again."""
    if flags:
        raise Stopped("shaders takes no flags.\n" + USAGE, 2)
    version = locked_version("pyside6-essentials", LOCK.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        python = getattr(sys, "_base_executable", None) or sys.executable
        programs = Path(folder) / ("Scripts" if os.name == "nt" else "bin")
        say(f"Installing PySide6-Addons {version} into a folder that is removed again")
        install = [str(programs / "python"), "-m", "pip", "install", "--quiet"]
        for command in (
            [python, "-m", "venv", folder],
            [*install, "--only-binary", ":all:", f"PySide6-Addons=={version}"],
        ):
            with Shown("shader baker"):
                code = subprocess.run(command, check=False).returncode
            if code:
                raise Stopped("The environment for Qt's shader baker could not be made.", 1)
        baked = {}
        for source, target, defines in shader_targets():
            qsb = [str(programs / "pyside6-qsb"), *SHADER_TARGETS, *defines, "-o", str(target)]
            if subprocess.run([*qsb, str(source)], check=False).returncode:
                raise Stopped(f"{source.name} cannot be baked; see above.", 1)
            baked[target.name] = {
                "source": source.name,
                "source_sha256": digest_of(source),
                "baked_sha256": digest_of(target),
            }
    record = {"qt": version, "targets": list(SHADER_TARGETS), "shaders": baked}
    (SHADERS / "baked.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    say("baked: " + ", ".join(baked))
    return 0


def texts(flags: list[str]) -> int:
    """Bring the catalogues of the window's languages up to date, and list what is missing."""
    if flags:
        raise Stopped("texts takes no flags.\n" + USAGE, 2)
    set_up(RUN_PACKAGES)
    with Shown("texts") as shown:
        return run_shown(shown, None, [tool("python"), str(ROOT / "tests" / "texts_tool.py")])


def docs(flags: list[str]) -> int:
    """Build the site; the pages are made with `.venv`, since references come from the code."""
    set_up(RUN_PACKAGES)
    set_up_site()
    command = [tool("python"), "-m", "docs_site", "--sphinx", tool("python", SITE_VENV), *flags]
    return run({"PYTHONPATH": str(ROOT / "tests")}, command)


def shader_targets() -> list[tuple[Path, Path, list[str]]]:
    """What is baked from which source, and with which definitions."""
    found = [(SHADERS / "picture.vert", SHADERS / "picture.vert.qsb", list[str]())]
    for number, name in enumerate(SHADER_FILTERS):
        target = SHADERS / f"picture.{name}.frag.qsb"
        found.append((SHADERS / "picture.frag", target, ["-D", f"FILTER={number}"]))
    return found


def digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def locked_version(package: str, lock: str) -> str:
    """The version of a package in a lock; raises Stopped if it has none."""
    for line in lock.splitlines():
        name, separator, rest = line.partition("==")
        if separator and name.strip() == package:
            return rest.split()[0].rstrip(";\\")
    raise Stopped(f"requirements.lock does not name {package}.", 1)


FUZZ = ["tests/emulator/test_fuzz.py", "tests/rtc/test_hostile_media.py"]


def fuzz(flags: list[str]) -> int:
    if len(flags) > 1:
        raise Stopped("fuzz takes one seed at most.\n" + USAGE, 2)
    set_up(RUN_PACKAGES + TEST_PACKAGES)
    seed = flags[0] if flags else str(time.time_ns())
    env = {"REJOIN_FUZZ_TIMES": "20", "REJOIN_FUZZ_SEED": seed, "QT_QPA_PLATFORM": "offscreen"}
    say(f"seed {seed}")
    pytest = [tool("python"), "-m", "pytest", "--timeout=3600", *FUZZ]
    return run(env, pytest)


COMMANDS = {
    "demo": demo,
    "test": test,
    "check": check,
    "fuzz": fuzz,
    "bench": bench,
    "package": package,
    "release": release,
    "pictures": pictures,
    "shaders": shaders,
    "texts": texts,
    "docs": docs,
}


HAVE_HELP = ("demo", "test", "bench", "docs", "release")
"""Their own programs answer --help."""


def main(arguments: list[str]) -> int:
    complaint = unsuitable_python((sys.version_info[0], sys.version_info[1]))
    if complaint:
        print(complaint, file=sys.stderr)
        return 2
    if not arguments or arguments[0] not in COMMANDS:
        asked = bool(arguments) and arguments[0] in ("-h", "--help", "help")
        print(USAGE, end="", file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    if arguments[0] not in HAVE_HELP and {"-h", "--help"} & set(arguments[1:]):
        print(USAGE, end="")
        return 0
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except Stopped as stopped:
        print(str(stopped), file=sys.stderr)
        return stopped.exit_code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
