"""A picture that runs on the graphics card, through everything a desktop does to its window.

Sizes, hiding, lost devices and closing, while another thread decodes 60 pictures a second. Under
Xvfb, with Mesa's software drivers; no real card was here.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from helpers.card_window import (
    APIS,
    LEAK_MB,
    CardWindow,
    card_window,
    megabytes,
    noise,
    picture_of,
)
from helpers.window_faces import wait_until
from rejoin.gui.qt_application import make_application
from rejoin.gui.rhi_surface import CardOptions

pytestmark = [pytest.mark.x11, pytest.mark.live, pytest.mark.timeout(900)]

FPS = 60


@pytest.fixture(params=APIS, ids=lambda api: api.value)
def window(request: pytest.FixtureRequest) -> Iterator[CardWindow]:
    make_application()
    with card_window(CardOptions(request.param), (320, 180)) as made:
        made.show(picture_of(noise((320, 180))))
        yield made


@contextmanager
def playing(window: CardWindow) -> Iterator[None]:
    """Pictures come from another thread until the end of the block."""
    ended = threading.Event()
    frames = [noise((320, 180), seed=seed) for seed in range(4)]

    def decode() -> None:
        number = 0
        while not ended.wait(1 / FPS):
            picture = picture_of(frames[number % len(frames)])
            window.port.slot.put(picture)
            number += 1

    thread = threading.Thread(target=decode)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def picture_is_back(window: CardWindow) -> None:
    """New pictures are painted, and the last one is on the surface as it should be."""
    before = window.view.painted.pictures
    assert wait_until(lambda: window.view.painted.pictures > before + 2, 60.0), window.failures
    assert window.failures == []
    assert window.seen().max() > 100, "it is not black"


def test_five_hundred_changes_of_size(window: CardWindow) -> None:
    with playing(window):
        used = 0.0
        for number in range(500):
            size = (160 + (number * 37) % 480, 90 + (number * 23) % 270)
            window.window.resize(*size)
            window.view.setGeometry(0, 0, *size)
            QApplication.processEvents()
            if number == 100:
                used = megabytes()
        gc.collect()
        assert megabytes() - used < LEAK_MB
        picture_is_back(window)
    assert len(window.surface._held) <= 2


def test_a_hundred_times_hidden_and_shown(window: CardWindow) -> None:
    with playing(window):
        for _ in range(100):
            window.window.hide()
            QApplication.processEvents()
            window.window.show()
            QApplication.processEvents()
        picture_is_back(window)


def test_fifty_lost_devices(window: CardWindow) -> None:
    """The native window goes, and with it Qt's device; the picture is uploaded to the next one."""
    with playing(window):
        used = 0.0
        for number in range(50):
            window.window.destroy()
            window.window.create()
            window.window.show()
            QApplication.processEvents()
            if number == 20:
                used = megabytes()
        gc.collect()
        assert megabytes() - used < LEAK_MB
        picture_is_back(window)


@pytest.mark.parametrize("what", ["resize", "hide", "lose", "play"])
def test_closed_in_the_midst(window: CardWindow, what: str) -> None:
    with playing(window):
        for number in range(5):
            if what == "resize":
                window.window.resize(200 + 20 * number, 150)
                window.view.resize(200 + 20 * number, 150)
            elif what == "hide":
                window.window.hide()
                window.window.show()
            elif what == "lose":
                window.window.destroy()
                window.window.create()
                window.window.show()
            QApplication.processEvents()
        window.bridge.close()
        window.window.close()
        window.window.deleteLater()
        QApplication.sendPostedEvents(window.window, QEvent.Type.DeferredDelete.value)
        QApplication.processEvents()
        time.sleep(0.05)
        QApplication.processEvents()


def test_the_last_picture_survives_all_of_it(window: CardWindow) -> None:
    """Without a new picture: the planes are kept, and uploaded once to each device."""
    before = window.seen()
    for change in ("hide", "lose", "both"):
        if change != "lose":
            window.window.hide()
            QApplication.processEvents()
        if change != "hide":
            window.window.destroy()
            window.window.create()
        renders = window.surface.renders
        window.window.show()
        assert wait_until(lambda at=renders: window.surface.renders > at), change  # type: ignore[misc]
        assert window.surface.uploads == 1 or change == "hide"
        assert (window.seen() == before).all(), change
    assert window.view.painted.pictures == 1, "it is not counted again"
