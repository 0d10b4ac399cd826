"""The parts in pyproject.toml, and programs that run as if only some of them were installed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent

HOOK = '''\
"""Hides packages and libraries from the program that imports this at its start."""

import sys

HIDDEN = {hidden!r}
BROKEN = {broken!r}


class Hides:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        if name in BROKEN:
            library = BROKEN[name]
            raise ImportError(
                f"{{library}}: cannot open shared object file: No such file or directory",
                name=name,
            )
        return None


sys.meta_path.insert(0, Hides())
'''


@cache
def requirements() -> dict[str, tuple[Requirement, ...]]:
    """The requirements of each part; those of every installation as `base`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = {"base": project["dependencies"], **project["optional-dependencies"]}
    return {part: tuple(map(Requirement, found)) for part, found in lines.items()}


def installed_by(parts: Iterable[str]) -> set[str]:
    """Canonical names of all packages that the base and these parts install, here and now."""
    waiting = [one for part in ("base", *parts) for one in requirements()[part]]
    found: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if needed and name not in found:
            found.add(name)
            waiting += map(Requirement, metadata.requires(name) or ())
    return found


def modules_outside(parts: Iterable[str]) -> set[str]:
    """Top-level modules that the part `all` has and the base with these parts does not."""
    hidden = installed_by(["all"]) - installed_by(parts)
    return {
        module
        for module, packages in metadata.packages_distributions().items()
        if {canonicalize_name(package) for package in packages} <= hidden
    }


def environment_with(
    folder: Path, *parts: str, broken: dict[str, str] | None = None
) -> dict[str, str | None]:
    """Variables that hide everything outside these parts from a program, its children included.

    `broken`: modules that cannot be loaded, each with the system library that it lacks.
    """
    hook = HOOK.format(hidden=modules_outside(parts), broken=broken or {})
    (folder / "sitecustomize.py").write_text(hook, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}
