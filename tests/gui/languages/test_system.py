"""The languages of the system's user, from the environment."""

from __future__ import annotations

import pytest

from rejoin.gui.languages.system import system_tags, tags_in


@pytest.mark.parametrize(
    ("environ", "tags"),
    [
        ({"LANG": "de_AT.UTF-8"}, ["de_AT"]),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, ["ja_JP"]),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "en_GB"}, ["en_GB"]),
        ({"LANG": "de_DE@euro", "LANGUAGE": "fr:ja"}, ["fr", "ja", "de_DE"]),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, []),
        ({"LANGUAGE": "de"}, []),
        ({"LANG": "POSIX"}, []),
        ({"LANG": ""}, []),
        ({}, []),
    ],
)
def test_the_locale_of_messages_and_the_list_before_it(
    environ: dict[str, str], tags: list[str]
) -> None:
    assert tags_in(environ) == tags


def test_this_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    monkeypatch.setenv("LANGUAGE", "")
    assert [tag.replace("-", "_") for tag in system_tags()] == ["ja_JP"]
