"""Qt is loaded beside, and no import reads sources."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rejoin.gui import qt_loading

PROGRAM = """if True:
    import builtins, sys
    from rejoin.gui import qt_loading
    BEGIN
    assert not any(name.startswith("PySide6") for name in sys.modules)
    qt_loading.load_qt()
    assert builtins.__import__.__name__ in ("__import__", "__lazy_import__")
    assert builtins.compile.__module__ == "builtins"
    from PySide6.QtCore import QObject, QThread, Signal
    from PySide6.QtWidgets import QApplication, QLabel
    stubs = sys.modules["shibokensupport.signature.lib.pyi_generator"]
    assert not hasattr(stubs, "Formatter")
    try:
        QLabel(1, 2, 3)
    except TypeError as error:  # PySide's own modules for this are there
        assert "QLabel" in str(error), error

    class Sender(QObject):
        sent = Signal(int)

    heard = []
    application = QApplication([])
    assert application.thread() == QThread.currentThread()
    sender = Sender()
    sender.sent.connect(heard.append)
    sender.sent.emit(7)
    label = QLabel("text")
    label.setWordWrap(True)
    label.show()
    assert label.wordWrap() and heard == [7]
    read = []
    import inspect
    inspect.getsource = lambda module: read.append(module)
    import rejoin.runtime.games_file, rejoin.gui.home.home_page
    assert not read
    print("fine")
"""


@pytest.mark.parametrize("begin", ["qt_loading.begin()", "pass"])
def test_qt_works_while_imports_read_no_sources(begin: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("BEGIN", begin)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_where_qt_is_not_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is named by the import, with what to install."""
    monkeypatch.setattr(qt_loading, "find_spec", lambda name: None)
    qt_loading._load_libraries()
    monkeypatch.undo()
    monkeypatch.setattr(qt_loading, "_LIBRARIES", ("no-such-library.so",))
    qt_loading._load_libraries()


def test_only_linux_loads_them_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(qt_loading, "_load_libraries", lambda: started.append("libraries"))
    monkeypatch.setattr("sys.platform", "win32")
    qt_loading.begin()
    assert started == []
