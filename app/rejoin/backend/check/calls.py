"""HTTP calls to the backend under check: a connection for each, nothing repeated or redirected."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError, RejoinError
from rejoin.hosts import is_this_machine
from rejoin.signaling.wire import MAX_BODY_BYTES

_CONNECT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` begins with a slash. `body`: sent as JSON; bytes are sent unchanged."""

    method: str
    path: str
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """For sentences, without the identifier of a session and the query."""
        path = self.path.partition("?")[0].split("/")
        if len(path) > 3 and path[2] == "sessions":
            path[3] = "{id}"
        return f"{self.method} {'/'.join(path)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call. `headers`: names in lower case. `seconds`: from the start of the
    call."""

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    seconds: float

    @property
    def content_type(self) -> str:
        """Without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body; None if it is no JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def code(self) -> str:
        """The code of a problem; "" if there is none."""
        body = self.json()
        code = body.get("code") if isinstance(body, dict) else None
        return code if isinstance(code, str) else ""

    @property
    def said(self) -> str:
        """Status and code, for sentences."""
        code = self.code
        known = code if code.replace("_", "").isalnum() and len(code) < 40 else ""
        return f"{self.status} {known}".rstrip()


class NoAnswerError(Exception):
    """A call got no HTTP answer; the text is a part of a sentence that says why."""


class UnreachableError(RejoinError):
    """The backend answers nothing at all."""

    code = "unreachable"
    exit_code = 3


class Calls:
    """Calls to one address. Raises BadInputError for an address or a file that cannot be used."""

    def __init__(self, url: str, ca_file: Path | None = None) -> None:
        self.address = _address(url)
        self.is_tls = self.address.scheme == "https"
        try:
            self._tls = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        except (OSError, ssl.SSLError):
            raise BadInputError("The file with the CA certificate cannot be used.") from None

    @property
    def is_local(self) -> bool:
        """Whether the address is this machine's by its name."""
        return is_this_machine(self.address.hostname or "")

    async def __call__(
        self, request: Request, *, within_s: float, tls: bool | None = None
    ) -> Answer:
        """Call. `tls`: None: as the address says. Raises NoAnswerError."""
        encrypted = self.is_tls if tls is None else tls

        def call() -> Answer:
            return self._call(request, within_s, encrypted)

        try:
            return await run_in_daemon_thread(call, name="check", within_s=within_s + _CONNECT_S)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {within_s:.0f} s") from None
        except ssl.SSLError as error:
            raise NoAnswerError(f"TLS failed ({error.reason or 'no reason given'})") from None
        except UnicodeError:
            raise NoAnswerError("the host's name is none that can be looked up") from None
        except OSError as error:
            raise NoAnswerError(error.strerror or type(error).__name__) from None
        except http.client.HTTPException as error:
            raise NoAnswerError(f"no HTTP ({type(error).__name__})") from None

    def _call(self, request: Request, within_s: float, encrypted: bool) -> Answer:
        host, port = self.address.hostname or "", self.address.port
        connection: http.client.HTTPConnection
        if encrypted:
            connection = http.client.HTTPSConnection(
                host, port, timeout=_CONNECT_S, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
        headers = {"Connection": "close", **request.headers}
        body = request.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        began_at = time.monotonic()
        try:
            connection.connect()
            assert connection.sock is not None
            connection.sock.settimeout(within_s)
            try:
                path = self.address.path.rstrip("/") + request.path
                connection.request(request.method, path, body=body, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the backend may answer before it has read everything
            response = connection.getresponse()
            content = response.read(MAX_BODY_BYTES + 1)
        finally:
            connection.close()
        return Answer(
            request,
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            content,
            time.monotonic() - began_at,
        )


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username is not None or parts.query or parts.fragment:
        raise BadInputError("The backend's address must be an http or https URL without a query.")
    return parts
