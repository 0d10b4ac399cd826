"""The tables of crates and of parts of Qt: complete for the wheels of the lock, and what stops a
packaging. The wheels are those of this environment."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rejoin.runtime import licences as runtime
from rejoin.version import DISTRIBUTION

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "packaging" / "licences"
SITE = Path(sysconfig.get_path("platlib"))
COMMIT = b"48a229ceaefd4985c50990b14116b6d856af0985"


@pytest.fixture(scope="module", name="tables")
def _tables() -> ModuleType:
    return module("licence_tables")


@pytest.fixture(scope="module", name="rust")
def _rust() -> ModuleType:
    return module("rust_crates")


@pytest.fixture(scope="module", name="reader")
def _reader() -> ModuleType:
    return module("read_qt")


def module(name: str) -> ModuleType:
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def wheels_with_rust(rust: ModuleType) -> dict[str, Any]:
    """What the Rust libraries of the player's distributions say, by canonical name."""
    found = {}
    lock = (ROOT / "packaging" / "locks" / "player.lock").read_text(encoding="utf-8")
    installed = runtime.installed(DISTRIBUTION, [str(SITE)])
    for name in re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE):
        if name not in installed:
            continue
        files = [each for each in installed[name].files or () if each.suffix in (".so", ".pyd")]
        said = rust.read_rust(Path(str(each.locate())) for each in files)
        if said is not None:
            found[name] = said
    return found


def crates_of_bill(rust: ModuleType, name: str) -> list[Any]:
    distribution = runtime.installed(DISTRIBUTION, [str(SITE)])[name]
    rows = []
    for file in distribution.files or ():
        if "/sboms/" in str(file):
            bill = json.loads(file.read_text(encoding="utf-8"))
            rows += [
                rust.Inside(
                    each["name"], each["version"], each["licenses"][0]["expression"], each["purl"]
                )
                for each in bill["components"]
                if each["purl"].startswith("pkg:cargo/")
            ]
    return rows


# --- the wheels of the lock -----------------------------------------------------------------------


def test_every_crate_in_a_wheel_of_the_player_has_a_row_and_no_row_is_of_an_older_lock(
    tables: ModuleType, rust: ModuleType
) -> None:
    used = set()
    wheels = wheels_with_rust(rust)
    assert {"cryptography", "pydantic-core"} <= set(wheels)
    for name, said in wheels.items():
        crates = rust.named(name, crates_of_bill(rust, name), tables.crates())
        assert crates, name
        used |= {each.crate for each in crates}
        standard = rust.of_library(name, said, crates, tables.standard())
        assert standard[0].name == rust.STANDARD_LIBRARY
        assert re.fullmatch(r"\d+\.\d+\.\d+", standard[0].version)
    assert [row.name for row in tables.crates() if row not in used] == []


def test_qt_was_read_for_the_series_of_the_lock(tables: ModuleType) -> None:
    lock = (ROOT / "packaging" / "locks" / "player.lock").read_text(encoding="utf-8")
    [version] = re.findall(r"^pyside6-essentials==(\S+)", lock, re.MULTILINE)
    tables.check_qt(version)
    with pytest.raises(tables.Unnamed, match=r"read for Qt .*, and PySide6 is 9\.1\.0"):
        tables.check_qt("9.1.0")


def test_every_row_has_texts_and_takes_what_is_offered(tables: ModuleType) -> None:
    for row in (*tables.crates(), *tables.standard()):
        assert row.read, row.name
        # Only the crates that belong to the wheel itself have their texts there.
        assert row.texts or row.name.startswith("cryptography-"), row.name
        assert all(tables.texts_of(row.texts).values()), row.name
        # More than is offered is taken where a part of the crate is under another licence.
        taken, offered = (
            set(re.findall(r"[\w.+-]+", each)) - {"AND", "OR", "WITH"}
            for each in (row.taken, row.offered)
        )
        assert taken & offered, row.name
        assert " OR " not in row.taken, row.name
    for part in tables.qt_parts():
        assert all(tables.texts_of(part.texts).values()), part.name
        assert part.texts, part.name
        assert part.copyright, part.name
        assert " OR " not in part.licence


def test_a_choice_that_nobody_made_is_an_error(tables: ModuleType) -> None:
    assert tables.taken("qt", "LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only") == "LGPL-3.0-only"
    assert tables.taken("b", "BSD-3-Clause AND MIT") == "BSD-3-Clause AND MIT"
    with pytest.raises(tables.Unnamed, match="what is taken of b's licence: MIT OR ISC"):
        tables.taken("b", "MIT OR ISC")


