"""docs/emulator.md has a row for everything that is emulated, and every test it names exists."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from rejoin.emulator.service.api.operations import EMULATED_OPERATIONS
from rejoin.emulator.service.faults import (
    ApiFaultKind,
    BackendFaultKind,
    FaultKind,
    ScriptFaultKind,
)
from rejoin.emulator.service.refusals import ErrorType
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.netem.network_profile import NETWORK_PROFILES
from rejoin.service_model import status as service_status

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")


def chapter(title: str) -> str:
    """The text below a heading of the second level."""
    return re.split(r"^## ", TEXT.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Operations", EMULATED_OPERATIONS),
        ("Statuses", service_status.STATUSES),
        ("Reasons", service_status.REASONS),
        ("Errors", [error.value for error in ErrorType]),
        ("Settings", [one.name for one in dataclasses.fields(EmulatorSettings)]),
        ("Faults", [kind.value for kind in ApiFaultKind if kind is not ApiFaultKind.NONE]),
        ("Faults", [kind.value for kind in BackendFaultKind if kind is not BackendFaultKind.NONE]),
        ("Faults", [kind.value for kind in ScriptFaultKind if kind is not ScriptFaultKind.NONE]),
        ("Faults", [kind.value for kind in FaultKind if kind is not FaultKind.NONE]),
        ("Faults", NETWORK_PROFILES),
    ],
)
def test_everything_has_its_row(title: str, names: list[str]) -> None:
    first_columns = "\n".join(
        line.split("|")[1] for line in chapter(title).splitlines() if line.startswith("|")
    )
    missing = [
        name
        for name in names
        if not re.search(rf"(?<!\w){re.escape(name)}(?![\w+-])", first_columns)
    ]
    assert not missing


def test_every_row_names_a_test_that_exists() -> None:
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(
            r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert set(re.findall(r"`(test_\w+)`", TEXT)) <= known
    for title in ("Operations", "Statuses", "Reasons", "Timers", "Errors", "Settings", "Faults"):
        tables = re.findall(r"\|[-|]+\|\n((?:\|.*\n)+)", chapter(title))
        rows = [row for table in tables for row in table.splitlines()]
        assert rows
        assert [row for row in rows if "`test_" not in row.split("|")[-2]] == []


def test_the_files_that_it_names_exist() -> None:
    for name in re.findall(r"`((?:app|tests)/[\w/.]+)`", TEXT):
        assert (ROOT / name).exists(), name
