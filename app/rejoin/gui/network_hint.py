"""What Qt knows of the network, as events: the hint for systems where we have no watch of our own.

On Linux `runtime/network` watches by netlink and this is not used. Qt tells less: whether there is
a network, and by which kind of medium; which addresses a connection has lost the driver finds out
by itself, with each of these events. Written for Windows and macOS after Qt's documentation and
tested against a stand-in; not run there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from rejoin.core.events import Event, NetworkFound, NetworkLost

QUIET_MS = 250
"""What Qt says within this time of each other is one change."""


DISCONNECTED = "Disconnected"
"""Of `QNetworkInformation.Reachability`."""


def qt_network() -> Any:
    """Qt's `QNetworkInformation`; None where it knows nothing of the network."""
    # Only here: on Linux the module needs libraries that a bare system lacks (Kerberos).
    from PySide6.QtNetwork import QNetworkInformation

    if not QNetworkInformation.loadDefaultBackend():
        return None
    return QNetworkInformation.instance()


class NetworkHint(QObject):
    """Posts NetworkLost and NetworkFound until `close`; lives on the GUI thread."""

    def __init__(self, post: Callable[[Event], None], source: Any) -> None:
        """`source`: Qt's `QNetworkInformation`, or what has its two signals and `reachability`."""
        super().__init__()
        self._post = post
        self._source = source
        self._online = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._settled)
        self._signals: tuple[Any, ...] = (source.reachabilityChanged, source.transportMediumChanged)
        for signal in self._signals:
            signal.connect(self._changed)
        if not self._reachable():
            self._settled()

    def close(self) -> None:
        """Listen no more. May be called twice."""
        self._timer.stop()
        signals, self._signals = self._signals, ()
        for signal in signals:
            signal.disconnect(self._changed)

    def _reachable(self) -> bool:
        """Whether there is a network; a system that does not know is taken to have one."""
        name: str = self._source.reachability().name
        return name != DISCONNECTED

    def _changed(self, _: object) -> None:
        self._timer.start()

    def _settled(self) -> None:
        before, self._online = self._online, self._reachable()
        if self._online:
            self._post(NetworkFound())
        elif before:
            self._post(NetworkLost())
