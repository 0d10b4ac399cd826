"""A program that tests if Qt starts in this environment and has a screen: exit code 0.

It is a separate process because Qt aborts where it finds no platform.
"""

from __future__ import annotations

import sys

from PySide6.QtGui import QGuiApplication

from rejoin.gui import platform_plugin


def main(arguments: list[str]) -> int:
    """The program. What X11's plugin of Qt lacks is an ImportError, which names the library."""
    platform_plugin.check()
    application = QGuiApplication(["probe", *arguments])
    return 0 if application.primaryScreen() is not None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
