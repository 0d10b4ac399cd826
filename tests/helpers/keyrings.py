"""A keyring that exists only during a test."""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError


class MemoryKeyring(KeyringBackend):
    """`broken`: it fails at everything."""

    priority = 1

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.saved: dict[tuple[str, str], str] = {}
        self.broken = broken

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.saved[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.saved.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.saved[service, username]

    def _check(self) -> None:
        if self.broken:
            raise KeyringError("it is broken")
