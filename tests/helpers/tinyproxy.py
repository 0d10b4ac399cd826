"""A real HTTP proxy, tinyproxy, which lets everybody through or refuses everybody."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from helpers.programs import PATIENCE_S

PROXY_PORT = 8888
AVAILABLE = shutil.which("tinyproxy") is not None

Manner = Literal["open", "403", "407"]
_REFUSES: dict[Manner, str] = {
    "open": "",
    "403": "Allow 127.0.0.2\n",
    "407": "BasicAuth somebody else\n",
}


class TinyProxy:
    """`url`: where it listens. `behave` starts it anew; `stop` leaves nobody there."""

    def __init__(self, inside: Sequence[str], address: str, folder: str) -> None:
        """`inside`: what runs a command where the proxy belongs."""
        self.url = f"http://{address}:{PROXY_PORT}"
        self._inside = inside
        self._address = address
        self._file = Path(folder) / "tinyproxy.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def behave(self, manner: Manner) -> None:
        self.stop()
        listen = f"Port {PROXY_PORT}\nListen {self._address}\nTimeout 60\nMaxClients 50\n"
        self._file.write_text(listen + _REFUSES[manner], encoding="ascii")
        command = [*self._inside, "tinyproxy", "-d", "-c", str(self._file)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._until_it_listens()

    def _until_it_listens(self) -> None:
        """It is asked from where it runs: the address may be another computer's."""
        knock = f"import socket; socket.create_connection(({self._address!r}, {PROXY_PORT}), 1)"
        deadline_at = time.monotonic() + PATIENCE_S
        while subprocess.run(
            [*self._inside, "python3", "-c", knock], check=False, stderr=subprocess.DEVNULL
        ).returncode:
            assert time.monotonic() < deadline_at, "tinyproxy does not listen"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def tinyproxy(inside: Sequence[str], address: str, folder: str) -> Iterator[TinyProxy]:
    """One that lets everybody through, until the end of the block."""
    proxy = TinyProxy(inside, address, folder)
    try:
        proxy.behave("open")
        yield proxy
    finally:
        proxy.stop()
