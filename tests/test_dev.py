"""dev.py: what it decides about the machine, and how it runs steps."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(name="dev")
def _dev() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_these_pythons_are_suitable(dev: ModuleType, version: tuple[int, int]) -> None:
    assert dev.unsuitable_python(version) is None


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 14), (4, 0)])
def test_another_python_gets_a_sentence(dev: ModuleType, version: tuple[int, int]) -> None:
    sentence = dev.unsuitable_python(version)
    assert "3.11 to 3.13" in sentence
    assert f"this is {version[0]}.{version[1]}" in sentence


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', True),
        ('ID=ubuntu\nID_LIKE="debian"\n', True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ('ID=fedora\nVERSION="not debian"\n', False),
        ("", False),
    ],
)
def test_debian_is_told_from_other_systems(
    dev: ModuleType, os_release: str, expected: bool
) -> None:
    assert dev.is_debian(os_release) is expected


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', True),
        ('ID="debian"\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", False),
        ("", False),
    ],
)
def test_only_debian_itself_has_a_chromium_to_install(
    dev: ModuleType, os_release: str, expected: bool
) -> None:
    assert dev.has_chromium_package(os_release) is expected


def test_packages_count_when_installed_or_provided(dev: ModuleType) -> None:
    listing = (
        "ii \tlibegl1\t\n"
        "hi \tlibgl1\tlibgl1-mesa-glx (= 1.6.0), libgl\n"
        "rc \txvfb\t\n"
        "iU \txauth\t\n"
        "ii \tlibglib2.0-0t64\tlibglib2.0-0 (= 2.80.0-6)\n"
    )
    assert dev.installed_packages(listing) == {
        "libegl1",
        "libgl1",
        "libgl1-mesa-glx",
        "libgl",
        "libglib2.0-0t64",
        "libglib2.0-0",
    }


def test_without_rights_the_line_to_run_is_said(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "missing_packages", lambda wanted: ["libegl1", "xvfb"])
    monkeypatch.setattr(dev, "apt_prefix", lambda: None)
    with pytest.raises(dev.Stopped) as stopped:
        dev.install_packages(("libegl1", "xvfb"))
    assert stopped.value.exit_code == 3
    assert "apt-get install --no-install-recommends -y libegl1 xvfb" in str(stopped.value)


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell here")
@pytest.mark.parametrize("own_policy", [False, True])
def test_a_server_is_installed_and_neither_started_nor_enabled(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_policy: bool
) -> None:
    """What is run sees a policy that forbids starting; a policy that was there stays as it was."""
    policy, log = tmp_path / "policy-rc.d", tmp_path / "log"
    if own_policy:
        policy.write_text("#!/bin/sh\nexit 104\n")
        policy.chmod(0o755)
    disable = tmp_path / "update-rc.d"
    disable.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    disable.chmod(0o755)
    monkeypatch.setattr(dev, "POLICY", str(policy))
    path = f"{tmp_path}:{os.environ['PATH']}"
    for code in (0, 100):
        command = dev.without_servers(f"sh -c '{policy}; echo $? >> {log}; exit {code}'", ["nginx"])
        done = subprocess.run(["sh", "-c", command], check=False, env={"PATH": path})
        assert done.returncode == code
        assert policy.exists() == own_policy
    said = "104" if own_policy else "101"
    assert log.read_text().splitlines() == [said, "nginx disable", said]


def test_the_line_to_run_starts_no_server(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "missing_packages", lambda wanted: ["libegl1", "nginx"])
    monkeypatch.setattr(dev, "apt_prefix", lambda: None)
    with pytest.raises(dev.Stopped) as stopped:
        dev.install_packages(("libegl1", "nginx"))
    said = str(stopped.value)
    assert said.index("exit 101") < said.index("-y libegl1 nginx") < said.index("nginx disable")


def test_nothing_is_installed_when_nothing_is_missing(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "missing_packages", lambda wanted: [])
    monkeypatch.setattr(dev, "apt_prefix", lambda: pytest.fail("asked for rights"))
    dev.install_packages(("libegl1",))


def test_lists_are_fetched_only_when_installing_fails(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def succeeds(command: list[str], *_: object, silent: bool) -> bool:
        asked.append("update" if "update" in command else "install")
        return asked != ["install"]

    monkeypatch.setattr(dev, "missing_packages", lambda wanted: ["libegl1"])
    monkeypatch.setattr(dev, "apt_prefix", list)
    monkeypatch.setattr(dev, "succeeds", succeeds)
    monkeypatch.setattr(dev, "succeeds_shown", succeeds)
    dev.install_packages(("libegl1",))
    assert asked == ["install", "update", "install"]


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_display_is_noticed(
    dev: ModuleType, platform: str, environ: dict[str, str], expected: bool
) -> None:
    assert dev.has_display(platform, environ) is expected


def test_the_demonstration_goes_headless_by_itself(dev: ModuleType) -> None:
    out = ["--out", os.path.join(".", "demo-out")]
    assert dev.demo_flags(["--seed", "3"], True) == [*out, "--seed", "3"]
    assert dev.demo_flags([], False) == [*out, "--headless"]
    assert dev.demo_flags(["--headless"], False) == [*out, "--headless"]


def test_the_environment_is_made_again_when_the_lock_changes(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("one==1\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "LOCK", lock)
    monkeypatch.setattr(dev, "STAMP", tmp_path / "stamp.json")
    before = dev.setup_key()
    assert dev.setup_key() == before
    assert dev.stamped_key() is None
    dev.STAMP.write_text('{"key": "' + before + '"}', encoding="utf-8")
    assert dev.stamped_key() == before
    lock.write_text("one==2\n", encoding="utf-8")
    assert dev.setup_key() != before
    dev.STAMP.write_text("[", encoding="utf-8")
    assert dev.stamped_key() is None


def test_the_sites_environment_is_filled_once_for_its_lock(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock, venv = tmp_path / "docs.lock", tmp_path / "venv"
    lock.write_text("one==1\n", encoding="utf-8")
    monkeypatch.setattr(dev, "SITE_LOCK", lock)
    monkeypatch.setattr(dev, "SITE_VENV", venv)
    monkeypatch.setattr(dev, "SITE_STAMP", venv / "stamp.json")
    filled: list[tuple[str, ...]] = []
    monkeypatch.setattr(dev, "pip", lambda *arguments, packages: filled.append(arguments))
    dev.set_up_site()
    dev.set_up_site()
    [arguments] = filled
    assert arguments[:3] == ("--python", dev.tool("python", venv), "install")
    assert arguments[-2:] == ("-r", str(lock))
    lock.write_text("one==2\n", encoding="utf-8")
    dev.set_up_site()
    assert len(filled) == 2


def test_the_site_gets_its_flags(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(_env: dict[str, str], command: list[str]) -> int:
        ran.append(command)
        return 0

    monkeypatch.setattr(dev, "set_up", lambda packages: None)
    monkeypatch.setattr(dev, "set_up_site", lambda: None)
    monkeypatch.setattr(dev, "run", run)
    assert dev.main(["docs", "--out", "there"]) == 0
    assert ran[0][1:] == [
        *("-m", "docs_site", "--sphinx", dev.tool("python", dev.SITE_VENV), "--out", "there")
    ]


def test_every_step_runs_and_one_failure_fails(
    dev: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    def ending(code: int) -> list[str]:
        return [sys.executable, "-c", f"raise SystemExit({code})"]

    assert dev.run_steps([dev.Step("good", ending(0)), dev.Step("none", ending(5), nothing=5)]) == 0
    assert (
        dev.run_steps(
            [
                dev.Step("bad", ending(7)),
                dev.Step("good", ending(0)),
                dev.Step("left out", ending(1), skipped="no reason"),
            ]
        )
        == 1
    )
    lines = capfd.readouterr().out.splitlines()
    assert any(line.startswith("none ") and line.endswith("nothing to do") for line in lines)
    assert any(line.startswith("bad ") and line.endswith("FAILED (7)") for line in lines)
    assert lines[-1].endswith("skipped: no reason")


@pytest.mark.parametrize(("first", "second", "failed"), [(0, 0, 0), (0, 7, 1), (7, 0, 1)])
def test_programs_beside_a_step_run_with_it_and_fail_it(
    dev: ModuleType, tmp_path: Path, first: int, second: int, failed: int
) -> None:
    def waiting_for(other: str, mine: str, code: int) -> list[str]:
        program = (
            "import pathlib, sys, time\n"
            f"pathlib.Path({mine!r}).touch()\n"
            f"until = time.monotonic() + 30\n"
            f"while not pathlib.Path({other!r}).exists() and time.monotonic() < until: "
            "time.sleep(0.01)\n"
            f"sys.exit({code} if pathlib.Path({other!r}).exists() else 9)"
        )
        return [sys.executable, "-c", program]

    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    step = dev.Step("both", waiting_for(two, one, first), beside=(waiting_for(one, two, second),))
    assert dev.run_steps([step]) == failed


def test_what_runs_apart_is_shown_one_after_the_other(
    dev: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    program = "import sys; [print(sys.argv[1], flush=True) for _ in range(100)]; sys.exit({})"
    one, two = ([sys.executable, "-c", program.format(code), str(code)] for code in (0, 3))
    assert dev.run_steps([dev.Step("both", one, beside=(two,), apart=True)]) == 1
    said = capfd.readouterr().out.splitlines()
    assert [line for line in said if line in ("0", "3")] == ["0"] * 100 + ["3"] * 100


def test_what_runs_is_shown_with_the_share_that_it_says(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(dev, "time", SimpleNamespace(monotonic=lambda: now[0]))
    shown = dev.Shown("apt")
    now[0] += 65
    assert shown.line() == "apt  1:05 so far"
    shown.hear_apt("dlstatus:1:50.0:Retrieving file 1 of 2\n")
    assert shown.share == 0.25
    shown.hear_apt("pmstatus:libegl1:0.0:Unpacking\n")
    shown.hear_apt("a line of another kind\n")
    assert shown.line().startswith("apt [###############---------------]  50%  about 1:05 left")
    shown.hear_apt("pmstatus:libegl1:amd64:50.0:Configuring\n")
    assert shown.share == 0.75
    pip = dev.Shown("pip")
    for line in ("Collecting one==1\n", "  Downloading one\n", "Ignoring two: markers\n"):
        pip.hear_pip(line, 9)
    assert pip.line() == "pip  0:00 so far  2 of 9 packages"
    pip.hear_pip("Installing collected packages: one\n", 9)
    assert pip.line() == "pip  0:00 so far  installing them"
    assert dev.percent_of("...... [ 45%]\n...... [100%]\n") == 1.0
    assert dev.percent_of("......\n") is None
    with dev.Shown("short") as short:
        short.say("a line")
        short.complain("a complaint")
    assert capfd.readouterr() == ("a line\n", "a complaint\n")


def test_errors_of_what_is_shown_are_said(
    dev: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    program = "import sys; print('out'); print('wrong', file=sys.stderr); sys.exit({})"
    heard: list[str] = []
    with dev.Shown("work") as shown:
        for code, silent in ((0, False), (3, False), (3, True)):
            command = [sys.executable, "-c", program.format(code)]
            done = dev.succeeds_shown(command, shown, heard.append, silent=silent)
            assert done == (code == 0)
    assert heard == ["out\n"] * 3
    assert capfd.readouterr() == ("", "wrong\n" * 2)


def test_every_test_belongs_to_one_process_and_flags_choose_for_one(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    folders = [folder for lane in dev.LANES for folder in lane]
    assert len(set(folders)) == len(folders)
    assert all((ROOT / folder).is_dir() for folder in folders)
    steps = {step.name: step for step in dev.test_steps([])}
    at_once = steps["tests"]
    parts = [command[command.index("-m", 3) :] for command in (at_once.command, *at_once.beside)]
    assert [part[:2] for part in parts] == [["-m", "not live and not x11"]] * len(parts)
    assert [folder for part in parts[:-1] for folder in part[2:]] == folders
    assert parts[-1][2:] == [f"--ignore={folder}" for folder in folders]
    at_once = steps["live and X tests"]
    for count, marks, mark in ((2, "live and not x11", "live"), (1, "x11", "x11")):
        commands = [each for each in (at_once.command, *at_once.beside) if marks in each]
        assert len(commands) == count
        files = [file for each in commands for file in each[each.index(marks) + 1 :]]
        assert "tests/live/test_window_on_x.py" in files
        for file in (ROOT / "tests").rglob("test_*.py"):
            is_marked = f"pytest.mark.{mark}" in file.read_text(encoding="utf-8")
            assert files.count(str(file.relative_to(ROOT))) == is_marked, file
    chosen = {step.name: step for step in dev.test_steps(["-k", "one"])}
    assert "live and X tests" not in chosen
    for name in ("tests", "X tests"):
        assert chosen[name].command[-2:] == ["-k", "one"]
        assert not chosen[name].beside


def test_an_unknown_command_gets_the_usage(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "dev.py"), "conquer"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python3 dev.py COMMAND")


def test_help_of_a_command_starts_nothing(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def set_up(packages: tuple[str, ...]) -> None:
        raise AssertionError(packages)

    monkeypatch.setattr(dev, "set_up", set_up)
    for command in dev.COMMANDS.keys() - set(dev.HAVE_HELP):
        assert dev.main([command, "--help"]) == 0
        assert capsys.readouterr().out == dev.USAGE


def test_npm_packages_are_installed_once_for_each_lock(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text('#!/bin/sh\nmkdir -p node_modules\necho "$1" >> ran\n', encoding="ascii")
    npm.chmod(0o755)
    (tmp_path / "package-lock.json").write_text("{}", encoding="ascii")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    dev.install_npm_packages(tmp_path)
    dev.install_npm_packages(tmp_path)
    assert (tmp_path / "ran").read_text() == "ci\n"
    (tmp_path / "package-lock.json").write_text('{"other": 1}', encoding="ascii")
    dev.install_npm_packages(tmp_path)
    assert (tmp_path / "ran").read_text() == "ci\nci\n"


def test_npm_packages_that_cannot_be_installed_stop_nothing(
    dev: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    npm.chmod(0o755)
    (tmp_path / "package-lock.json").write_text("{}", encoding="ascii")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    dev.install_npm_packages(tmp_path)
    assert "skipped" in capsys.readouterr().out
    assert not (tmp_path / "node_modules").exists()
    monkeypatch.setenv("PATH", "")
    dev.install_npm_packages(tmp_path)


def test_the_shader_baker_is_that_of_the_locked_qt(dev: ModuleType) -> None:
    lock = "numpy==2.4.0 \\\n  --hash=sha256:0\npyside6-essentials==6.11.3 \\\n  --hash=sha256:1\n"
    assert dev.locked_version("pyside6-essentials", lock) == "6.11.3"
    with pytest.raises(dev.Stopped, match="does not name"):
        dev.locked_version("pyside6", lock)
    record = json.loads((dev.SHADERS / "baked.json").read_text(encoding="utf-8"))
    assert record["qt"] == dev.locked_version(
        "pyside6-essentials", dev.LOCK.read_text(encoding="utf-8")
    )
    assert record["targets"] == list(dev.SHADER_TARGETS)
    assert set(record["shaders"]) == {target.name for _, target, _ in dev.shader_targets()}


def test_shaders_takes_no_flags(dev: ModuleType) -> None:
    with pytest.raises(dev.Stopped, match="no flags"):
        dev.shaders(["--fast"])


def test_what_package_puts_into_a_build_is_an_address_with_its_key(dev: ModuleType) -> None:
    both = ["--updates-url", "https://a.example/f.json", "--updates-key", "RWT"]
    assert dev.package_flags([]) == (False, False, [])
    assert dev.package_flags(["--verify"]) == (True, False, [])
    assert dev.package_flags([*both, "--verify", "--install"]) == (True, True, both)
    for flags in (
        *(both[:2], both[2:], ["--updates-url"], ["--ver"], ["x"]),
        [*both, "--as-released"],
    ):
        with pytest.raises(dev.Stopped) as stopped:
            dev.package_flags(flags)
        assert stopped.value.exit_code == 2


def test_a_build_as_released_asks_what_the_release_has_written(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "updates.json"
    monkeypatch.setattr(dev, "RELEASED_UPDATES", file)
    assert dev.package_flags(["--as-released"]) == (False, False, [])
    file.write_text('{"updates_url": "https://a.example/f.json", "updates_key": "RWT"}')
    both = ["--updates-url", "https://a.example/f.json", "--updates-key", "RWT"]
    assert dev.package_flags(["--as-released", "--verify"]) == (True, False, both)
    assert dev.package_flags([]) == (False, False, [])
    file.write_text("{}")
    with pytest.raises(dev.Stopped, match="cannot be read"):
        dev.package_flags(["--as-released"])


def test_each_artefact_is_made_of_the_one_before_and_proved_if_that_is_wanted(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/usr/bin/{name}")
    made = [name for name, _ in dev.package_steps([], verify=False)]
    assert made == [
        *("wheel and sdist", "frozen program", "notice and bill of materials", "Debian package"),
    ]
    steps = dev.package_steps(["--updates-url", "x"], verify=True)
    assert [name for name, _ in steps if name.startswith("proof")] == [
        "proof of wheel and sdist",
        "proof of the frozen program",
        "proof of the Debian package",
    ]
    for _, command in steps:
        assert Path(command[1]).exists() or command[1] == "doctor"
    (tmp_path / "a-1.whl").touch()
    assert dev.made_by_now("dist:*.whl", tmp_path) == str(tmp_path / "a-1.whl")
    assert dev.made_by_now("--updates-url", tmp_path) == "--updates-url"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b").write_bytes(b"12345")
    assert dev.size_of(tmp_path) == 5
    assert dev.size_of(tmp_path / "folder" / "b") == 5


def test_what_a_program_says_after_an_interrupt_is_not_shown(tmp_path: Path) -> None:
    child = (
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(1)\n    print('a traceback')\n    sys.exit(1)\n"
        "signal.signal(signal.SIGINT, end)\nprint('ready', flush=True)\ntime.sleep(300)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nimport dev\n"
        "try:\n    with dev.Shown('x') as shown:\n"
        f"        dev.run_shown(shown, None, [sys.executable, '-c', {child!r}])\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout.read() == "interrupted\n"


def test_an_interrupted_recipe_shows_no_traceback(tmp_path: Path) -> None:
    """Each of them: what `dev.py` runs gets the interrupt of the terminal as well."""
    for file in sorted((ROOT / "packaging").glob("*/*.py")):
        text = file.read_text(encoding="utf-8")
        if 'if __name__ == "__main__":' in text and file.name != "entry.py":
            assert text.endswith("    sys.exit(run_main(main))\n"), file
    script = tmp_path / "recipe.py"
    script.write_text(
        "import signal, sys\n"
        f"sys.path.insert(0, {str(ROOT / 'packaging')!r})\n"
        "from shared import run_main\n"
        "sys.exit(run_main(lambda: signal.raise_signal(signal.SIGINT) or 0))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    "flags", [["package", "--verify"], ["release", "1.2.3", "--key", "a key", "--verify"]]
)
def test_proving_needs_root_and_says_so_before_anything_is_made(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(dev.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(dev, "set_up", lambda packages: pytest.fail("it was begun"))
    line = f"sudo python3 dev.py {shlex.join(flags)}"
    with pytest.raises(dev.Stopped, match=re.escape(line)) as stopped:
        dev.COMMANDS[flags[0]](flags[1:])
    assert stopped.value.exit_code == 3


def test_the_package_is_installed_or_the_line_is_said(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(env: None, command: list[str]) -> int:
        ran.append(command)
        return 0

    monkeypatch.setattr(dev, "run", run)
    monkeypatch.setattr(dev, "apt_prefix", lambda: ["sudo", "-n"])
    dev.install_made(Path("/a b/rejoin_1.deb"))
    assert ran[0][:3] == ["sudo", "-n", "env"]
    assert ran[0][-1] == "/a b/rejoin_1.deb"
    monkeypatch.setattr(dev, "apt_prefix", lambda: None)
    with pytest.raises(
        dev.Stopped, match=r"sudo apt-get install .* '/a b/rejoin_1\.deb'"
    ) as stopped:
        dev.install_made(Path("/a b/rejoin_1.deb"))
    assert stopped.value.exit_code == 3


def test_without_dpkg_deb_there_is_nothing_to_install_which_is_said_before_anything_is_made(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dist").mkdir()
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "set_up", lambda packages: pytest.fail("it was begun"))
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    with pytest.raises(dev.Stopped, match="needs dpkg-deb") as stopped:
        dev.package(["--install"])
    assert stopped.value.exit_code == 1
    assert (tmp_path / "dist").exists(), "what an earlier run has made stays"
