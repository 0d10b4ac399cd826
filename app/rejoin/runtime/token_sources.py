"""Sources of new bearer tokens: a player's sign-in, a command, a client's credentials."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError
from rejoin.runtime.saved_sign_in import (
    SavedSignIn,
    fetch_bearer,
    fetch_sign_in,
    forget_sign_in,
    save_sign_in,
)
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.openid import (
    MAX_TOKEN,
    OpenIdMethod,
    SignInEndedError,
    SignInRefusedError,
    Tokens,
    checked_issuer,
    lifetime_of,
)
from rejoin.signaling.openid_client import OpenIdClient
from rejoin.tasks import cancel, spawn

COMMAND_WITHIN_S: Final = 30.0
KEYRING_WITHIN_S: Final = 1.0
"""A reconnect may wait for it."""
SAVED_WITHIN_S: Final = 2.0
"""How long the end waits for a keyring that is still taking a refreshed sign-in."""
_MAX_FILE: Final = 16 * 1024


class TokenSource(Protocol):
    """Gives new bearer tokens. To be used in one event loop, one call at a time."""

    async def prepare(self) -> None:
        """Prepare a fetch, so that it takes less time. Raises RejoinError."""
        ...

    async def fetch(self) -> Tokens:
        """A new token. Raises RejoinError; ProviderUnreachableError where another try may help."""
        ...

    async def aclose(self) -> None:
        """Free its resources; it may be used in another loop afterwards."""
        ...


class SignInSource:
    """Refreshes a player's sign-in, and saves the result in the background.

    Another Rejoin with the same sign-in may have refreshed it meanwhile, and a provider that
    replaces refresh tokens takes an old one for stolen. So the newest one in the keyring is used.
    """

    def __init__(
        self,
        saved: SavedSignIn,
        backend_url: str,
        http: HttpSettings,
        *,
        store: TokenStore | None = None,
    ) -> None:
        self._saved = saved
        self._backend_url = backend_url
        self._http = http
        self._client: OpenIdClient | None = None
        self._store = store
        self._saving: asyncio.Task[bool] | None = None

    async def prepare(self) -> None:
        if self._saved.refresh is not None:
            await self._opened().discover()

    async def fetch(self) -> Tokens:
        if self._saved.refresh is None:
            raise SignInEndedError("The sign-in is over: the provider gave no refresh token.")
        newer = await self._newer()
        if newer is not None:
            return newer
        try:
            tokens = await self._opened().refresh(self._saved.refresh)
        except SignInEndedError:
            if self._store is not None:
                # Its bearer token may be refused as well: the next start asks the player.
                forget = forget_sign_in(self._store, self._backend_url)
                self._saving = spawn(forget, name="forget sign-in")
            raise
        self._saved = self._saved.after(tokens, time.time())
        if self._store is not None:
            self._saving = spawn(
                self._save(self._store, self._saving, tokens.bearer), name="save sign-in"
            )
        return tokens

    async def _newer(self) -> Tokens | None:
        """The newer token of another Rejoin, if there is one. Its refresh token is used from now
        on."""
        if self._store is None or not self._is_kept():
            return None
        found = await fetch_sign_in(self._store, self._backend_url, within_s=KEYRING_WITHIN_S)
        before = self._saved
        if found is None or found.method != before.method or found.refresh is None:
            return None
        if found.refresh == before.refresh:
            return None
        self._saved = found
        return await fetch_bearer(self._store, self._backend_url, found, within_s=KEYRING_WITHIN_S)

    def _is_kept(self) -> bool:
        """Whether the keyring has this process's sign-in, or a newer one."""
        saving = self._saving
        return saving is None or (saving.done() and not saving.cancelled() and saving.result())

    def _opened(self) -> OpenIdClient:
        if self._client is None:
            self._client = OpenIdClient(self._saved.method, self._http)
        return self._client

    async def _save(
        self, store: TokenStore, before: asyncio.Task[bool] | None, bearer: str
    ) -> bool:
        saved = self._saved
        if before is not None:
            await asyncio.wait({before})
        return await save_sign_in(store, self._backend_url, saved, bearer)

    async def aclose(self) -> None:
        if self._saving is not None:
            # Wait for the save: a provider may no longer accept the old token.
            await asyncio.wait({self._saving}, timeout=SAVED_WITHIN_S)
            await cancel(self._saving)
        if self._client is not None:
            await self._client.aclose()
            self._client = None


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client that signs in by itself, in CI for example."""

    method: OpenIdMethod
    secret: str = field(repr=False)


class ClientSource:
    """Signs a client in with its own credentials (RFC 6749, 4.4)."""

    def __init__(self, credentials: ClientCredentials, http: HttpSettings) -> None:
        self._credentials = credentials
        self._http = http
        self._client: OpenIdClient | None = None

    @property
    def issuer(self) -> str:
        return self._credentials.method.issuer

    async def prepare(self) -> None:
        await self._opened().discover()

    async def fetch(self) -> Tokens:
        return await self._opened().client_credentials()

    def _opened(self) -> OpenIdClient:
        if self._client is None:
            credentials = self._credentials
            self._client = OpenIdClient(credentials.method, self._http, secret=credentials.secret)
        return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class CommandSource:
    """Runs a command that prints a token on the first line of its standard output."""

    def __init__(self, arguments: tuple[str, ...], *, within_s: float = COMMAND_WITHIN_S) -> None:
        self._arguments = arguments
        self._within_s = within_s

    async def prepare(self) -> None:
        return

    async def fetch(self) -> Tokens:
        try:
            # Not a subprocess of the loop: not every loop can have one.
            ended = await run_in_daemon_thread(
                self._run, name="token command", within_s=self._within_s + 1.0
            )
        except (subprocess.TimeoutExpired, TimeoutError):
            raise SignInRefusedError(
                "The command of --token-command did not end in time."
            ) from None
        except (OSError, ValueError):
            raise BadInputError("The command of --token-command cannot be run.") from None
        if ended.returncode != 0:
            raise SignInRefusedError(
                f"The command of --token-command ended with {ended.returncode}."
            )
        token = ended.stdout.partition(b"\n")[0].decode("ascii", "replace").strip()
        if not re.fullmatch(r"[\x21-\x7E]+", token) or len(token) > MAX_TOKEN:
            raise SignInRefusedError("The command of --token-command printed no token.")
        return Tokens(token, lifetime_of(token, now_unix_s=time.time()))

    def _run(self) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self._arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=self._within_s,
            check=False,
        )

    async def aclose(self) -> None:
        return


def read_client_credentials(path: Path) -> ClientCredentials:
    """The client in a JSON file: `issuer`, `client_id`, `client_secret`, and where the
    provider wants them `scopes` and `audience`.

    The file names the issuer, so that no backend can have the secret sent elsewhere. Raises
    BadInputError.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_FILE))
    except OSError:
        raise BadInputError(
            f"The file with the client's credentials {name} cannot be read."
        ) from None
    except (ValueError, RecursionError):
        content = None
    texts = content if isinstance(content, dict) else {}
    known = {"issuer", "client_id", "client_secret", "scopes", "audience"}
    strings = all(isinstance(value, str) and value.isprintable() for value in texts.values())
    if not strings or not {"issuer", "client_id", "client_secret"} <= texts.keys() <= known:
        raise BadInputError(
            f"The file with the client's credentials {name} has to be a JSON object with issuer, "
            "client_id and client_secret, and may have scopes and audience."
        )
    try:
        checked_issuer(texts["issuer"])
    except SignInRefusedError as error:
        raise BadInputError(str(error)) from None
    return ClientCredentials(
        OpenIdMethod(
            texts["issuer"], texts["client_id"], texts.get("scopes", ""), texts.get("audience")
        ),
        texts["client_secret"],
    )
