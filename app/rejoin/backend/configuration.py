"""How the backend is configured: environment variables `REJOIN_BACKEND_*`, or a TOML file.

Moving from the emulator to AWS changes these values and nothing else (docs/backend.md).
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rejoin.backend.introspection import IntrospectionSettings
from rejoin.backend.issuer_calls import is_trusted_url
from rejoin.backend.openid_tokens import OpenIdSettings
from rejoin.backend.setting_values import is_host, is_http_url, is_network, is_word, meant
from rejoin.errors import BadInputError
from rejoin.hosts import is_this_machine
from rejoin.signaling.dialects import DIALECTS, OURS

PREFIX: Final = "REJOIN_BACKEND_"
_OF_KUBERNETES: Final = re.compile(
    r"(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=.*"
    r"|PORT=(tcp|udp|sctp)://.*",
    re.DOTALL,
)
"""Variables that Kubernetes puts into each pod for a Service called `rejoin-backend`."""

_NAMES: Final = frozenset(
    {
        "region",
        "stream_group",
        "application",
        "applications",
        "tokens",
        "endpoint_url",
        "profile",
        "connection_timeout_s",
        "session_length_s",
        "database",
        "dialect",
        "host",
        "port",
        "hosts",
        "proxies",
        "connections",
        "drain_delay_s",
        "sample_anywhere",
        "starts_per_minute",
        "live_sessions",
        "metrics_port",
        "log",
        "tracing",
        "calls_per_s",
        "calls_burst",
        "shard",
        "openid_issuer",
        "openid_audience",
        "openid_client_id",
        "openid_scopes",
        "openid_token_type",
        "applications_claim",
        "icon_file",
        "introspection_url",
        "introspection_client_id",
        "introspection_client_secret",
        "access_key_id",
        "secret_access_key",
        "session_token",
    }
)
_LISTS: Final = frozenset({"tokens", "hosts", "proxies"})
DRAIN_DELAY_S: Final = 10
"""Most load balancers check every 5 or 10 s. On loopback a proxy that finds nobody listening takes
another backend at once."""
_DISTINCT: Final = 6
_NEEDED_BY: Final = {
    "openid_audience": "openid_issuer",
    "openid_client_id": "openid_issuer",
    "openid_scopes": "openid_issuer",
    "openid_token_type": "openid_issuer",
    "applications_claim": "openid_issuer",
    "introspection_url": "openid_issuer",
    "introspection_client_id": "introspection_url",
    "introspection_client_secret": "introspection_url",
}
"""Settings that have an effect only together with another one."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9-]{1,128}|arn:aws:gameliftstreams:[^: ]*:\d{12}:[^: ]+")
_TOKEN: Final = re.compile(r"[\x21-\x2B\x2D-\x7E]{16,1024}")


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """All settings of the backend. Without credentials boto3 uses its own chain."""

    region: str
    """The AWS Region that is called, such as us-west-2."""
    stream_group: str
    """Id or ARN of the stream group that every session is started in."""
    application: str
    """Id or ARN of the application that is started when the client names none."""
    tokens: tuple[str, ...] = field(repr=False)
    """Bearer tokens that may use this backend, 16 to 1024 printable characters, no comma."""
    applications: Mapping[str, str] = field(default_factory=dict)
    """Names that clients may ask for, with the application's id or ARN."""
    endpoint_url: str | None = None
    """URL of the service; None is AWS itself."""
    access_key_id: str | None = field(default=None, repr=False)
    """Credentials for AWS; none: boto3 looks for them."""
    secret_access_key: str | None = field(default=None, repr=False)
    """Given together with access_key_id."""
    session_token: str | None = field(default=None, repr=False)
    """Of temporary credentials."""
    profile: str | None = None
    """A profile of the AWS configuration files."""
    connection_timeout_s: int | None = None
    """ConnectionTimeoutSeconds of new sessions, 1..3600; None leaves the service's default."""
    session_length_s: int | None = None
    """SessionLengthSeconds of new sessions, 1..86400; None leaves the service's default."""
    database: str = ":memory:"
    """SQLite file or postgresql:// URL; with ":memory:" a restart forgets all sessions."""
    dialect: str = OURS.name
    """The dialect it speaks: "ours", "aws-bundle" or "aws-react" (`signaling/dialects`)."""
    host: str = "127.0.0.1"
    """The address on which the backend listens."""
    port: int = 8080
    """Its port; 0 lets the system choose."""
    hosts: tuple[str, ...] = ()
    """Names and addresses by which clients call it; none: on loopback its own, elsewhere any."""
    proxies: tuple[str, ...] = ()
    """Reverse proxies whose X-Forwarded-For is believed: addresses or networks."""
    connections: int = 10_000
    """Connections at the same time, 10 to 100,000."""
    drain_delay_s: int | None = None
    """How long the backend accepts calls after SIGTERM while it reports "not ready", so that a load
    balancer notices in time; None: 0 on loopback, else DRAIN_DELAY_S."""
    sample_anywhere: bool = False
    """Whether other machines may reach a dialect of AWS's samples, which has no sign-in."""
    starts_per_minute: int = 10
    """How many games one player may start in a minute, at each process."""
    live_sessions: int = 5
    """How many games one player may have running, at all processes."""
    calls_per_s: int = 20
    """Calls a second of each operation that the account may make in this Region. All processes of a
    database share them."""
    calls_burst: int = 5
    """How many it may make at once after a quiet moment."""
    shard: str | None = None
    """The account and its Region by name, where one database serves several; None: the Region."""
    metrics_port: int | None = None
    """Port of the metrics for Prometheus, on 127.0.0.1; None: no metrics."""
    log: str | None = None
    """"text" or "json"; None: lines on a terminal, JSON elsewhere."""
    tracing: bool = False
    """Whether spans are sent to an OpenTelemetry collector."""
    icon_file: str | None = None
    """A PNG that clients show for the game, at most 16 KiB; read at the start of the backend."""
    unlimited: bool = False
    """No limits per player: many testers share a token of the emulator. Cannot be set in a file."""
    openid: OpenIdSettings | None = None
    introspection: IntrospectionSettings | None = None
    """The identity provider of players, besides the fixed tokens."""

    def __post_init__(self) -> None:
        _check(re.fullmatch(r"[a-z0-9-]{1,32}", self.region), "region", 'a Region ("us-west-2")')
        _check(_IDENTIFIER.fullmatch(self.stream_group), "stream_group", "an id or an ARN")
        _check(_IDENTIFIER.fullmatch(self.application), "application", "an id or an ARN")
        for name, identifier in self.applications.items():
            _check(
                re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) and _IDENTIFIER.fullmatch(identifier),
                "applications",
                "a list of name=id",
            )
        by_provider = self.openid is not None or self.introspection is not None
        _check(
            (self.tokens or by_provider) and all(_TOKEN.fullmatch(token) for token in self.tokens),
            "tokens",
            "one or more tokens of 16 to 1024 printable characters, separated by commas",
        )
        if self.endpoint_url is not None:
            _check(
                is_http_url(self.endpoint_url),
                "endpoint_url",
                "an http or https URL of a host, with or without port and path",
            )
        _check(
            (self.access_key_id is None) == (self.secret_access_key is None)
            and (self.session_token is None or self.access_key_id is not None),
            "access_key_id",
            "given together with secret_access_key, or not at all",
        )
        for name, text in (
            ("access_key_id", self.access_key_id),
            ("secret_access_key", self.secret_access_key),
            ("session_token", self.session_token),
        ):
            _check(text is None or is_word(text), name, "printable, without blanks")
        for name, value, most in (
            ("connection_timeout_s", self.connection_timeout_s, 3600),
            ("session_length_s", self.session_length_s, 86400),
        ):
            _check(value is None or 1 <= value <= most, name, f"1 to {most} seconds")
        _check(0 <= self.port <= 65535, "port", "0 to 65535")
        _check(
            self.metrics_port is None
            or (0 <= self.metrics_port <= 65535 and self.metrics_port != (self.port or None)),
            "metrics_port",
            "0 to 65535, and not the port of players",
        )
        _check(self.host, "host", "an address or a name")
        _check(self.dialect in DIALECTS, "dialect", "one of " + ", ".join(DIALECTS))
        _check(self.database, "database", 'a file name, ":memory:" or a postgresql:// URL')
        _check(10 <= self.connections <= 100_000, "connections", "10 to 100,000")
        _check(
            self.drain_delay_s is None or 0 <= self.drain_delay_s <= 300,
            "drain_delay_s",
            "0 to 300 seconds",
        )
        _check(self.starts_per_minute >= 1, "starts_per_minute", "1 or more")
        _check(self.live_sessions >= 1, "live_sessions", "1 or more")
        _check(self.log in (None, "text", "json"), "log", "text or json")
        _check(1 <= self.calls_per_s <= 10_000, "calls_per_s", "1 to 10,000")
        _check(1 <= self.calls_burst <= 10_000, "calls_burst", "1 to 10,000")
        _check(
            self.shard is None or re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.shard),
            "shard",
            "a name of up to 64 letters, digits, dots, hyphens and underscores",
        )
        _check(all(map(is_host, self.hosts)), "hosts", "names or addresses, without ports")
        _check(all(map(is_network, self.proxies)), "proxies", "addresses or networks")
        if self.dialect != OURS.name and not self.is_local and not self.sample_anywhere:
            raise BadInputError(
                f"The dialect {self.dialect} knows no sign-in: anybody who reaches it can play and"
                " be billed to you. Listen on 127.0.0.1, or set sample_anywhere to yes."
            )

    @property
    def endpoint_is_local(self) -> bool:
        """Whether the service is an emulator on this machine."""
        return is_this_machine(urlsplit(self.endpoint_url or "").hostname or "")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the backend."""
        return is_this_machine(self.host)

    @property
    def drain_delay(self) -> int:
        """Seconds."""
        if self.drain_delay_s is not None:
            return self.drain_delay_s
        return 0 if self.is_local else DRAIN_DELAY_S

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """What a Host header may have; none: anything. On loopback a page that has rebound its own
        name to this machine is refused."""
        if self.hosts or not self.is_local:
            return self.hosts
        return ("localhost", "127.0.0.1", "::1", self.host)

    def warnings(self) -> tuple[str, ...]:
        """Settings that work but are not wise, one sentence each."""
        found = []
        if not self.is_local:
            found.append(
                "Other machines reach this backend by plain http; put a reverse proxy with TLS in"
                " front of it and list it in proxies."
            )
            if not self.hosts:
                found.append("Set hosts to the names by which clients call this backend.")
        if self.database == ":memory:" and not (self.is_local and self.endpoint_is_local):
            found.append("With database :memory: a restart ends every game's way back.")
        if (self.endpoint_url or "").lower().startswith("http://") and not self.endpoint_is_local:
            found.append("The service is called by plain http, for everybody on the way to read.")
        if self.dialect != OURS.name and (self.metrics_port is not None or self.tracing):
            found.append(f"The dialect {self.dialect} has neither metrics nor traces.")
        if any(len(set(token)) < _DISTINCT for token in self.tokens):
            found.append("A token of few different characters can be guessed.")
        return tuple(found)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> BackendSettings:
        """From `REJOIN_BACKEND_REGION` and so on; an empty variable counts as absent.

        Raises `BadInputError` naming the variable, never its value.
        """
        given = {
            name: value
            for name, value in environ.items()
            if name.startswith(PREFIX)
            and value
            and not _OF_KUBERNETES.fullmatch(f"{name.removeprefix(PREFIX)}={value}")
        }
        known = {PREFIX + name.upper(): name for name in _NAMES}
        for wrong in sorted(given.keys() - known.keys()):
            near = meant(wrong.removeprefix(PREFIX), _NAMES)
            raise BadInputError(f"{wrong} is no setting of the backend{near}.")
        values = {known[variable]: value for variable, value in given.items()}
        return _build(values, lambda name: PREFIX + name.upper())

    @classmethod
    def from_toml(cls, path: Path) -> BackendSettings:
        """From a TOML file with the same names in lower case and no table.

        `tokens` may be a list and `applications` a table. Raises `BadInputError`.
        """
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"The settings file {path.name} cannot be read.") from error
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise BadInputError(f"The settings file {path.name} is not TOML.") from error
        values: dict[str, str] = {}
        for name, value in content.items():
            if name not in _NAMES:
                raise BadInputError(
                    f"The settings file {path.name} has an unknown name in it{meant(name, _NAMES)}."
                )
            match value:
                case str():
                    values[name] = value
                case int() if not isinstance(value, bool):
                    values[name] = str(value)
                case list() if name in _LISTS and all(isinstance(v, str) for v in value):
                    values[name] = ",".join(value)
                case dict() if name == "applications" and all(
                    isinstance(v, str) for v in value.values()
                ):
                    values[name] = ",".join(f"{key}={v}" for key, v in value.items())
                case _:
                    raise BadInputError(f"{name} in {path.name} has the wrong type.")
        return _build(values, lambda name: name)


def readable_by_others(path: Path) -> bool:
    """Whether other users of this machine can read a settings file; always False on Windows."""
    return os.name == "posix" and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


class _SettingError(BadInputError):
    def __init__(self, name: str, required: str) -> None:
        super().__init__(f"The backend's setting {name} must be {required}.")
        self.name = name
        self.required = required


def _check(good: object, name: str, required: str) -> None:
    if not good:
        raise _SettingError(name, required)


def _providers(
    values: Mapping[str, str], spelled: Callable[[str], str]
) -> tuple[OpenIdSettings | None, IntrospectionSettings | None]:
    """The identity provider, and the way in which its tokens are checked."""
    issuer, url = values.get("openid_issuer"), values.get("introspection_url")
    for name, address in (("openid_issuer", issuer), ("introspection_url", url)):
        if address is not None and not is_trusted_url(address):
            raise BadInputError(
                f"{spelled(name)} must be an https URL (http on this machine), without a user."
            )
    if issuer is not None and ("?" in issuer or "#" in issuer):
        raise BadInputError(f"{spelled('openid_issuer')} must be a URL without ? and #.")
    if issuer is None:
        return None, None
    claim = values.get("applications_claim")
    client_id, scopes = values.get("openid_client_id"), values.get("openid_scopes", "openid")
    if url is not None:
        return None, IntrospectionSettings(
            url,
            _required(values, "introspection_client_id", spelled),
            _required(values, "introspection_client_secret", spelled),
            issuer,
            values.get("openid_audience"),
            claim,
            client_id,
            scopes,
        )
    kind = values.get("openid_token_type", "at+jwt").lower()
    if kind not in ("at+jwt", "jwt"):
        raise BadInputError(f"{spelled('openid_token_type')} must be at+jwt or jwt.")
    return (
        OpenIdSettings(
            issuer,
            _required(values, "openid_audience", spelled),
            client_id,
            scopes,
            kind,
            claim,
        ),
        None,
    )


def _required(values: Mapping[str, str], name: str, spelled: Callable[[str], str]) -> str:
    found = values.get(name)
    if not found:
        raise BadInputError(f"The backend needs {spelled(name)}, which is not set.")
    return found


def _check_together(values: Mapping[str, str], spelled: Callable[[str], str]) -> None:
    for name, text in values.items():
        if not text.isprintable():
            raise BadInputError(f"{spelled(name)} must be printable, on one line.")
    for name, needed in _NEEDED_BY.items():
        if values.get(name) and not values.get(needed):
            raise BadInputError(f"{spelled(name)} needs {spelled(needed)}.")


def _applications(values: Mapping[str, str], spelled: Callable[[str], str]) -> dict[str, str]:
    applications: dict[str, str] = {}
    for pair in filter(None, values.get("applications", "").split(",")):
        name, separator, identifier = pair.strip().partition("=")
        if not separator:
            raise BadInputError(f"{spelled('applications')} must be a list of name=id.")
        if name.strip() in applications:
            raise BadInputError(f"{spelled('applications')} must have each name once.")
        applications[name.strip()] = identifier.strip()
    return applications


def _build(values: Mapping[str, str], spelled: Callable[[str], str]) -> BackendSettings:
    _check_together(values, spelled)
    by_provider = "openid_issuer" in values
    for name in ("region", "stream_group", "application", *(() if by_provider else ("tokens",))):
        if not values.get(name):
            raise BadInputError(f"The backend needs {spelled(name)}, which is not set.")

    def whole(name: str) -> int | None:
        text = values.get(name)
        if text is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise BadInputError(f"{spelled(name)} must be a whole number.")
        return int(text)

    openid, introspection = _providers(values, spelled)

    def several(name: str) -> tuple[str, ...]:
        return tuple(each.strip() for each in values.get(name, "").split(",") if each.strip())

    def yes(name: str) -> bool:
        if values.get(name, "no") not in ("yes", "no"):
            raise BadInputError(f"{spelled(name)} must be yes or no.")
        return values.get(name) == "yes"

    port, connections = whole("port"), whole("connections")
    starts, live = whole("starts_per_minute"), whole("live_sessions")
    calls, burst = whole("calls_per_s"), whole("calls_burst")
    try:
        return BackendSettings(
            region=values["region"],
            stream_group=values["stream_group"],
            application=values["application"],
            tokens=several("tokens"),
            applications=_applications(values, spelled),
            endpoint_url=values.get("endpoint_url"),
            access_key_id=values.get("access_key_id"),
            secret_access_key=values.get("secret_access_key"),
            session_token=values.get("session_token"),
            profile=values.get("profile"),
            connection_timeout_s=whole("connection_timeout_s"),
            session_length_s=whole("session_length_s"),
            database=values.get("database", ":memory:"),
            dialect=values.get("dialect", OURS.name),
            host=values.get("host", "127.0.0.1"),
            port=8080 if port is None else port,
            hosts=several("hosts"),
            proxies=several("proxies"),
            connections=10_000 if connections is None else connections,
            drain_delay_s=whole("drain_delay_s"),
            sample_anywhere=yes("sample_anywhere"),
            starts_per_minute=10 if starts is None else starts,
            live_sessions=5 if live is None else live,
            calls_per_s=20 if calls is None else calls,
            calls_burst=5 if burst is None else burst,
            shard=values.get("shard"),
            metrics_port=whole("metrics_port"),
            log=values.get("log"),
            tracing=yes("tracing"),
            icon_file=values.get("icon_file"),
            openid=openid,
            introspection=introspection,
        )
    except _SettingError as error:
        raise BadInputError(f"{spelled(error.name)} must be {error.required}.") from None