def test_the_text_of_uplot_is_the_one_that_is_shipped(tables: ModuleType) -> None:
    shipped = ROOT / "resources" / "report" / "uPlot-LICENSE.txt"
    assert tables.texts_of(["uplot"])["uplot"] == shipped.read_text(encoding="utf-8")


# --- what stops a packaging -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version", "offered"),
    [
        ("left-pad", "0.8.12", "MIT OR Apache-2.0"),
        ("ahash", "0.9.0", "MIT OR Apache-2.0"),
        ("ahash", "0.8.12", "MPL-2.0"),
        ("ahash", "0.8.12", ""),
    ],
)
def test_a_crate_that_no_row_is_for_is_named(
    tables: ModuleType, rust: ModuleType, name: str, version: str, offered: str
) -> None:
    known = rust.Inside("ahash", "0.8.99", "MIT OR Apache-2.0", "pkg:cargo/ahash@0.8.99")
    [found] = rust.named("wheel", [known], tables.crates())
    assert found.crate.copyright == ("Copyright (c) 2018 Tom Kaitchuck",)
    strange = rust.Inside(name, version, offered, f"pkg:cargo/{name}@{version}")
    with pytest.raises(tables.Unnamed, match=rf"in wheel: {name} {re.escape(version)}"):
        rust.named("wheel", [known, strange], tables.crates())


def library(folder: Path, *content: bytes) -> Path:
    file = folder / "_native.abi3.so"
    file.write_bytes(b"\0".join((b"/rustc/" + COMMIT + b"/library/core/src/str.rs", *content)))
    return file


def test_a_rust_library_says_what_it_was_made_from(rust: ModuleType, tmp_path: Path) -> None:
    file = library(
        tmp_path,
        b"/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/lexical-util-1.0.7/src/a.rs",
        rb"C:\cargo\registry\src\index.crates.io-19\wasi-0.14.2+wasi-0.2.4\src\lib.rs",
        b"/rust/deps/gimli-0.32.3/src/read.rs",
        b"rustc version 1.98.1 (48a229cea 2026-09-01)",
    )
    said = rust.read_rust([file])
    assert said.linked == {("lexical-util", "1.0.7"), ("wasi", "0.14.2+wasi-0.2.4")}
    assert said.standard == {("gimli", "0.32.3")}
    assert said.compiler == "1.98.1"
    (tmp_path / "c.so").write_bytes(b"GCC: (GNU) 12")
    assert rust.read_rust([tmp_path / "c.so"]) is None


def test_a_rust_library_without_a_bill_is_noticed(
    tables: ModuleType, rust: ModuleType, tmp_path: Path
) -> None:
    place = b"/registry/src/index.crates.io-19/left-pad-1.0.7/src/a.rs"
    said = rust.read_rust([library(tmp_path, place)])
    with pytest.raises(tables.Unnamed, match=r"wheel was made from .*: left-pad 1\.0\.7$"):
        rust.of_library("wheel", said, [], tables.standard())
    listed = rust.Inside("left-pad", "1.0.7", "MIT", "pkg:cargo/left-pad@1.0.7")
    found = rust.of_library("wheel", said, [listed], tables.standard())
    assert [each.name for each in found] == [
        rust.STANDARD_LIBRARY,
        *(row.name for row in tables.standard()[1:]),
    ]


def test_a_standard_library_with_something_new_is_noticed(
    tables: ModuleType, rust: ModuleType, tmp_path: Path
) -> None:
    said = rust.read_rust([library(tmp_path, b"/rust/deps/left-pad-0.1.0/src/read.rs")])
    with pytest.raises(tables.Unnamed, match=r"left-pad 0\.1\.0$"):
        rust.of_library("wheel", said, [], tables.standard())


def test_what_a_bill_has_is_not_repeated_for_the_standard_library(
    tables: ModuleType, rust: ModuleType, tmp_path: Path
) -> None:
    said = rust.read_rust([library(tmp_path, b"/rust/deps/hashbrown-0.17.1/src/raw.rs")])
    listed = [
        rust.Inside("hashbrown", "0.17.1", "MIT", "pkg:cargo/hashbrown@0.17.1"),
        rust.Inside("libc", "0.2.1", "MIT", "pkg:cargo/libc@0.2.1"),
    ]
    names = {each.name for each in rust.of_library("wheel", said, listed, tables.standard())}
    assert not names & {"hashbrown", "libc"}
    assert {"gimli", "memchr"} <= names


