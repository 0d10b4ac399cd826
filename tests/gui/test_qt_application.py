"""The one QApplication, and Qt's messages in our log."""

from __future__ import annotations

import logging

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType
from PySide6.QtWidgets import QApplication

from rejoin.gui.qt_application import make_application, to_log


def test_there_is_one_application(application: QApplication) -> None:
    assert make_application() is application


@pytest.mark.parametrize(
    ("kind", "message", "level"),
    [
        (QtMsgType.QtWarningMsg, "odd", logging.WARNING),
        (QtMsgType.QtCriticalMsg, "bad", logging.ERROR),
        (QtMsgType.QtDebugMsg, "fine", logging.DEBUG),
        (QtMsgType.QtWarningMsg, "This plugin does not support raise()", logging.DEBUG),
        (
            QtMsgType.QtWarningMsg,
            "virtual void QtWaylandClient::QWaylandTextInputv3::disableSurface(wl_surface*) Trying",
            logging.DEBUG,
        ),
    ],
)
def test_messages_of_qt_are_logged(
    caplog: pytest.LogCaptureFixture, kind: QtMsgType, message: str, level: int
) -> None:
    with caplog.at_level(logging.DEBUG, "rejoin.qt"):
        to_log(kind, QMessageLogContext(), message)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("rejoin.qt", level)
    assert message in record.getMessage()
