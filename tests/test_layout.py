"""The layout of the project: tests mirror modules, modules say what they are, old words stay out.

Who may import whom is the other half and stands in pyproject.toml, for import-linter.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "app" / "rejoin"
TESTS = ROOT / "tests"

UNTESTED: dict[str, str] = {
    "gui/home/home_parts.py": "values; the tests of the home give them to it",
    "gui/video_surface.py": "an interface; the tests of both surfaces use it",
}
"""Modules with code and without a test file of their own, and why."""

UNMIRRORED: dict[str, str] = {
    "test_advisories.py": "tests packaging/audit",
    "test_artefacts.py": "tests packaging/wheel, packaging/frozen and packaging/deb",
    "test_ci.py": "tests .github",
    "test_bill_of_materials.py": "tests packaging/licences and packaging/ffmpeg",
    "test_conftest.py": "tests tests/conftest.py",
    "test_dev.py": "tests dev.py",
    "test_docs.py": "tests README.md, CONTRIBUTING.md and docs",
    "test_import_contracts.py": "tests tests/helpers/import_contracts.py",
    "test_layout.py": "this file",
    "test_licence_tables.py": "tests the tables of packaging/licences",
    "test_other_systems.py": "tests packaging/windows, packaging/macos and packaging/flatpak",
    "test_packaging.py": "tests packaging/backend",
    "test_release.py": "tests packaging/release",
    "test_ten_minutes.py": "tests tests/ten_minutes.py",
    "test_lock.py": "tests requirements.lock against pyproject.toml",
    "test_translations.py": "tests resources/languages",
    "test_wheel.py": "tests the built wheel",
    "bench/test_bench.py": "tests the runner of the benches",
    "core/engine/test_asking_again.py": "tests rules that hold in several phases of the engine",
    "core/engine/test_cannot_terminate.py": "tests a policy through every phase of the engine",
    "core/test_engine_machine.py": "throws any events at core/engine",
    "emulator/test_document.py": "tests docs/emulator.md",
    "emulator/test_fuzz.py": "throws bad input at the whole emulator",
    "gui/languages/test_every_window.py": "shows every window in other languages",
    "gui/test_colour_alone.py": "compares every page with and without its colours",
    "gui/test_motion.py": "tests that nothing moves in any page with reduced motion",
    "gui/test_no_leak.py": "tests that a whole window is freed",
    "gui/test_pages.py": "tests every page for large text, keyboard and focus",
    "input_module/test_hostile_modules.py": "runs hostile modules in the whole sandbox",
    "rtc/test_hostile_media.py": "throws hostile media at the whole receive path",
    "verify/test_verdicts.py": "runs the engine with probes in the world of each fault profile",
    "signaling/test_fuzz.py": "throws bad answers at the client of every dialect",
    "rtc/test_library_contract.py": "tests what rtc relies on inside aiortc and aioice",
}
"""Test files that mirror no module, and why."""

UNMIRRORED_FOLDERS: dict[str, str] = {
    "docs_site": "tests what makes the site, in the same folder",
    "live": "whole programs on real sockets",
}

MAX_LINES = 500

LONG_MODULES: dict[str, str] = {}
"""Modules with more lines than MAX_LINES, and why."""

OLD_WORDS = {
    "aside",
    "desk",
    "door",
    "doors",
    "knock",
    "look",
    "looked",
    "looks",
    "seat",
    "strand",
    "stranded",
    "tell",
    "tells",
    "told",
}
"""Words of a private dialect that names once had; docs/design/moved.md has the field's own."""


def modules() -> list[Path]:
    return sorted(APP.rglob("*.py"))


def suite() -> list[Path]:
    return sorted(TESTS.rglob("test_*.py"))


def name_of(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def has_code(path: Path) -> bool:
    """Whether a module does anything: declarations alone need no test of their own."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(tree(path))
    )


def mirror_of(module: Path) -> Path:
    return TESTS / module.relative_to(APP).with_name(f"test_{module.name}")


def mirrored_by(test_file: Path) -> Path:
    return APP / test_file.relative_to(TESTS).with_name(test_file.name.removeprefix("test_"))


def test_every_module_with_code_has_its_test_file() -> None:
    lacking = [
        name_of(module, APP)
        for module in modules()
        if has_code(module)
        and not mirror_of(module).exists()
        and name_of(module, APP) not in UNTESTED
    ]
    assert not lacking


def test_every_test_file_has_its_module() -> None:
    stray = [
        name_of(file, TESTS)
        for file in suite()
        if not mirrored_by(file).exists()
        and name_of(file, TESTS) not in UNMIRRORED
        and file.relative_to(TESTS).parts[0] not in UNMIRRORED_FOLDERS
    ]
    assert not stray


def test_no_exception_outlives_its_reason() -> None:
    needless = [
        name
        for name in UNTESTED
        if not (APP / name).exists() or not has_code(APP / name) or mirror_of(APP / name).exists()
    ]
    needless += [name for name in UNMIRRORED if not (TESTS / name).exists()]
    needless += [name for name in UNMIRRORED_FOLDERS if not (TESTS / name).is_dir()]
    assert not needless


def test_every_test_file_tests_something() -> None:
    empty = [
        name_of(file, TESTS)
        for file in suite()
        if not any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name.startswith("test")
            for node in ast.walk(tree(file))
        )
        and "TestCase" not in file.read_text(encoding="utf-8")
    ]
    assert not empty


def test_every_module_opens_with_what_it_is() -> None:
    silent = [
        name_of(path, ROOT)
        for path in [*modules(), ROOT / "dev.py", *sorted((TESTS / "helpers").rglob("*.py"))]
        if path.stat().st_size and not ast.get_docstring(tree(path))
    ]
    assert not silent


def test_tasks_are_started_by_spawn_alone() -> None:
    raw = [
        f"{name_of(path, ROOT)}:{node.lineno} {node.attr}"
        for path in modules()
        if path != APP / "tasks.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in ("create_task", "ensure_future")
    ]
    assert not raw


def words(identifier: str) -> set[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("ConnectionManager", {"connection", "manager"}),
        ("_close_handler", {"close", "handler"}),
        ("HTTPUtils", {"http", "utils"}),
        ("_handle", {"handle"}),
    ],
)
def test_a_name_is_taken_apart_into_words(identifier: str, expected: set[str]) -> None:
    assert words(identifier) == expected


def names_in(path: Path) -> set[str]:
    """Every name that a module gives to something: classes, functions, parameters, attributes."""
    found = {path.stem}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return found


def test_old_words_do_not_return() -> None:
    found = [
        f"{name_of(path, ROOT)}: {name}"
        for path in modules()
        for name in sorted(names_in(path))
        if words(name) & OLD_WORDS
    ]
    assert not found


def test_names_of_every_kind_are_found(tmp_path: Path) -> None:
    module = tmp_path / "a_module.py"
    module.write_text(
        "class A:\n    def f(self, p, *, q=1):\n        self.b = x = 1\nasync def g(): ...\n"
    )
    assert names_in(module) == {"a_module", "A", "f", "self", "p", "q", "b", "x", "g"}


def test_no_module_is_too_long() -> None:
    long = {
        name_of(path, APP)
        for path in modules()
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }
    assert long == set(LONG_MODULES)


def test_every_package_opens_with_a_glossary_and_says_where_to_begin() -> None:
    silent = []
    for path in APP.rglob("__init__.py"):
        opening = ast.get_docstring(tree(path)) or ""
        has_glossary = path.parent == APP or "Glossary" in opening
        if not has_glossary or not re.search(r"\b[Rr]ead\b", opening):
            silent.append(name_of(path, ROOT))
    assert not silent
