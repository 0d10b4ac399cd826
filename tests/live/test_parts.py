"""Programs where only some parts are installed, or a system library is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.parts import environment_with, modules_outside
from helpers.programs import run, started
from rejoin.studio.address import Studio

pytestmark = pytest.mark.live

ANY_PORTS = ("--backend-port", "0", "--api-port", "0", "--control-port", "0")
WITHOUT_LIBGL = {"PySide6.QtGui": "libGL.so.1"}
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries of Linux")

LISTS_MODULES = """\
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
from rejoin.cli.main import main
main()
"""
"""Runs `rejoin` and prints every module that was imported to standard error."""


def imported(*arguments: str, environment: dict[str, str] | None = None) -> tuple[str, set[str]]:
    """What `rejoin ARGUMENTS` prints, and every module that it imports."""
    done = subprocess.run(
        [sys.executable, "-c", LISTS_MODULES, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
    )
    return done.stdout, set(done.stderr.split())


VERBS = (
    *("play", "back", "demo", "doctor", "practice", "studio", "backend"),
    *("sign-in", "sign-out"),
)
QA_VERBS = ("simulate", "trace", "score", "run", "diagram", "check")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("nonsense",),
        *((verb, "--help") for verb in VERBS),
        *(("qa", verb, "--help") for verb in QA_VERBS),
    ],
    ids=" ".join,
)
def test_help_and_version_import_nothing_of_any_part(arguments: tuple[str, ...]) -> None:
    _, modules = imported(*arguments)
    assert "rejoin.cli.main" in modules, "the list is there"
    assert not modules & modules_outside([])
    rooms = {name.split(".")[1] for name in modules if name.startswith("rejoin.")}
    small = {"errors", "language", "parts", "printable", "redact", "version"}
    assert rooms <= {"cli", "runtime", *small}
    assert {name for name in modules if name.startswith("rejoin.runtime.")} <= {
        "rejoin.runtime.logs"
    }


def test_shell_completion_imports_nothing_of_any_part() -> None:
    environment = {"_REJOIN_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    out, modules = imported(
        environment={**environment, "COMP_WORDS": "rejoin play --ca", "PATH": "/bin"}
    )
    assert out == "plain,--ca-file\n"
    assert not modules & modules_outside([])


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("play", "http://127.0.0.1:9"), "player"),
        (("play", "--yes", "rejoin://play?backend=https%3A%2F%2Fx.example"), "player"),
        (("back",), "player"),
        (("demo", "--headless"), "player,studio"),
        (("studio",), "studio"),
        (("backend",), "backend"),
        (("qa", "trace"), "qa"),
        (("qa", "run", "--live", "outage-ladder"), "qa"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_with_the_base_alone_a_verb_names_its_part(
    tmp_path: Path, arguments: tuple[str, ...], parts: str
) -> None:
    if arguments == ("qa", "trace"):
        trace = tmp_path / "trace.jsonl"
        trace.write_text('{"v":2,"at":1,"kind":"fault","name":"kill","data":{}}\n')
        arguments = (*arguments, str(trace))
    done = run(*arguments, environment=environment_with(tmp_path))
    assert (done.code, done.out) == (11, "")
    assert done.error_line.startswith("The Python package ")
    assert done.error_line.endswith(f"-py3-none-any.whl[{parts}]'")


def test_simulations_need_the_base_alone(tmp_path: Path) -> None:
    environment = environment_with(tmp_path)
    done = run("qa", "simulate", "--seeds", "3", "--jobs", "1", environment=environment)
    assert (done.code, done.err) == (0, "")
    assert run("qa", "run", "outage-ladder", environment=environment).code == 0


def test_a_studio_needs_its_part_alone(tmp_path: Path) -> None:
    environment = environment_with(tmp_path, "studio", broken=WITHOUT_LIBGL)
    with started("studio", "--announce", *ANY_PORTS, environment=environment) as program:
        Studio.from_json(program.out.readline())
        done = program.done()
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_backend_needs_its_part_alone(tmp_path: Path) -> None:
    settings = tmp_path / "backend.toml"
    values = {"region": "us-west-2", "stream_group": "sg-1", "application": "a-1", "port": "0"}
    values |= {"tokens": "CANARY-CANARY-CANARY", "endpoint_url": "http://127.0.0.1:9"}
    values |= {"access_key_id": "CANARYID", "secret_access_key": "CANARYSECRET"}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    settings.write_text("".join(lines), encoding="utf-8")
    settings.chmod(0o600)
    environment = environment_with(tmp_path, "backend", broken=WITHOUT_LIBGL)
    with started("backend", "--settings", str(settings), environment=environment) as program:
        assert program.out.readline().startswith("Backend   http://127.0.0.1:")
        program.process.terminate()
        done = program.done()
    assert (done.code, done.err) == (0, "")


def test_a_client_that_cannot_connect_needs_the_part_player_alone(tmp_path: Path) -> None:
    environment = environment_with(tmp_path, "player")
    done = run("play", "--close-at-end", "https://backend.invalid", environment=environment)
    assert done.code == 3


NOBODY = "http://127.0.0.1:9"
HEADLESS = (
    ("doctor", "--selftest"),
    ("doctor", "--backend", NOBODY, "--play"),
    ("settings", "list"),
    ("sign-in", "--device", NOBODY),
    ("sign-out", NOBODY),
    ("backend", "check", NOBODY),
    ("qa", "input", "--backend", NOBODY),
    ("qa", "run", "outage-ladder", "--case", "a short pause"),
    ("qa", "diagram"),
)
"""Verbs without a window; `studio`, `demo --headless` and `qa run --live` have tests of their
own."""


@pytest.mark.parametrize("arguments", HEADLESS, ids=" ".join)
def test_a_verb_without_a_window_imports_no_qt(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Not even where it is installed: a bare machine lacks what Qt links to."""
    home = {"HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    _, modules = imported(*arguments, environment={**home, "PATH": "/bin", "REJOIN_TOKEN": "x"})
    assert "rejoin.cli.main" in modules
    assert not {name for name in modules if name.partition(".")[0] in ("PySide6", "shiboken6")}


@pytest.mark.parametrize("arguments", HEADLESS[:6], ids=" ".join)
def test_a_verb_without_a_window_ends_with_a_sentence_where_qt_is_missing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    environment = environment_with(tmp_path, "qa", "backend")
    done = run(*arguments, environment=environment)
    assert done.code in (0, 1, 2, 3, 11)
    if done.code == 11:
        assert done.error_line.startswith("The Python package ")


def test_a_doctor_says_what_is_missing(tmp_path: Path) -> None:
    done = run("doctor", environment=environment_with(tmp_path))
    assert (done.code, done.err) == (1, "")
    assert "Parts          FAILED   The Python package PySide6 is missing." in done.out
    done = run("doctor", "--selftest", environment=environment_with(tmp_path))
    assert done.code == 1
    assert "Imports        FAILED   The Python package " in done.out


@LINUX
def test_a_doctor_without_libgl_names_the_debian_package(tmp_path: Path) -> None:
    environment = environment_with(tmp_path, "all", broken=WITHOUT_LIBGL)
    done = run("doctor", "--json", environment=environment)
    assert (done.code, done.err) == (1, "")
    found = {each["check"]: each for each in json.loads(done.out)["checks"]}
    assert found["display"]["outcome"] == "failed"
    assert found["display"]["advice"] == (
        "On Debian or Ubuntu install it with: apt-get install libgl1"
    )


@LINUX
@pytest.mark.parametrize("arguments", [("play", "http://127.0.0.1:9"), ("back",), ("demo",)])
def test_a_window_without_libgl_names_the_debian_package(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    environment = environment_with(tmp_path, "all", broken=WITHOUT_LIBGL)
    done = run(*arguments, environment=environment)
    assert (done.code, done.out) == (11, "")
    assert done.error_line == (
        "The system library libGL.so.1 is missing. "
        "On Debian or Ubuntu install it with: apt-get install libgl1"
    )


@LINUX
def test_a_headless_demo_plays_without_libgl(tmp_path: Path) -> None:
    """Without screenshots, but with the report and the proof that the game continued."""
    (tmp_path / "hook").mkdir()
    environment = environment_with(tmp_path / "hook", "all", broken=WITHOUT_LIBGL)
    out = tmp_path / "out"
    done = run(
        *("demo", "--headless", "--drop-after", "0.5", "--notice-silent-client", "0"),
        *("--out", str(out)),
        environment=environment,
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("No screenshots: The system library libGL.so.1 is missing. ")
    assert "state continued: yes" in done.out
    assert sorted(file.name for file in out.iterdir()) == ["report.json", "trace.jsonl"]


def test_live_scenarios_and_a_headless_demo_need_the_part_qa_alone(tmp_path: Path) -> None:
    environment = environment_with(tmp_path, "qa")
    done = run(
        "qa", "run", "outage-ladder", "--live", "--case", "a short pause", environment=environment
    )
    assert (done.code, done.err) == (0, "")
    (tmp_path / "out").mkdir()
    arguments = ("demo", "--headless", "--drops", "0", "--drop-after", "0.5")
    done = run(*arguments, "--out", str(tmp_path / "out"), environment=environment)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("No screenshots: The Python package PySide6 is missing. ")
