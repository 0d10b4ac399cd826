"""What a setting may be: each kind takes what it says, and nothing else."""

from __future__ import annotations

import pytest

from rejoin.errors import BadInputError
from rejoin.runtime.setting_kinds import (
    Applies,
    Kind,
    Limit,
    OneOf,
    Setting,
    Share,
    Text,
    Value,
    Whole,
    YesNo,
)

KINDS: tuple[Kind, ...] = (
    OneOf(("one", "other")),
    YesNo(),
    Share(),
    Limit(1, 5),
    Whole(100, 200),
    Text(8),
)


def of_kind(kind: Kind, default: Value = None) -> Setting:
    return Setting("name", "table.name", kind, default, "Something.", Applies.AT_ONCE)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (OneOf(("one", "other")), "other", "other"),
        (YesNo(), "YES", True),
        (Share(), "0.5", 0.5),
        (Limit(1, 5), "none", None),
        (Limit(1, 5), "5", 5),
        (Whole(100, 200), "150", 150),
        (Text(8), "DP-1", "DP-1"),
        (Text(8), "Kopfhör", "Kopfhör"),
        (Text(8), "none", None),
    ],
)
def test_what_a_person_writes(kind: Kind, text: str, value: Value) -> None:
    setting = of_kind(kind)
    assert setting.from_text(text) == value
    assert setting.from_text(setting.to_text(value)) == value


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (OneOf(("one", "other")), "two"),
        (OneOf(("one", "other")), 1),
        (YesNo(), 1),
        (Share(), True),
        (Share(), float("nan")),
        (Limit(1, 5), 6),
        (Limit(1, 5), 1.0),
        (Whole(100, 200), None),
        (Whole(100, 200), 99),
        (Whole(100, 200), True),
        (Text(8), ""),
        (Text(8), "123456789"),
        (Text(8), "two\nlines"),
        (Text(8), "\x1b[31m"),
        (Text(8), 5),
    ],
)
def test_what_cannot_be_is_one_sentence_with_what_can(kind: Kind, wrong: object) -> None:
    setting = of_kind(kind)
    with pytest.raises(BadInputError) as raised:
        setting.checked(wrong)
    assert str(raised.value).startswith("The setting table.name cannot be ")
    assert str(raised.value).endswith(f"but {setting.allowed()}.")
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_may_be(kind: Kind) -> None:
    assert of_kind(kind).allowed()


def test_a_share_is_a_float() -> None:
    assert type(of_kind(Share()).checked(1)) is float
