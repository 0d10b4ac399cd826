"""Hold what Rejoin depends on against a dated snapshot of security advisories.

    python packaging/audit/audit.py                 check; exit code 1 names what is open
    python packaging/audit/audit.py --take FOLDER   add what a newer checkout of PyPA's advisory
                                                    database (github.com/pypa/advisory-database)
                                                    has, and the fix of what had none

The snapshot (`advisories.json`) is part of the repository, so that a new advisory turns no build
red by itself: somebody takes it, and mends what it shows in the same change. Checked are the
versions in every lock, and the lowest version that `pyproject.toml` allows of each package that it
names. An advisory without a fix counts until the lock leaves its range.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from shared import run_main  # noqa: E402

SNAPSHOT: Final = HERE / "advisories.json"
LOCKS: Final = (
    ROOT / "requirements.lock",
    *sorted((ROOT / "packaging" / "locks").glob("*.lock")),
)
LOWER: Final = frozenset({">=", "==", "~="})


@dataclass(frozen=True, slots=True)
class Advisory:
    """`introduced` is vulnerable, `fixed` is not; no `fixed`: every later version is vulnerable."""

    id: str
    package: str
    introduced: str
    fixed: str | None
    source: str

    def covers(self, version: Version) -> bool:
        if version < Version(self.introduced):
            return False
        return self.fixed is None or version < Version(self.fixed)


def read() -> list[Advisory]:
    """The snapshot."""
    return [Advisory(**each) for each in json.loads(SNAPSHOT.read_text())["advisories"]]


def locked(text: str) -> Iterator[tuple[str, Version]]:
    """Name and version of every package in a lock."""
    for line in text.splitlines():
        name, equals, rest = line.partition("==")
        if equals and not line.startswith((" ", "#")):
            yield canonicalize_name(name), Version(rest.split(" ")[0].split(";")[0].strip())


def lowest(project: dict[str, Any]) -> Iterator[tuple[str, Version]]:
    """Name and lowest allowed version of every package that a player, a backend or a tester gets.

    ValueError for one without a lower bound: nobody tried all of its versions.
    """
    parts = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in map(Requirement, {line for part in parts for line in part}):
        bounds = [Version(one.version) for one in requirement.specifier if one.operator in LOWER]
        if not bounds:
            raise ValueError(f"{requirement} has no lower bound")
        yield canonicalize_name(requirement.name), max(bounds)


def open_ones(advisories: list[Advisory]) -> list[str]:
    """A sentence for each advisory that covers a version which we install or allow."""
    places: list[tuple[str, Iterator[tuple[str, Version]]]] = [
        (path.relative_to(ROOT).as_posix(), locked(path.read_text(encoding="utf-8")))
        for path in LOCKS
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    places.append(("the lowest versions of pyproject.toml", lowest(project)))
    found = []
    for place, packages in places:
        for name, version in packages:
            found += [
                f"{place}: {name} {version} is covered by {each.id}, "
                f"{f'fixed in {each.fixed}' if each.fixed else 'not fixed yet'} ({each.source})"
                for each in advisories
                if each.package == name and each.covers(version)
            ]
    return found


def taken_from(folder: Path, packages: set[str]) -> Iterator[Advisory]:
    """The advisories about these packages in a checkout of PyPA's database."""
    import yaml

    for path in sorted(folder.glob("vulns/*/*.yaml")):
        if canonicalize_name(path.parent.name) not in packages:
            continue
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        if entry.get("withdrawn"):
            continue
        for affected in entry.get("affected", []):
            for events in affected.get("ranges", []):
                if events["type"] == "ECOSYSTEM":
                    yield from _in_ranges(entry["id"], path.parent.name, events["events"])


def _in_ranges(name: str, package: str, events: list[dict[str, str]]) -> Iterator[Advisory]:
    source = f"github.com/pypa/advisory-database, vulns/{package}/{name}.yaml"
    package = canonicalize_name(package)
    introduced: str | None = None
    for event in events:
        if "introduced" in event:
            introduced = event["introduced"]
        elif "fixed" in event and introduced is not None:
            yield Advisory(name, package, introduced, event["fixed"], source)
            introduced = None
    if introduced is not None:
        yield Advisory(name, package, introduced, None, source)


def take(folder: Path) -> None:
    """Add to the snapshot what the checkout has and it has not; the day of that is its date."""
    snapshot = json.loads(SNAPSHOT.read_text())
    packages = {name for path in LOCKS for name, _ in locked(path.read_text(encoding="utf-8"))}
    known = {
        (each["id"], each["package"], each["introduced"]): each for each in snapshot["advisories"]
    }
    for each in taken_from(folder, packages):
        before = known.get((each.id, each.package, each.introduced))
        if before is None:
            snapshot["advisories"].append(asdict(each))
        elif before["fixed"] is None:
            before["fixed"] = each.fixed
    snapshot["advisories"].sort(key=lambda each: (each["package"], each["id"]))
    snapshot["taken"] = datetime.now(UTC).date().isoformat()
    SNAPSHOT.write_text(json.dumps(snapshot, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check dependencies against known advisories.")
    parser.add_argument("--take", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.take is not None:
        take(arguments.take)
    found = open_ones(read())
    print("\n".join(found) if found else "No known advisory covers a version in use.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
