"""Where the session bus is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from rejoin.runtime.session_bus import bus_address


def test_the_bus_is_where_the_session_says(tmp_path: Path) -> None:
    assert bus_address({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"
    assert bus_address({}) is None
    assert bus_address({"XDG_RUNTIME_DIR": str(tmp_path)}) is None
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        assert bus_address({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"unix:path={tmp_path}/bus"


def test_a_folder_of_another_user_has_no_bus_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_socket", refused)  # root may look everywhere
    assert bus_address({"XDG_RUNTIME_DIR": "/run/user/1"}) is None
