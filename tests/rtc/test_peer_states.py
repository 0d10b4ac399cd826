from __future__ import annotations

from typing import Any, cast

import pytest

from rejoin.rtc.peer_states import (
    Closed,
    Connected,
    Connecting,
    Failed,
    Leaving,
    New,
    Offered,
    Parts,
    PeerState,
    Playing,
    Progress,
    is_connected,
    opened_at,
    parts_of,
    progress_of,
)

PARTS = cast(Parts, object())
TASK = cast(Any, object())
NEW, OFFERED, CONNECTING = New(), Offered(PARTS), Connecting(PARTS, TASK)
CONNECTED, PLAYING = Connected(PARTS, 5.0), Playing(PARTS, 5.0)
EVERY_PROGRESS: tuple[Progress, ...] = (NEW, OFFERED, CONNECTING, CONNECTED, PLAYING)


@pytest.mark.parametrize("progress", EVERY_PROGRESS)
def test_a_connection_that_ended_keeps_its_progress_and_parts(progress: Progress) -> None:
    ended: tuple[PeerState, ...] = (
        progress,
        Failed(progress),
        Leaving(Failed(progress)),
        Leaving(progress),
        Closed(Leaving(Failed(progress)), TASK),
    )
    for state in ended:
        assert progress_of(state) is progress
        assert parts_of(state) is (None if progress is NEW else PARTS)
        assert opened_at(state) == (5.0 if progress in (CONNECTED, PLAYING) else None)


@pytest.mark.parametrize(
    ("state", "connected"),
    [
        (NEW, False),
        (OFFERED, False),
        (CONNECTING, False),
        (CONNECTED, True),
        (PLAYING, True),
        (Failed(PLAYING), False),
        (Leaving(PLAYING), True),
        (Leaving(Failed(PLAYING)), False),
        (Closed(PLAYING, TASK), False),
        (Closed(Leaving(PLAYING), TASK), False),
    ],
    ids=str,
)
def test_a_connection_is_connected_until_it_fails_or_is_closed(
    state: PeerState, connected: bool
) -> None:
    assert is_connected(state) is connected
