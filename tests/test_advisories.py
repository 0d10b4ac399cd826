"""No known security advisory covers what a lock installs or what pyproject.toml allows."""

from __future__ import annotations

import importlib.util
import json
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.version import Version

ROOT = Path(__file__).parent.parent
AUDIT = ROOT / "packaging" / "audit" / "audit.py"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rejoin_audit", AUDIT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, spec.name, module)
        spec.loader.exec_module(module)
    return module


def test_nothing_that_is_installed_or_allowed_is_covered(audit: ModuleType) -> None:
    advisories = audit.read()
    assert {"h11", "starlette", "cryptography"} <= {each.package for each in advisories}
    assert audit.open_ones(advisories) == []


def test_the_snapshot_says_when_it_was_taken() -> None:
    snapshot = json.loads((AUDIT.parent / "advisories.json").read_text(encoding="utf-8"))
    assert date.fromisoformat(snapshot["taken"]) >= date(2026, 11, 30)
    for each in snapshot["advisories"]:
        assert Version(each["introduced"]) < Version(each["fixed"] or "9999"), each
        assert each["source"], each


@pytest.mark.parametrize(
    ("fixed", "versions"),
    [("2.0", {"0.9": False, "1.0": True, "1.9": True, "2.0": False}), (None, {"99": True})],
)
def test_a_range_ends_before_the_fix(
    audit: ModuleType, fixed: str | None, versions: dict[str, bool]
) -> None:
    one = audit.Advisory("X-1", "some", "1.0", fixed, "here")
    assert {each: one.covers(Version(each)) for each in versions} == versions


def test_a_version_with_a_known_hole_is_found_in_a_lock_and_in_a_lower_bound(
    audit: ModuleType,
) -> None:
    lock = "h11==0.14.0 \\\n    --hash=sha256:aa\n    # via x\nidna==3.20 ; python_version<'4'\n"
    assert dict(audit.locked(lock)) == {"h11": Version("0.14.0"), "idna": Version("3.20")}
    project: dict[str, Any] = {
        "dependencies": ["click>=8.2"],
        "optional-dependencies": {"a": ["H11[x]>=0.14,<1; sys_platform == 'linux'"]},
    }
    assert dict(audit.lowest(project)) == {"click": Version("8.2"), "h11": Version("0.14")}
    project["dependencies"] = ["click<9"]
    with pytest.raises(ValueError, match="click<9 has no lower bound"):
        list(audit.lowest(project))


def test_a_database_is_read_with_its_ranges(audit: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "vulns" / "H11"
    folder.mkdir(parents=True)
    (folder / "PYSEC-1.yaml").write_text(
        "id: PYSEC-1\naffected:\n- ranges:\n  - type: GIT\n    events: []\n"
        "  - type: ECOSYSTEM\n    events:\n    - introduced: '0'\n    - fixed: '1.0'\n"
        "    - introduced: '2.0'\n",
        encoding="utf-8",
    )
    (folder / "PYSEC-2.yaml").write_text("id: PYSEC-2\nwithdrawn: 2024-01-01\n", encoding="utf-8")
    found = [(one.introduced, one.fixed) for one in audit.taken_from(tmp_path, {"h11"})]
    assert found == [("0", "1.0"), ("2.0", None)]
    assert list(audit.taken_from(tmp_path, {"other"})) == []


def test_a_newer_database_adds_what_is_new_and_the_fix_of_what_had_none(
    audit: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def advisory(name: str, fixed: str | None) -> dict[str, str | None]:
        source = f"github.com/pypa/advisory-database, vulns/h11/{name}.yaml"
        return {
            "id": name,
            "package": "h11",
            "introduced": "0",
            "fixed": fixed,
            "source": source,
        }

    snapshot = tmp_path / "advisories.json"
    before = [advisory("PYSEC-1", None), advisory("PYSEC-2", "0.9")]
    snapshot.write_text(json.dumps({"taken": "2026-11-30", "advisories": before}))
    folder = tmp_path / "vulns" / "h11"
    folder.mkdir(parents=True)
    for name in ("PYSEC-1", "PYSEC-2", "PYSEC-3"):
        (folder / f"{name}.yaml").write_text(
            f"id: {name}\naffected:\n- ranges:\n  - type: ECOSYSTEM\n    events:\n"
            "    - introduced: '0'\n    - fixed: '1.0'\n",
            encoding="utf-8",
        )
    monkeypatch.setattr(audit, "SNAPSHOT", snapshot)
    audit.take(tmp_path)
    assert json.loads(snapshot.read_text())["advisories"] == [
        advisory("PYSEC-1", "1.0"),
        advisory("PYSEC-2", "0.9"),
        advisory("PYSEC-3", "1.0"),
    ]
