"""A link that macOS brings as an event opens as one that comes as an argument."""

from __future__ import annotations

import subprocess
import sys

LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example&name=a%20b"

PROGRAM = """if True:
    import sys
    from PySide6.QtCore import QCoreApplication, QTimer, QUrl
    from PySide6.QtGui import QFileOpenEvent
    from rejoin.gui import qt_application
    from rejoin.gui.home import program
    from rejoin.gui.home.step_page import StepPage
    from rejoin.runtime.player_settings import PlayerSettings

    qt_application.LINKS_ARE_EVENTS = program.LINKS_ARE_EVENTS = True
    program.load_beside = lambda: None
    program._freeze = lambda: None
    begin = program._begin

    def begun(jobs, controller, instance):
        begin(jobs, controller, instance)
        application = QCoreApplication.instance()
        heard = []
        application.link_opened.connect(heard.append)
        for other in ("file:///etc/passwd", "https://games.example/"):
            QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(other)))
        print(heard == [], isinstance(controller._window.page, StepPage))
        QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl(sys.argv[1])))
        print(heard == [sys.argv[1]], isinstance(controller._window.page, StepPage))
        QTimer.singleShot(0, controller.close)

    program._begin = begun
    print(program.run(PlayerSettings, None))
"""


def test_on_macos_the_home_takes_them_as_they_were_written() -> None:
    """In a process of its own: a process has one application, and here it is that of macOS."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, LINK],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (done.returncode, done.stdout) == (0, "True False\nTrue True\n0\n"), done.stderr
