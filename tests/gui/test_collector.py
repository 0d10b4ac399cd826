"""Collections that another thread wants run on the thread of the windows."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QApplication

from helpers.window_faces import wait_until
from rejoin import interpreter
from rejoin.gui.collector import Collector


@pytest.fixture
def as_before() -> Iterator[None]:
    before = interpreter._collect_by
    yield
    interpreter.collect_by(before)


def test_a_collection_of_another_thread_runs_on_the_thread_of_the_windows(
    application: QApplication, as_before: None
) -> None:
    parent = QObject()
    collector = Collector(parent)
    ran: list[threading.Thread] = []
    other = threading.Thread(
        target=lambda: interpreter._run(lambda: ran.append(threading.current_thread()))
    )
    other.start()
    other.join()
    assert ran == [], "not on that thread"
    wait_until(lambda: bool(ran))
    assert ran == [threading.main_thread()]
    del collector


def test_after_the_application_nothing_is_collected(
    application: QApplication, as_before: None
) -> None:
    parent = QObject()
    collector = Collector(parent)
    del parent
    QCoreApplication.processEvents()
    interpreter._run(lambda: pytest.fail("it ran"))
    del collector


def test_the_application_has_one(application: QApplication) -> None:
    assert application.findChildren(Collector)