def test_a_module_of_a_distribution_that_is_not_listed_is_noticed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    rows = [
        ("av", str(site / "av" / "__init__.py"), "PYMODULE"),
        ("cython", str(site / "cython.py"), "PYMODULE"),
        ("build.json", str(site / "rejoin" / "build.json"), "DATA"),
        ("os", "/usr/lib/python3.11/os.py", "PYMODULE"),
    ]
    (tmp_path / "PYZ-00.toc").write_text(repr(("PYZ-00.pyz", rows)))
    (tmp_path / "COLLECT-00.toc").write_text(repr((rows[2:], "rejoin", True)))
    strangers = module("collected").strangers(tmp_path.glob("*.toc"), site, {"av/__init__.py"})
    assert strangers == ["cython.py"]


# --- the reading of Qt's sources ------------------------------------------------------------------


def source(folder: Path, **entry: str) -> Path:
    """A source of Qt with one attribution."""
    said = {
        "Id": "thing",
        "Name": "A thing",
        "QDocModule": "qtgui",
        "LicenseId": "MIT",
        "LicenseFile": "LICENSE",
        "Copyright": "Copyright &lt;someone&gt;\n  and another",
        **entry,
    }
    place = folder / "src" / "3rdparty" / "thing"
    place.mkdir(parents=True)
    (folder / "src" / "3rdparty" / "wayland" / "protocols").mkdir(parents=True)
    (folder / "src/3rdparty/wayland/protocols/MIT_LICENSE.txt").write_text("none here")
    (place / "qt_attribution.json").write_text(json.dumps([said]))
    mit = (FOLDER / "texts" / "MIT.txt").read_text(encoding="utf-8")
    (place / "LICENSE").write_text("Copyright someone\n\n" + mit.replace("\n", "\n  "))
    return folder


def test_a_part_of_qt_gets_its_place_its_lines_and_the_text_that_it_shares(
    reader: ModuleType, tmp_path: Path
) -> None:
    [part] = reader.read([source(tmp_path, Version="1.2")])
    assert part.name == "A thing"
    assert part.copyright == ("Copyright <someone>", "and another")
    assert "PySide6/Qt/lib/libQt6Gui.so.6" in part.files
    assert list(part.texts) == ["MIT"]
    text = reader.rows([part], {"qtbase": "6.11.2"})
    assert 'version = "1.2"\noffered = "MIT"\ntaken = "MIT"\ntexts = ["MIT"]' in text


def test_a_text_of_its_own_is_kept(reader: ModuleType, tmp_path: Path) -> None:
    folder = source(tmp_path, LicenseId="BSD-3-Clause")
    (folder / "src" / "3rdparty" / "thing" / "LICENSE").write_text("Redistribution and use\n")
    [part] = reader.read([folder])
    assert part.texts == {"qt/thing": "Redistribution and use\n"}


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({"QDocModule": "qtquick3d"}, "where thing of qtquick3d gets to"),
        ({"LicenseId": "MIT OR ISC"}, "what is taken of MIT OR ISC, for thing"),
    ],
)
def test_a_part_of_qt_that_nobody_placed_is_an_error(
    reader: ModuleType, tmp_path: Path, entry: dict[str, str], error: str
) -> None:
    with pytest.raises(reader.Unplaced, match=error):
        list(reader.read([source(tmp_path, **entry)]))


def test_a_protocol_without_an_attribution_has_its_lines_in_itself(
    reader: ModuleType, tmp_path: Path
) -> None:
    folder = source(tmp_path, Id="zlib") / "src" / "3rdparty" / "wayland" / "protocols"
    grant = f"{reader.GRANT}, to any person\nand so on."
    (folder / "MIT_LICENSE.txt").write_text(grant)
    (folder / "drag").mkdir()
    (folder / "drag" / "drag-v1.xml").write_text(
        f"<protocol><copyright>\n    Copyright 2023 D\n\n    {grant}\n</copyright></protocol>"
    )
    [part] = reader.read([tmp_path])
    assert (part.name, part.copyright) == ("Wayland protocol drag-v1", ("Copyright 2023 D",))
    (folder / "drag" / "drag-v1.xml").write_text("<copyright>All rights reserved</copyright>")
    with pytest.raises(reader.Unplaced, match=r"the licence of drag-v1\.xml"):
        list(reader.read([tmp_path]))
