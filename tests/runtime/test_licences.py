"""Licences as the metadata of distributions says them, in its old forms and its new one."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from rejoin import assets
from rejoin.runtime import licences

GRANT = "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this"


def make(site: Path, name: str, fields: str, files: dict[str, str] | None = None) -> None:
    """An installed distribution, by its metadata and files alone."""
    folder = site / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    header = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n"
    (folder / "METADATA").write_text(header + fields, encoding="utf-8")
    rows = [f"{folder.name}/METADATA,,"]
    for file, text in (files or {}).items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text, encoding="utf-8")
        rows.append(f"{file},,")
    (folder / "RECORD").write_text("\n".join(rows), encoding="utf-8")


def only(site: Path, name: str) -> metadata.Distribution:
    return licences.installed(name, [str(site)])[name]


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: something\n", "MIT OR Apache-2.0"),
        ("License: Apache License, Version 2.0\n", "Apache-2.0"),
        ("License: ZPL 2.1\n", "ZPL 2.1"),
        ("License: " + "the whole text of it " * 9 + "\n", ""),
        ("Classifier: License :: OSI Approved :: MIT License\n", "MIT"),
        ("Classifier: License :: Somebody's own\n", "Somebody's own"),
        ("", ""),
    ],
)
def test_the_licence_is_what_the_metadata_says(tmp_path: Path, fields: str, licence: str) -> None:
    make(tmp_path, "one", fields)
    assert licences.licence_of(only(tmp_path, "one")) == licence


def test_a_text_that_is_mits_says_so_where_the_metadata_does_not(tmp_path: Path) -> None:
    make(tmp_path, "one", "", {"one-1.0.dist-info/licenses/LICENSE": GRANT})
    assert licences.licence_of(only(tmp_path, "one")) == "MIT"


def test_what_is_needed_is_found_through_others_and_extras_of_others_are_not(
    tmp_path: Path,
) -> None:
    make(tmp_path, "root", "Requires-Dist: a.b>=1; extra == 'player'\nRequires-Dist: away\n")
    make(tmp_path, "A-B", "Requires-Dist: c\nRequires-Dist: tests; extra == 'test'\n")
    make(tmp_path, "c", "Requires-Dist: root\n")
    make(tmp_path, "tests", "")
    make(tmp_path, "stranger", "")
    assert [each.name for each in licences.components("root", [str(tmp_path)])] == [
        *("A-B", "c", "root")
    ]


def test_texts_are_the_files_of_the_metadata_and_nothing_else(tmp_path: Path) -> None:
    files = {
        "one-1.0.dist-info/licenses/LICENSE.txt": "first\fsecond\n\n",
        "one-1.0.dist-info/licenses/deep/COPYING": "deep",
        "one-1.0.dist-info/sboms/licence.json": "{}",
        "one/licence.py": "code",
    }
    make(tmp_path, "one", "", files)
    found = licences.component_of(only(tmp_path, "one"))
    assert found.texts == {"LICENSE.txt": "first\nsecond\n", "deep/COPYING": "deep\n"}


def test_libraries_under_the_gpl_are_seen_by_their_files(tmp_path: Path) -> None:
    make(tmp_path, "one", "", {"one.libs/libx264-1f.so.165": "", "one.libs/libopus.so.0": ""})
    assert licences.component_of(only(tmp_path, "one")).copyleft == ("x264",)


def test_each_text_stands_once_after_all_that_it_belongs_to() -> None:
    text = licences.texts({"a": {"LICENSE": "same\n"}, "b": {"COPYING": "same\n"}, "c": {}})
    assert text.count("same") == 1
    assert "a (LICENSE), b (COPYING)" in text


def test_texts_with_the_same_words_are_one_and_many_owners_get_several_lines() -> None:
    of = {f"crate-{number}": {"MIT": "same\n  words\n"} for number in range(30)}
    text = licences.texts({"a": {"LICENSE": "same words\n"}, **of})
    assert text.count("words") == 1
    assert "crate-7 (MIT), crate-8" in text.replace("\n", " ")
    assert max(map(len, text.splitlines())) <= 100


def test_the_table_says_what_is_not_known() -> None:
    table = licences.table([("a", "1.0", "MIT"), ("longer", "2", "")])
    assert table.splitlines() == ["a       1.0  MIT", "longer  2    not said"]


def test_a_checkout_has_neither_notice_nor_bill_and_a_packaged_program_has_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert licences.notice() is None
    assert licences.bill_of_materials() is None
    for name in (licences.NOTICE, licences.BILL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(assets, "_PLACES", (tmp_path,))
    assert licences.notice() == licences.NOTICE
    assert licences.bill_of_materials() == licences.BILL
