"""Parts: the sentence about a missing package or library, and what each verb imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing

import grimp
import pytest

from helpers.parts import ROOT, installed_by, modules_outside, requirements
from rejoin import parts
from rejoin.child_program import PROGRAMS
from rejoin.errors import MissingPartError
from rejoin.parts import Part, explanation, loading, needs
from rejoin.version import VERSION

PARTS = typing.get_args(Part)


def no_module(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


def no_library(name: str) -> ImportError:
    return ImportError(f"{name}: cannot open shared object file: No such file or directory")


# --- sentences ------------------------------------------------------------------------------------


def test_a_missing_package_is_explained_with_the_parts_to_install() -> None:
    sentence = explanation(no_module("PySide6.QtCore"), ("player",))
    assert sentence is not None
    assert sentence.startswith(
        "The Python package PySide6 is missing. Install Rejoin's wheel with its `player` part, "
    )
    assert sentence.endswith(f"pip install 'rejoin_client-{VERSION}-py3-none-any.whl[player]'")
    both = explanation(no_module("rich"), ("player", "studio"))
    assert both is not None
    assert "with its `player` and `studio` parts" in both
    assert both.endswith(".whl[player,studio]'")


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libEGL.so.1", "libegl1"),
        ("libgthread-2.0.so.0", "libglib2.0-0"),
        ("libxkbcommon.so.0", "libxkbcommon0"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libxcb-cursor.so.0", "libxcb-cursor0"),
        ("libdbus-1.so.3", "libdbus-1-3"),
        ("libfontconfig.so.1", "libfontconfig1"),
        ("libstdc++.so.6", "libstdc++6"),
        ("libgcc_s.so.1", "libgcc-s1"),
    ],
)
def test_a_missing_library_is_explained_with_its_debian_package(library: str, package: str) -> None:
    sentence = explanation(no_library(library), ("player",))
    assert sentence == (
        f"The system library {library} is missing. "
        f"On Debian or Ubuntu install it with: apt-get install {package}"
    )


def test_an_unknown_library_is_named() -> None:
    assert explanation(no_library("libodd.so.3"), ("player",)) == (
        "The system library libodd.so.3 is missing. Install the package that contains it."
    )


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by x.so)",
            "This system is too old: it lacks GLIBC_2.34.",
        ),
        (
            "/usr/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by x.so)",
            "it lacks GLIBCXX_3.4.29.",
        ),
        (
            "DLL load failed while importing QtGui: The specified module could not be found.",
            "A library of Windows that QtGui needs is missing.",
        ),
        (
            "dlopen(x.so, 0x0002): Library not loaded: @rpath/libportaudio.2.dylib\n  Reason: none",
            "The library libportaudio.2.dylib is missing.",
        ),
    ],
)
def test_what_else_can_be_wrong_with_a_library_is_a_sentence(message: str, words: str) -> None:
    sentence = explanation(ImportError(message), ("player",))
    assert sentence is not None
    assert words in sentence
    assert sentence.endswith(".")


def test_debian_packages_are_those_that_dev_py_installs() -> None:
    text = (ROOT / "dev.py").read_text(encoding="utf-8")
    for package in parts.DEBIAN_PACKAGES.values():
        assert f'"{package}"' in text


@pytest.mark.parametrize(
    "error",
    [
        no_module("rejoin.gui.missing"),
        no_module("tomllib"),
        ModuleNotFoundError("odd"),
        ImportError("cannot import name 'x' from 'rejoin.clock'"),
    ],
)
def test_other_import_errors_are_bugs(error: ImportError) -> None:
    assert explanation(error, ("player",)) is None

    @needs("player")
    def verb() -> int:
        raise error

    with pytest.raises(ImportError) as raised:
        verb()
    assert raised.value is error


def test_a_verb_without_its_part_ends_with_the_explanation() -> None:
    @needs("backend")
    def verb(number: int) -> int:
        if number:
            raise no_module("boto3")
        return 5

    assert verb(0) == 5
    with pytest.raises(MissingPartError, match=r"boto3 is missing.*\[backend\]") as raised:
        verb(1)
    assert raised.value.exit_code == 11


# --- what is imported -----------------------------------------------------------------------------

VERBS: dict[str, tuple[Part, ...]] = {
    "back": ("player",),
    "backend": ("backend",),
    "demo": ("player", "studio"),
    "doctor": ("player",),
    "licences": (),
    "play": ("player",),
    "practice": ("player", "qa"),
    "qa": ("qa", "fleet"),
    "settings": ("player",),
    "sign-in": ("player",),
    "sign-out": ("player",),
    "studio": ("studio",),
}

MODULES = {"sign-in": "sign_in_verbs", "sign-out": "sign_in_verbs"}
"""The modules of verbs that do not have the verb's name."""

STARTS = {"demo": ("studio",), "qa": ("studio",)}
"""Verbs that a verb starts as separate processes."""

CHILDREN = {
    "rejoin.gui.displays": "rejoin.gui.display_probe",
    "rejoin.gui.surface_choice": "rejoin.gui.surface_probe",
    "rejoin.input_module.sandbox": "rejoin.input_module.sandbox_process",
    "rejoin.media.video.hardware": "rejoin.media.video.hardware_probe",
    "rejoin.qa.case_player": "rejoin.qa.case_process",
    "rejoin.qa.fleet.batch": "rejoin.qa.fleet.batch_process",
    "rejoin.qa.guardian": "rejoin.qa.guardian_process",
}
"""Modules that start a program of ours, by its name, and the program."""

