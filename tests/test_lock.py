"""The locks cover pyproject.toml: every requirement is there, exact, with hashes.

`requirements.lock` has everything, for development; `packaging/locks` has what one product
installs, at the same versions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from helpers.parts import installed_by

ROOT = Path(__file__).parent.parent
AGAIN = "CONTRIBUTING.md says how to make requirements.lock again"


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


PRODUCTS = ("player", "backend")
APART = ("package", "docs")
"""Groups with a lock of their own: what only makes packages, and what makes the site."""


def lock_of(product: str) -> Path:
    return ROOT / "packaging" / "locks" / f"{product}.lock"


def needed() -> Iterator[Requirement]:
    """Every requirement in pyproject.toml: base, extras, build and groups, but for groups that have
    a lock of their own."""
    named = project()
    groups = [
        named["project"]["dependencies"],
        *named["project"]["optional-dependencies"].values(),
        named["build-system"]["requires"],
        *(lines for name, lines in named["dependency-groups"].items() if name not in APART),
    ]
    for group in groups:
        for line in group:
            yield Requirement(line)


def entries(lock: Path = ROOT / "requirements.lock") -> list[str]:
    """The lock's requirements, each with its hashes on one line."""
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [entry for entry in "\n".join(lines).replace("\\\n", " ").splitlines() if entry.strip()]


def locked() -> list[Requirement]:
    return [Requirement(entry.partition("--hash")[0].strip()) for entry in entries()]


def by_name(lock: Path) -> dict[str, str]:
    """The lock's requirements with their hashes, by the package's name."""
    return {canonicalize_name(entry.partition("==")[0]): entry for entry in entries(lock)}


@pytest.mark.parametrize("group", APART)
def test_a_group_with_a_lock_of_its_own_is_in_it(group: str) -> None:
    locked_there = by_name(lock_of(group))
    for line in project()["dependency-groups"][group]:
        wanted = Requirement(line)
        entry = locked_there[canonicalize_name(wanted.name)]
        assert Version(entry.partition("==")[2].split()[0]) in wanted.specifier


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_product_gets_what_was_tested_and_no_more(product: str) -> None:
    here = by_name(lock_of(product))
    tested = by_name(ROOT / "requirements.lock")
    assert here.keys() <= tested.keys()
    # A package that another product wants too can be needed under more conditions there.
    differ = [
        name
        for name, entry in here.items()
        if entry.partition("==")[2].split()[0] != tested[name].partition("==")[2].split()[0]
        or set(re.findall(r"sha256:\w+", entry)) != set(re.findall(r"sha256:\w+", tested[name]))
    ]
    assert not differ, AGAIN
    installed = installed_by([product])
    assert installed <= here.keys(), AGAIN
    others = {"player": {"boto3", "fastapi", "sqlalchemy"}, "backend": {"av", "aiortc", "numpy"}}
    assert not others[product] & here.keys()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_requirement_is_locked_at_a_version_that_it_allows(python: str, system: str) -> None:
    environment: dict[str, str] = {
        "sys_platform": system,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    versions: dict[str, Version] = {}
    for entry in locked():
        if entry.marker is None or entry.marker.evaluate(environment):
            name = canonicalize_name(entry.name)
            assert name not in versions, f"{name} is locked twice for {python} on {system}"
            [specifier] = entry.specifier
            assert specifier.operator == "=="
            versions[name] = Version(specifier.version)
    uncovered = [
        str(requirement)
        for requirement in needed()
        if (requirement.marker is None or requirement.marker.evaluate(environment))
        and (
            canonicalize_name(requirement.name) not in versions
            or versions[canonicalize_name(requirement.name)] not in requirement.specifier
        )
    ]
    assert not uncovered, AGAIN


@pytest.mark.parametrize("lock", [ROOT / "requirements.lock", *map(lock_of, (*PRODUCTS, *APART))])
def test_every_locked_package_has_hashes_and_no_address(lock: Path) -> None:
    assert len(entries(lock)) > 5
    for entry in entries(lock):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry.split()[0]
        assert "://" not in entry
        assert "--index" not in entry


def test_the_pythons_of_dev_py_are_those_of_the_project() -> None:
    supported = SpecifierSet(project()["project"]["requires-python"])
    text = (ROOT / "dev.py").read_text(encoding="utf-8")
    [oldest] = re.findall(r"^OLDEST = \(3, (\d+)\)$", text, re.MULTILINE)
    [newest] = re.findall(r"^NEWEST = \(3, (\d+)\)$", text, re.MULTILINE)
    for minor in range(8, 20):
        assert (f"3.{minor}.0" in supported) == (int(oldest) <= minor <= int(newest))
