"""The wheel as it would ship: the package, its resources, its licence, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.parts import requirements

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_the_program_and_nothing_else(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, "wheel", *flags, str(ROOT)], check=True)
    [wheel] = tmp_path.glob("rejoin_client-*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
        assert "rejoin = rejoin.cli.main:main" in archive.read(entry_points).decode()
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        fields = message_from_bytes(archive.read(metadata))
    assert any(name.endswith("licenses/LICENSE") for name in names)
    needed = [Requirement(line) for line in fields.get_all("Requires-Dist", [])]
    assert set(fields.get_all("Provides-Extra", [])) == set(requirements()) - {"base"}
    for part, expected in requirements().items():
        environment = {"extra": "" if part == "base" else part}
        found = {
            canonicalize_name(one.name)
            for one in needed
            if one.marker is None or one.marker.evaluate(environment)
        }
        wanted = {canonicalize_name(one.name) for one in (*requirements()["base"], *expected)}
        assert found == wanted, part
    package = {name for name in names if not name.startswith("rejoin_client-")}
    shipped = {
        f"rejoin/_resources/{path.relative_to(ROOT / 'resources').as_posix()}"
        for path in (ROOT / "resources").rglob("*")
        if path.is_file()
    }
    modules = {
        path.relative_to(ROOT / "app").as_posix()
        for path in (ROOT / "app" / "rejoin").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package == modules | shipped
    assert "rejoin/cli/main.py" in package
