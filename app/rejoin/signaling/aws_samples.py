"""Shared by the clients of AWS's two sample backends: offers are sent once, polls are made here.

Neither sample forwards our token: each call gets a new ClientToken, so a repetition would be a
second call with a used offer. So an offer is never sent again once its first byte was sent,
except after a refusal (401, 429) that came before the offer was processed. The samples answer a
status call at once, so the long poll is made here, with one call a second.
"""

from __future__ import annotations

import abc
import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from rejoin.clock import Clock, boot_s
from rejoin.core.model import AttemptNumber, SessionId, SessionView, WindowLeft
from rejoin.core.retry import FailureKind
from rejoin.errors import BadInputError
from rejoin.language import mark
from rejoin.service_model.status import Status
from rejoin.signaling.exchange import DEFAULT_HTTP, CallFailedError, Exchange, HttpSettings, Reply
from rejoin.signaling.wire import MAX_SIGNAL_BYTES, sha256_hex

STATUS_UNAVAILABLE: Final = "STATUS_UNAVAILABLE"
"""`Failure.code` of a status call that the dialect cannot answer: it proves nothing."""
CANNOT_TERMINATE: Final = "CANNOT_TERMINATE"
"""`Failure.code` of a terminate call in a dialect that has none."""

POLL_EVERY_S: Final = 1.0
"""How often the samples' own clients poll while a session is placed."""

_IDENTIFIER: Final = re.compile(r"[\x21-\x7E]{1,256}")
_BEFORE_PROCESSING: Final = frozenset({FailureKind.UNAUTHENTICATED, FailureKind.THROTTLED})
_Body = TypeVar("_Body", bound=BaseModel)

SampleSignal = Annotated[str, StringConstraints(max_length=MAX_SIGNAL_BYTES)]
"""A SignalResponse; empty while there is none."""


