"""Points about reconnects: mistakes of a backend that they find."""

from __future__ import annotations

import pytest

from helpers.studio_backend import Bug, bugs_of, found_by

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize(
    "bug",
    bugs_of(
        "reconnect",
        "retry",
        "window",
        "older-attempt",
        "same-number",
        "reused-offer",
        "reused-key",
        "same-time",
    ),
    ids=lambda bug: bug.name,
)
async def test_each_mistake_is_found(bug: Bug) -> None:
    assert bug.point in await found_by(bug)
