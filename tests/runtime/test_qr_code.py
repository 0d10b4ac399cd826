"""A QR code is one that a reader reads, and its text has every module of it."""

from __future__ import annotations

import pytest

from rejoin.runtime.qr_code import QUIET_ZONE, as_text, qr_modules

ADDRESS = "https://id.example/device?user_code=ABCD-EFGH"


def finder(modules: tuple[tuple[bool, ...], ...], top: int, left: int) -> bool:
    """Whether a finder pattern (ISO/IEC 18004) is here."""
    for row in range(7):
        for column in range(7):
            ring = max(abs(row - 3), abs(column - 3))
            if modules[top + row][left + column] != (ring != 2):
                return False
    return True


def test_a_code_has_a_quiet_zone_and_three_finders() -> None:
    modules = qr_modules(ADDRESS)
    size = len(modules)
    assert {len(row) for row in modules} == {size}
    for at in range(QUIET_ZONE):
        assert not any(modules[at])
        assert not any(modules[-1 - at])
        assert not any(row[at] or row[-1 - at] for row in modules)
    last = size - QUIET_ZONE - 7
    assert finder(modules, QUIET_ZONE, QUIET_ZONE)
    assert finder(modules, QUIET_ZONE, last)
    assert finder(modules, last, QUIET_ZONE)
    assert not finder(modules, last, last)
    assert modules != qr_modules(ADDRESS + "X")


def test_the_text_has_every_module() -> None:
    modules = qr_modules(ADDRESS)
    read = []
    for line in as_text(modules).split("\n"):
        read.append(tuple(each in " ▄" for each in line))
        read.append(tuple(each in " ▀" for each in line))
    assert tuple(read[: len(modules)]) == modules


def test_what_is_too_long_has_no_code() -> None:
    with pytest.raises(ValueError, match=r"(?i)data too large|does not fit|no version"):
        qr_modules("x" * 5000)
