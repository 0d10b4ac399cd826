"""Files of older and newer versions: migrated, never lost, and named where they are not known."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rejoin.runtime.player_settings import SETTINGS
from rejoin.runtime.settings_versions import (
    RENAMED,
    VERSION,
    migrate,
    new_name_of,
    version_of,
    version_problem,
)


def migrated(document: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(document)
    migrate(found)
    once = copy.deepcopy(found)
    migrate(found)
    assert found == once, "once is enough"
    return found


def test_what_was_renamed_is_not_lost() -> None:
    old = {"reports": {"send": True, "other": 1}, "video": {"vsync": True}}
    assert migrated(old) == {
        "version": VERSION,
        "reports": {"other": 1},
        "video": {"vsync": True},
        "privacy": {"send_reports": True},
    }


@pytest.mark.parametrize(("before", "word"), [(True, "reduced"), (False, "full"), (3, 3)])
def test_a_switch_became_a_word(before: object, word: object) -> None:
    """What was no usable value stays what it is, and is named when it is read."""
    found = migrated({"version": 2, "appearance": {"reduced_motion": before}})
    assert found == {"version": VERSION, "appearance": {"motion": word}}


def test_a_new_name_goes_before_the_old_one() -> None:
    found = migrated({"reports": {"send": True}, "privacy": {"send_reports": False}})
    assert found == {"version": VERSION, "privacy": {"send_reports": False}}


@pytest.mark.parametrize("document", [{"reports": 3}, {"reports": {"send": 1}, "privacy": "no"}])
def test_what_is_no_table_stays(document: dict[str, Any]) -> None:
    assert migrated(document) == {"version": VERSION, **document}


def test_the_newest_and_newer_versions_stay_as_they_are() -> None:
    for version in (VERSION, VERSION + 1, 99):
        document = {"version": version, "reports": {"send": True}}
        assert migrated(document) == document


@pytest.mark.parametrize("wrong", ["2", True, 0, -1, 1.5, None, [2]])
def test_a_version_that_is_none_is_said_and_mended(wrong: object) -> None:
    document = {"version": wrong, "reports": {"send": True}}
    assert version_of(document) is None
    assert "no usable version" in version_problem(document)[0]
    assert migrated(document) == {"version": VERSION, "reports": {"send": True}}


def test_only_a_newer_version_is_a_problem() -> None:
    assert version_problem({}) == ()
    assert version_problem({"version": VERSION}) == ()
    [sentence] = version_problem({"version": VERSION + 1})
    assert "a newer Rejoin wrote" in sentence


def test_every_new_name_is_a_setting_and_no_old_one_is() -> None:
    assert sorted(RENAMED) == list(range(1, VERSION))
    for renamed in RENAMED.values():
        for old in renamed:
            assert old not in SETTINGS
            assert new_name_of(old) in SETTINGS
    assert new_name_of("video.vsync") is None
