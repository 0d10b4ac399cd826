"""The points' shared state: calls with a player's token, the running session, all refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from rejoin.backend.check.calls import Answer, Calls, NoAnswerError, Request
from rejoin.backend.check.findings import BrokenError, NotCheckedError
from rejoin.backend.check.offers import new_key, new_offer
from rejoin.signaling.wire import IDEMPOTENCY_HEADER, ProblemCode, SessionViewBody

_Body = TypeVar("_Body", bound=BaseModel)

_SERVICE_FAILED: Final = frozenset(
    {
        ProblemCode.THROTTLED,
        ProblemCode.SERVICE_UNAVAILABLE,
        ProblemCode.SERVICE_TIMEOUT,
        ProblemCode.STORE_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `call_s`: for any call. `start_s`: until a session is placed. `poll_s`: a long poll
    without news, `long_poll_s`: one that has news at once. `budget_s`: the client's budget for a
    call that would take longer, `late_s`: how late its answer may be."""

    call_s: float = 30.0
    start_s: float = 120.0
    poll_s: float = 2.0
    long_poll_s: float = 20.0
    budget_s: float = 3.0
    late_s: float = 2.0


PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a client, which can be repeated byte for byte."""

    number: int
    key: str = field(default_factory=new_key, repr=False)
    signal_request: str = field(default="", repr=False)

    @property
    def body(self) -> dict[str, Any]:
        return {"signal_request": self.signal_request, "attempt": self.number}


@dataclass(slots=True)
class Probe:
    """`second_token`: of another player. `minor`: version of the contract that the backend
    names."""

    calls: Calls
    token: str | None = field(default=None, repr=False)
    second_token: str | None = field(default=None, repr=False)
    application: str | None = None
    patience: Patience = field(default_factory=lambda: PATIENCE)
    minor: int = 0
    session_id: str = ""
    first: Attempt | None = None
    """The attempt that started the session."""
    reconnected: Attempt | None = None
    """The newest attempt that a point has sent, and what it got."""
    reconnect_answer: Answer | None = None
    started: list[str] = field(default_factory=list)
    """Sessions that nobody has ended yet."""
    refusals: list[Answer] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list, repr=False)
    """Secrets that were sent, and that no answer may contain."""

    # --- calls ----------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
        within_s: float | None = None,
    ) -> Answer:
        """Call with the player's token; `token`: another one, None for none. Raises BrokenError
        where no answer comes."""
        used = self.token if token == "" else token
        sent = dict(headers or {})
        if used is not None:
            sent["Authorization"] = f"Bearer {used}"
        request = Request(method, path, body, sent)
        try:
            answer = await self.calls(request, within_s=within_s or self.patience.call_s)
        except NoAnswerError as error:
            raise BrokenError(f"{request.name}: {error}.") from None
        if answer.status >= 400:
            self.refusals.append(answer)
        if answer.status < 300 and method == "POST" and path == "/v1/sessions":
            self._started(answer)
        return answer

    def _started(self, answer: Answer) -> None:
        body = answer.json()
        session_id = body.get("session_id") if isinstance(body, dict) else None
        if isinstance(session_id, str) and session_id not in self.started:
            self.started.append(session_id)

    def new_attempt(self, number: int, *, key: str = "", signal_request: str = "") -> Attempt:
        """An attempt with a fresh key and offer, unless others are given."""
        if not signal_request:
            signal_request, pwd = new_offer()
            self.secrets.append(pwd)
        attempt = Attempt(number, key or new_key(), signal_request)
        self.secrets.append(attempt.key)
        return attempt

    async def start(self, attempt: Attempt, /, **changes: Any) -> Answer:
        """StartStreamSession by this attempt; `changes` to its body."""
        body = attempt.body | changes
        if self.application is not None:
            body.setdefault("application", self.application)
        return await self.call(
            "POST", "/v1/sessions", body=body, headers={IDEMPOTENCY_HEADER: attempt.key}
        )

    async def reconnect(
        self,
        attempt: Attempt,
        *,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """CreateStreamSessionConnection by this attempt. `headers`: besides those it always has."""
        return await self.call(
            "POST",
            f"/v1/sessions/{self.session_id}/connections",
            body=attempt.body,
            token=token,
            headers={IDEMPOTENCY_HEADER: attempt.key, **(headers or {})},
        )

    async def view(self, query: str = "") -> SessionViewBody:
        """The session's view; BrokenError if there is none."""
        answer = await self.call("GET", f"/v1/sessions/{self.session_id}{query}")
        return self.body_of(answer, SessionViewBody)

    # --- answers --------------------------------------------------------------------------------

    def body_of(self, answer: Answer, kind: type[_Body], status: int = 200) -> _Body:
        """The body of a good answer. Raises BrokenError, NotCheckedError (the service failed)."""
        if answer.status != status:
            unless_service_failed(answer)
            raise BrokenError(f"{answer.request.name}: {answer.said} in place of {status}.")
        if answer.content_type != "application/json":
            raise BrokenError(f"{answer.request.name}: the answer is not application/json.")
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            fields = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
            named = ", ".join(fields) if fields else "the body"
            raise BrokenError(
                f"{answer.request.name}: {named} is not as the contract says."
            ) from None


def unless_service_failed(answer: Answer) -> None:
    """Raises NotCheckedError where the answer says that the service behind the backend failed."""
    if answer.code in _SERVICE_FAILED:
        raise NotCheckedError(f"{answer.request.name}: {answer.said}; try again later.")


def must_be_refused(answer: Answer, *expected: tuple[int, ProblemCode]) -> None:
    """Raises BrokenError unless it is one of these refusals."""
    if any(answer.status == status and answer.code == code for status, code in expected):
        return
    wanted = " or ".join(f"{status} {code}" for status, code in expected)
    raise BrokenError(f"{answer.request.name}: {answer.said} in place of {wanted}.")