class SampleAnswer(BaseModel):
    """The body of a sample's answer; fields that we do not need are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """The client's choices at the samples; identifiers are ids or ARNs.

    `locations`: where the session may be placed, in order of preference; empty leaves it to the
    service. `user_id`: the player's id at the studio, where it expects one.
    """

    stream_group: str
    application: str | None = None
    locations: tuple[str, ...] = ()
    user_id: str | None = None

    def __post_init__(self) -> None:
        """Raises `BadInputError`."""
        for name, given in (
            ("stream group", self.stream_group),
            ("application", self.application),
            ("user id", self.user_id),
            *(("location", location) for location in self.locations),
        ):
            if given is not None and not _IDENTIFIER.fullmatch(given):
                raise BadInputError(f"The {name} must be 1 to 256 printable characters.")

    def body(self, *, stream_group: str, application: str, locations: str) -> dict[str, object]:
        """The choice as a request body; the arguments are the names of its fields in a dialect."""
        body: dict[str, object] = {stream_group: self.stream_group}
        if self.application is not None:
            body[application] = self.application
        if self.user_id is not None:
            body["UserId"] = self.user_id
        if self.locations:
            body[locations] = list(self.locations)
        return body


class SampleClient(abc.ABC):
    """One player's calls to a sample backend; a `BackendPort` of `runtime/ports`."""

    _takes_token: ClassVar[bool] = True

    def __init__(
        self,
        base_url: str,
        choice: StreamChoice,
        token: str | None,
        *,
        http: HttpSettings = DEFAULT_HTTP,
        clock: Clock = boot_s,
        poll_every_s: float = POLL_EVERY_S,
    ) -> None:
        """`base_url`, `http` and what is raised: as for `BackendClient`."""
        self._exchange = Exchange(
            base_url,
            token if self._takes_token else None,
            http=http,
            stranger=mark("is not a backend of this dialect"),
        )
        self._choice = choice
        self._clock = clock
        self._poll_every_s = poll_every_s
        self._offers_sent: set[str] = set()
        self._first_offer_of: SessionId | None = None

    def use_token(self, token: str) -> None:
        """Use this bearer token from the next call on. Raises `BadInputError`."""
        if self._takes_token:
            self._exchange.use_token(token)

    def drop_pooled_connections(self) -> None:
        """The network changed: the next call opens a new connection."""
        self._exchange.drop_pooled_connections()

    async def aclose(self) -> None:
        """Close all connections; calls in flight fail."""
        await self._exchange.aclose()

    # --- the four calls ---

    @abc.abstractmethod
    async def start(
        self, *, attempt: AttemptNumber, token: str, signal_request: str, budget_s: float
    ) -> SessionView:
        """Start a stream session. `attempt` and `token` are not sent: the samples ignore them."""

    async def status(
        self, session_id: SessionId, *, known: Status | None, wait_s: float, budget_s: float
    ) -> SessionView:
        """Get the status; with `known` poll each second until it differs, `wait_s` at most."""
        began_at = self._clock()
        first: SessionView | None = None
        while True:
            left_s = budget_s - (self._clock() - began_at)
            view = await self._get_status(session_id, left_s)
            first = first or view
            answered = view.signal_response is not None and first.signal_response is None
            if known is None or view.status != known or answered:
                return view
            next_s = self._clock() - began_at + self._poll_every_s
            if next_s >= min(wait_s, budget_s):
                return view
            await asyncio.sleep(self._poll_every_s)

    async def reconnect(
        self,
        session_id: SessionId,
        *,
        attempt: AttemptNumber,
        token: str,
        signal_request: str,
        budget_s: float,
        left: WindowLeft,
        on_written: Callable[[], None],
    ) -> str:
        """Send this attempt's offer; returns the SignalResponse to it.

        `on_written` as for `BackendClient`. `left` is not sent: these backends have no use for it.
        An offer that may have been sent before fails with REUSED_OFFER, and nothing is sent.
        """

        def written() -> None:
            # From now on the answer in a status may belong to this offer or to the first one.
            self._first_offer_of = None
            on_written()

        return await self._reconnect(session_id, signal_request, budget_s, written)

    @abc.abstractmethod
    async def terminate(self, session_id: SessionId, *, budget_s: float) -> None:
        """End the session."""

    # --- what a dialect adds ---

    @abc.abstractmethod
    async def _get_status(self, session_id: SessionId, budget_s: float) -> SessionView: ...

    @abc.abstractmethod
    async def _reconnect(
        self,
        session_id: SessionId,
        signal_request: str,
        budget_s: float,
        on_written: Callable[[], None],
    ) -> str: ...

    # --- shared ---

    def _began(self, session_id: SessionId) -> None:
        """Until another offer is sent, the answer in a status belongs to the offer of the start."""
        self._first_offer_of = session_id

    def _answer_to_the_start(self, session_id: SessionId, signal_response: str) -> str | None:
        """The samples do not say which offer an answer belongs to: only the first is certain."""
        if signal_response and session_id == self._first_offer_of:
            return signal_response
        return None

    async def _call(
        self,
        method: str,
        path: str,
        model: type[_Body],
        *,
        budget_s: float,
        content: dict[str, object] | None = None,
    ) -> _Body:
        """A 2xx answer of this model; raises `CallFailedError`."""
        reply = await self._exchange.call(method, path, budget_s=budget_s, content=content)
        return self._exchange.parsed(self._accepted(reply), model)

    async def _send_offer(
        self,
        path: str,
        model: type[_Body],
        *,
        budget_s: float,
        signal_request: str,
        content: dict[str, object],
        on_written: Callable[[], None] | None = None,
    ) -> _Body:
        """POST an offer that was never sent before; `content` is the body around it."""
        offer = sha256_hex(signal_request)
        if offer in self._offers_sent:
            raise self._exchange.failed(
                FailureKind.REUSED_OFFER, "was not called: this offer was sent before"
            )

        def written() -> None:
            self._offers_sent.add(offer)
            if on_written is not None:
                on_written()

        reply = await self._exchange.call(
            "POST",
            path,
            budget_s=budget_s,
            content={**content, "SignalRequest": signal_request},
            on_written=written,
        )
        try:
            return self._exchange.parsed(self._accepted(reply), model)
        except CallFailedError as error:
            if error.failure.kind in _BEFORE_PROCESSING:
                self._offers_sent.discard(offer)
            raise

    def _accepted(self, reply: Reply) -> Reply:
        if not 200 <= reply.status <= 299:
            raise self._exchange.refused(reply, kind=self._kind(reply))
        return reply

    def _kind(self, reply: Reply) -> FailureKind | None:
        """The failure of an answer that is not 2xx; None: the one of its HTTP status."""
        del reply
        return None
