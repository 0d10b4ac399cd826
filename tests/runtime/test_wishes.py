"""Listeners of the module's wishes: each hears all, and one that fails disturbs nobody."""

from __future__ import annotations

import pytest

from rejoin.input_events.wishes import AnyWish, CursorWish, PointerLockWish
from rejoin.runtime.wishes import Wishes


def test_listeners_hear_each_wish_until_they_leave(caplog: pytest.LogCaptureFixture) -> None:
    wishes, heard, also = Wishes(), list[AnyWish](), list[AnyWish]()

    def fail(wish: AnyWish) -> None:
        raise RuntimeError

    wishes.publish(CursorWish("none"))
    leave_first = wishes.subscribe(heard.append)
    wishes.subscribe(fail)
    wishes.subscribe(also.append)
    wishes.publish(PointerLockWish(True))
    leave_first()
    leave_first()
    wishes.publish(PointerLockWish(False))
    assert heard == [PointerLockWish(True)]
    assert also == [PointerLockWish(True), PointerLockWish(False)]
    assert "a listener of wishes failed" in caplog.text
