"""What Qt reports about the network, as events; for systems where we do not watch it ourselves.

On Linux `runtime/network` watches by netlink and this is not used. Qt reports less: whether there
is a network, and by which kind of medium. At each of these events `runtime/address_loss` finds out
which connections have lost their address.

Written for Windows and macOS from Qt's documentation and tested with a stand-in for Qt; it was not
run there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from rejoin.core.events import Event, NetworkFound, NetworkLost

QUIET_MS = 250
"""Changes that follow each other within this time are one."""

DISCONNECTED = "Disconnected"
"""A name of `QNetworkInformation.Reachability`."""


def qt_network() -> Any:
    """Qt's `QNetworkInformation`; None where it knows nothing about the network."""
    # Imported here: on Linux the module needs libraries that a small system lacks (Kerberos).
    from PySide6.QtNetwork import QNetworkInformation

    if not QNetworkInformation.loadDefaultBackend():
        return None
    return QNetworkInformation.instance()


class NetworkHint(QObject):
    """Posts NetworkLost and NetworkFound until `close`; lives on the GUI thread."""

    def __init__(self, post: Callable[[Event], None], source: Any) -> None:
        """`source`: Qt's `QNetworkInformation`, or an object with its two signals and
        `reachability`."""
        super().__init__()
        self._post = post
        self._source = source
        self._online = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._post_change)
        self._signals: tuple[Any, ...] = (source.reachabilityChanged, source.transportMediumChanged)
        for signal in self._signals:
            signal.connect(self._changed)
        if not self._reachable():
            self._post_change()

    def close(self) -> None:
        """Stop listening. May be called twice."""
        self._timer.stop()
        signals, self._signals = self._signals, ()
        for signal in signals:
            signal.disconnect(self._changed)

    def _reachable(self) -> bool:
        """Whether there is a network; True where the system does not know."""
        name: str = self._source.reachability().name
        return name != DISCONNECTED

    def _changed(self, _: object) -> None:
        self._timer.start()

    def _post_change(self) -> None:
        before, self._online = self._online, self._reachable()
        if self._online:
            self._post(NetworkFound())
        elif before:
            self._post(NetworkLost())
