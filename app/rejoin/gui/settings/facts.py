"""What is true now beside the settings, asked of Qt and the system when it is shown, not before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, qVersion
from PySide6.QtGui import QGuiApplication

from rejoin.errors import BadInputError
from rejoin.gui.settings.rows import Facts, Playing, ScreenFact
from rejoin.runtime.data_used import DataTotal, data_used_path, forget_total, read_total
from rejoin.runtime.renderer_memory import RendererMemory, Verdict


def _output_names() -> tuple[str, ...]:
    from rejoin.media.audio.devices import output_names  # loads PortAudio

    return output_names()


def _input_names() -> tuple[str, ...]:
    from rejoin.media.audio.devices import input_names  # loads PortAudio

    return input_names()


def _network() -> Any:
    from rejoin.gui.network_hint import qt_network

    return qt_network()


class FactFinder(QObject):
    """Lives on the GUI thread. No call raises."""

    changed = Signal()
    """Something that takes time is known now: the sound devices."""

    _devices_arrived = Signal(str, object)

    def __init__(
        self,
        playing: Callable[[], Playing | None],
        *,
        data_path: Path | None = None,
        list_devices: Callable[[], tuple[str, ...]] = _output_names,
        list_microphones: Callable[[], tuple[str, ...]] = _input_names,
        network: Callable[[], Any] = _network,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._playing = playing
        self._data_path = data_path
        self._list_devices = list_devices
        self._list_microphones = list_microphones
        self._network_of = network
        self._network: Any = None
        self._asked: set[str] = set()
        self._devices: tuple[str, ...] | None = None
        self._microphones: tuple[str, ...] | None = None
        self._devices_arrived.connect(self._on_devices, Qt.ConnectionType.QueuedConnection)

    def facts(self) -> Facts:
        """What is known now."""
        return Facts(
            playing=self._playing(),
            verdict=self._verdict(),
            screens=tuple(
                ScreenFact(
                    screen.name(),
                    round(screen.size().width() * screen.devicePixelRatio()),
                    round(screen.size().height() * screen.devicePixelRatio()),
                )
                for screen in QGuiApplication.screens()
                if screen.name()
            ),
            devices=self._devices,
            microphones=self._microphones,
            data=self._data(),
            metered=self._metered(),
            desktop_light=QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light,
        )

    def ask_for(self, section: str) -> None:
        """This section is shown: find out what it needs, once."""
        if section in self._asked:
            return
        self._asked.add(section)
        if section in ("sound", "microphone"):
            threading.Thread(
                target=self._find_devices, args=(section,), name="rejoin-sound-devices", daemon=True
            ).start()
        elif section == "data":
            try:
                self._network = self._network_of()
            except ImportError:  # libraries that a small system lacks
                self._network = None

    def count_data_anew(self) -> None:
        """Forget what was used so far. Raises OSError."""
        path = self._path()
        if path is not None:
            forget_total(path)

    def _find_devices(self, section: str) -> None:
        names = self._list_devices() if section == "sound" else self._list_microphones()
        try:
            self._devices_arrived.emit(section, names)
        except RuntimeError:
            return  # the screen is gone

    def _on_devices(self, section: str, names: tuple[str, ...]) -> None:
        if section == "sound":
            self._devices = names
        else:
            self._microphones = names
        self.changed.emit()

    def _path(self) -> Path | None:
        try:
            return self._data_path or data_used_path()
        except BadInputError:  # there is no home folder
            return None

    def _data(self) -> DataTotal:
        path = self._path()
        return DataTotal() if path is None else read_total(path)

    def _verdict(self) -> Verdict | None:
        """That of another Qt does not count."""
        try:
            found = RendererMemory().verdict()
        except BadInputError:  # there is no home folder
            return None
        return found if found is not None and found.qt == qVersion() else None

    def _metered(self) -> bool | None:
        network = self._network
        if network is None or not network.supports(type(network).Feature.Metered):
            return None
        return bool(network.isMetered())
