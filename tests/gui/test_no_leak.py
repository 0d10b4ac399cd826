"""A game's window leaves nothing behind: the home shows one after another in the same process."""

from __future__ import annotations

import gc
import weakref

from PySide6.QtWidgets import QApplication

from helpers.window_faces import destroy, face_named, show_face


def test_a_window_that_is_destroyed_is_gone(application: QApplication) -> None:
    before = set(map(id, application.allWidgets()))
    window, port, clock = show_face(face_named("lost"))
    window.menu.toggle()
    gone = weakref.ref(window)
    destroy(window)
    del window, port, clock
    gc.collect()
    assert [each for each in application.allWidgets() if id(each) not in before] == []
    assert gone() is None, "something outside of it holds it"