BROUGHT_BY = {
    "OpenSSL": "aiortc",
    "dask": "distributed",
    "_quickjs": "quickjs-ng",
    "botocore": "boto3",
    "jwt": "PyJWT",
    "prometheus_client": "prometheus-client",
    "pylibsrtp": "aiortc",
}
"""Imported modules that no requirement names: another requirement installs them."""

LOADED_BY_FILE = {"rejoin.gamepads.sdl_library": "pysdl2-dll"}
"""Modules that load the library of a requirement by its file."""

NOT_NEEDED = {"licences": {"av"}, "qa": {"keyring", "sounddevice"}}
"""Imported inside functions that this verb never calls, or does without where it is missing."""

OPTIONAL = {"opentelemetry"}
"""Imported only where an operator has installed it and switched it on (`backend/tracing`)."""


@pytest.fixture(scope="module", name="graph")
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "rejoin", include_external_packages=True, exclude_type_checking_imports=True
    )


def imported_by(graph: grimp.ImportGraph, verb: str) -> set[str]:
    """Requirements that a verb imports, directly or not, at its start or later."""
    waiting = [f"rejoin.cli.{name}" for name in (MODULES.get(verb, verb), *STARTS.get(verb, ()))]
    seen, found = set(waiting), set()
    while waiting:
        module = waiting.pop()
        children = {CHILDREN[module]} if module in CHILDREN else set()
        found |= {LOADED_BY_FILE[module]} if module in LOADED_BY_FILE else set()
        for name in graph.find_modules_directly_imported_by(module) | children:
            if name.partition(".")[0] != "rejoin":
                found.add(name)
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return {BROUGHT_BY.get(name, name) for name in found if name not in sys.stdlib_module_names}


def test_every_program_of_ours_is_started_by_a_module() -> None:
    assert set(CHILDREN.values()) == set(PROGRAMS.values())


LOADED_BY_NAME = {"asyncpg": "sqlalchemy"}
"""A driver, and the package that imports it by its name."""


def names(part: str) -> set[str]:
    """Import names of the requirements of a part."""
    found = {one.name.removesuffix("-Essentials") for one in requirements()[part]}
    return found | ({"shiboken6"} if "PySide6" in found else set())  # PySide6 is bound by it


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_imports_only_what_its_parts_install(graph: grimp.ImportGraph, verb: str) -> None:
    installed = set().union(*(names(part) for part in ("base", *VERBS[verb])))
    assert imported_by(graph, verb) - installed - NOT_NEEDED.get(verb, set()) - OPTIONAL == set()


def test_a_part_installs_only_what_its_verbs_import(graph: grimp.ImportGraph) -> None:
    for part in PARTS:
        verbs = [verb for verb in VERBS if part in VERBS[verb]]
        imported = set().union(*(imported_by(graph, verb) for verb in verbs))
        imported |= {name for name, by in LOADED_BY_NAME.items() if by in imported}
        assert names(part) - imported == set(), part


def test_the_extras_are_the_parts_and_all_is_their_union() -> None:
    extras = requirements()
    assert set(extras) == {"base", "all", *PARTS}
    union = {str(one) for part in PARTS for one in extras[part]}
    assert {str(one) for one in extras["all"]} == union


def test_no_requirement_has_the_name_of_this_project() -> None:
    """On the package index that name belongs to another program."""
    assert "rejoin" not in {one.name for found in requirements().values() for one in found}


def test_the_base_is_small() -> None:
    assert installed_by([]) <= {"click", "colorama"}


@pytest.mark.parametrize(
    ("part", "absent"),
    [
        ("player", {"boto3", "fastapi", "rich", "uvicorn"}),
        ("backend", {"PySide6", "aiortc", "av", "httpx", "numpy", "keyring", "sounddevice"}),
        ("studio", {"PySide6", "keyring", "platformdirs", "sounddevice"}),
        ("qa", {"PySide6", "keyring", "sounddevice"}),
    ],
)
def test_a_part_does_not_install_these_even_through_its_requirements(
    part: str, absent: set[str]
) -> None:
    assert absent <= modules_outside([part])


# --- loading --------------------------------------------------------------------------------------

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_something_is_loaded_signals_wait(number: signal.Signals) -> None:
    seen: list[str] = []
    before = signal.signal(number, lambda *_: seen.append("signal"))
    try:
        with loading():
            signal.raise_signal(number)
            seen.append("loaded")
        seen.append("after")
    finally:
        signal.signal(number, before)
    assert seen == ["loaded", "signal", "after"]


@POSIX
def test_a_signal_does_not_interrupt_the_loading_of_qt() -> None:
    """Else Qt's binding aborts the process: "Fatal Python error"."""
    program = """if True:
        import atexit, importlib.abc, os, signal, sys

        class Interrupting(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path, target=None):
                if name == "PySide6.QtGui":
                    os.kill(os.getpid(), signal.SIGTERM)
                return None

        sys.meta_path.insert(0, Interrupting())
        atexit.register(lambda: print("PySide6.QtWidgets" in sys.modules, flush=True))
        sys.argv = ["rejoin", "play", "http://127.0.0.1:9"]
        from rejoin.cli.main import main
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "REJOIN_TOKEN": "x" * 20, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "True\n", "")
