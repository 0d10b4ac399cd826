"""Garbage is collected on the thread of the windows alone."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin import interpreter
from rejoin.gui.collector import Collector


@pytest.fixture
def collector(application: QApplication) -> Iterator[Collector]:
    before, thresholds = interpreter._collect_by, gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    parent = QObject()
    yield Collector(parent)
    interpreter.collect_by(before)
    gc.set_threshold(*thresholds)


class Loop:
    """Garbage once nobody else knows it."""

    def __init__(self) -> None:
        self.itself = self


def forget_one() -> weakref.ref[Loop]:
    return weakref.ref(Loop())


def test_a_collection_of_another_thread_runs_on_the_thread_of_the_windows(
    collector: Collector,
) -> None:
    ran: list[threading.Thread] = []
    other = threading.Thread(
        target=lambda: interpreter._run(lambda: ran.append(threading.current_thread()))
    )
    other.start()
    other.join()
    assert ran == [], "not on that thread"
    assert wait_until(lambda: bool(ran))
    assert ran == [threading.main_thread()]


def test_no_other_thread_collects_by_allocating(collector: Collector) -> None:
    known = forget_one()
    kept: list[list[int]] = []
    other = threading.Thread(target=lambda: kept.extend([] for _ in range(100_000)))
    other.start()
    other.join()
    assert known() is not None
    assert wait_until(lambda: known() is None), "the windows' thread does"


def test_nothing_is_collected_while_that_is_off(collector: Collector) -> None:
    known = forget_one()
    kept: list[list[int]] = [[] for _ in range(100_000)]
    gc.disable()
    try:
        collector.collect_due()
        assert known() is not None
    finally:
        gc.enable()
    collector.collect_due()
    assert known() is None
    assert kept


def test_after_the_application_nothing_is_collected(application: QApplication) -> None:
    before, thresholds = interpreter._collect_by, gc.get_threshold()
    parent = QObject()
    collector = Collector(parent)
    try:
        del parent
        interpreter._run(lambda: pytest.fail("it ran"))
    finally:
        interpreter.collect_by(before)
        gc.set_threshold(*thresholds)
    del collector


def test_the_application_has_one(application: QApplication) -> None:
    assert application.findChildren(Collector)
