"""Amazon GameLift Streams through boto3: the `StreamService` of a real backend.

boto3's default time-outs (60 s, several tries) outlive the reconnect window. Here connecting takes
1 s at most and reading 6 s, there are two tries with the same ClientToken, and all of it ends
within the caller's budget. botocore fixes the time-outs of a client when it is made, and retries
without knowing a budget: so there is one client for each duration, and the second try is made here.

It has been run against the emulator and a misbehaving server on loopback, not against AWS.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import botocore.exceptions as faults
from botocore.config import Config

from rejoin.backend import aws_requests
from rejoin.backend.answer_fields import (
    arn_of,
    header_of,
    listed_of,
    needed_signal,
    status_of,
)
from rejoin.backend.aws_session import make_session, unusable
from rejoin.backend.call_chances import CallChances
from rejoin.backend.call_threads import CallThreads
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.create_pace import CreatePace
from rejoin.backend.service import (
    SENTENCES,
    CallBudgets,
    ListedPage,
    ServiceFault,
    StartedStream,
    StreamId,
    StreamServiceError,
    StreamStatus,
)
from rejoin.clock import boot_s

if TYPE_CHECKING:
    from mypy_boto3_gameliftstreams.client import GameLiftStreamsClient
    from mypy_boto3_gameliftstreams.literals import StreamSessionStatusType
    from mypy_boto3_gameliftstreams.type_defs import (
        ListStreamSessionsInputTypeDef,
        StartStreamSessionInputTypeDef,
    )

_log = logging.getLogger("rejoin.backend.aws")
_Result = TypeVar("_Result")

CONNECT_S: Final = 1.0
READ_S: Final = 6.0
TRIES: Final = 2
_DURATIONS_S: Final = (7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.25)
"""Durations of one try; each has its own client."""
_PAUSE_MAX_S: Final = 0.2
"""Longest pause before the second try."""
_GRACE_S: Final = 1.0
"""How much longer than its tries a call may take; the tries end by their own time-outs."""
_PAGE: Final = 100
_THREADS: Final[Mapping[str, int]] = {
    "GetStreamSession": 24,
    "CreateStreamSessionConnection": 64,
    "StartStreamSession": 8,
    "TerminateStreamSession": 4,
    "ListStreamSessions": 2,
}
"""Each operation has its own threads: neither polls nor slow starts can delay a reconnect."""

_BY_CODE: Final[Mapping[str, ServiceFault]] = {
    # Errors of this service (from its model in botocore).
    "ValidationException": ServiceFault.INVALID,
    "AccessDeniedException": ServiceFault.ACCESS_DENIED,
    "ResourceNotFoundException": ServiceFault.NOT_FOUND,
    "ConflictException": ServiceFault.CONFLICT,
    "ThrottlingException": ServiceFault.THROTTLED,
    "InternalServerException": ServiceFault.FAILED,
    # Errors of every AWS service.
    "Throttling": ServiceFault.THROTTLED,
    "ThrottledException": ServiceFault.THROTTLED,
    "TooManyRequestsException": ServiceFault.THROTTLED,
    "RequestLimitExceeded": ServiceFault.THROTTLED,
    "AccessDenied": ServiceFault.ACCESS_DENIED,
    "UnauthorizedException": ServiceFault.ACCESS_DENIED,
    "ExpiredToken": ServiceFault.MISCONFIGURED,
    "ExpiredTokenException": ServiceFault.MISCONFIGURED,
    "IncompleteSignature": ServiceFault.MISCONFIGURED,
    "InvalidClientTokenId": ServiceFault.MISCONFIGURED,
    "InvalidSignatureException": ServiceFault.MISCONFIGURED,
    "MissingAuthenticationToken": ServiceFault.MISCONFIGURED,
    "MissingAuthenticationTokenException": ServiceFault.MISCONFIGURED,
    "NotAuthorized": ServiceFault.MISCONFIGURED,
    "OptInRequired": ServiceFault.MISCONFIGURED,
    "RequestExpired": ServiceFault.MISCONFIGURED,
    "SignatureDoesNotMatch": ServiceFault.MISCONFIGURED,
    "UnrecognizedClientException": ServiceFault.MISCONFIGURED,
}
_BY_STATUS: Final[Mapping[int, ServiceFault]] = {
    400: ServiceFault.INVALID,
    401: ServiceFault.MISCONFIGURED,
    403: ServiceFault.ACCESS_DENIED,
    404: ServiceFault.NOT_FOUND,
    408: ServiceFault.TIMED_OUT,
    409: ServiceFault.CONFLICT,
    429: ServiceFault.THROTTLED,
}
_TRIED_AGAIN: Final = frozenset(
    {ServiceFault.UNAVAILABLE, ServiceFault.FAILED, ServiceFault.TIMED_OUT}
)
_LEAVES_THE_FIRST_TRY_OPEN: Final = frozenset(
    {ServiceFault.UNAVAILABLE, ServiceFault.THROTTLED, ServiceFault.CONFLICT}
)


class AwsStreamService:
    """`StreamService` on boto3. Owns threads and sockets: `close` it."""

    def __init__(self, settings: BackendSettings, *, clock: Callable[[], float] = boot_s) -> None:
        """Sends nothing to the service yet. Raises what `aws_session.make_session` raises."""
        _keep_requests_out_of_logs()
        self._settings = settings
        self._clock = clock
        self._clients: dict[float, GameLiftStreamsClient] = {}
        self._making = threading.Lock()
        self._pace = CreatePace(clock)
        self._closed = False
        self._budgets: CallBudgets | None = None
        self._session = make_session(settings)
        try:
            # Make the longest one now: a mistake shows at once, and the first call need not wait.
            self._client(_DURATIONS_S[0])
        except Exception as error:
            raise unusable(error) from None
        self._threads = {
            operation: CallThreads(count, f"aws-{operation}")
            for operation, count in _THREADS.items()
        }

    def pays_with(self, budgets: CallBudgets) -> None:
        """Take a turn of these budgets for each second try, and report each throttled call to them,
        also where the result does not show it."""
        self._budgets = budgets

    def close(self) -> None:
        """Release the threads. Tries that still run end by their own time-outs; none begins."""
        self._closed = True
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        settings = self._settings
        if application is None:
            identifier = settings.application
        elif application in settings.applications:
            identifier = settings.applications[application]
        else:
            raise StreamServiceError(
                ServiceFault.INVALID, "The backend's configuration has no such application."
            )
        arguments: StartStreamSessionInputTypeDef = {
            "Identifier": settings.stream_group,
            "ApplicationIdentifier": identifier,
            "Protocol": "WebRTC",
            "SignalRequest": signal_request,
            "ClientToken": token,
        }
        if user_id is not None:
            arguments["UserId"] = user_id
        if settings.connection_timeout_s is not None:
            arguments["ConnectionTimeoutSeconds"] = settings.connection_timeout_s
        if settings.session_length_s is not None:
            arguments["SessionLengthSeconds"] = settings.session_length_s

        def call(client: GameLiftStreamsClient) -> StartedStream:
            answer = client.start_stream_session(**arguments)
            stream = StreamId(settings.stream_group, arn_of(answer))
            return StartedStream(stream, status_of(answer))

        return await self._call("StartStreamSession", budget_s, call)

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        def call(client: GameLiftStreamsClient) -> StreamStatus:
            return status_of(
                client.get_stream_session(
                    Identifier=stream.stream_group,
                    StreamSessionIdentifier=stream.stream_session,
                )
            )

        return await self._call("GetStreamSession", budget_s, call)

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        group = self._settings.stream_group
        arguments: ListStreamSessionsInputTypeDef = {
            "Identifier": group,
            # The SDK may not know this status yet: let the service judge it.
            "Status": cast("StreamSessionStatusType", status),
            "MaxResults": _PAGE,
        }
        if page is not None:
            arguments["NextToken"] = page

        def call(client: GameLiftStreamsClient) -> ListedPage:
            answer = client.list_stream_sessions(**arguments)
            return ListedPage(
                tuple(listed_of(item, group) for item in answer.get("Items", [])),
                answer.get("NextToken") or None,
            )

        return await self._call("ListStreamSessions", budget_s, call)

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        def call(client: GameLiftStreamsClient) -> str:
            answer = client.create_stream_session_connection(
                Identifier=stream.stream_group,
                StreamSessionIdentifier=stream.stream_session,
                SignalRequest=signal_request,
                ClientToken=token,
            )
            return needed_signal(answer.get("SignalResponse"))

        return await self._call("CreateStreamSessionConnection", budget_s, call, paced=stream)

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        await self._call(
            "TerminateStreamSession",
            budget_s,
            lambda client: client.terminate_stream_session(
                Identifier=stream.stream_group,
                StreamSessionIdentifier=stream.stream_session,
            ),
        )

    async def _call(
        self,
        operation: str,
        budget_s: float,
        call: Callable[[GameLiftStreamsClient], _Result],
        *,
        paced: StreamId | None = None,
    ) -> _Result:
        """`paced`: the session whose create calls need a pause between them."""
        if self._closed:
            raise StreamServiceError(ServiceFault.UNAVAILABLE, "The backend is shutting down.")
        loop = asyncio.get_running_loop()
        chances = CallChances(self._clock() + budget_s, loop, self._budgets)
        tries = loop.run_in_executor(
            self._threads[operation],
            partial(copy_context().run, self._tries, operation, chances, call, paced),
        )
        try:
            async with asyncio.timeout(budget_s + _GRACE_S):
                return await tries
        except asyncio.CancelledError:
            chances.end()
            raise
        except TimeoutError:
            # Where boto3 waits without a limit: for credentials that are renewed.
            _log.warning("%s: boto3 does not return", operation)
            fault = ServiceFault.TIMED_OUT
            raise StreamServiceError(fault, SENTENCES[fault]) from None

    def _tries(
        self,
        operation: str,
        chances: CallChances,
        call: Callable[[GameLiftStreamsClient], _Result],
        paced: StreamId | None,
    ) -> _Result:
        """In a thread: at most two tries of the same bytes, both over before the deadline."""
        failure = ServiceFault.UNAVAILABLE
        retry_after_s: float | None = None
        for number in range(1, TRIES + 1):
            if number > 1 and not chances.once_more(operation, self._clock()):
                break
            wait_s = 0.0 if paced is None else self._pace.take_turn(paced)
            left_s = chances.deadline - self._clock() - wait_s
            fitting = [try_s for try_s in _DURATIONS_S if try_s <= left_s]
            if not fitting or self._closed:
                # This try sends nothing; the result of the first one counts.
                break
            time.sleep(wait_s)
            try:
                return call(self._client(fitting[0]))
            except (faults.BotoCoreError, faults.ClientError) as error:
                fault = _fault(error)
                retry_after_s = _retry_after_s(error)
                _log.info("%s: %s (%s), try %d", operation, fault.value, _name(error), number)
                if fault is ServiceFault.THROTTLED:
                    chances.throttled(operation)
            except StreamServiceError as error:
                fault = error.fault
                _log.info("%s: incomplete answer, try %d", operation, number)
            except Exception as error:
                # boto3 lets some errors of urllib3 and of sockets through.
                fault = ServiceFault.FAILED
                _log.warning("%s: unexpected %s, try %d", operation, _name(error), number)
            finally:
                if paced is not None:
                    self._pace.call_ended(paced)
            # After a first try with unknown outcome these do not say that it failed.
            if failure.outcome_known or fault not in _LEAVES_THE_FIRST_TRY_OPEN:
                failure = fault
            if fault not in _TRIED_AGAIN:
                break
            if number < TRIES:
                time.sleep(random.uniform(0, _PAUSE_MAX_S))
        raise StreamServiceError(failure, SENTENCES[failure], retry_after_s=retry_after_s)

    def _client(self, try_s: float) -> GameLiftStreamsClient:
        with self._making:
            client = self._clients.get(try_s)
            if client is None:
                connect_s = min(CONNECT_S, try_s * 0.4)
                client = self._session.client(
                    "gameliftstreams",
                    endpoint_url=self._settings.endpoint_url,
                    config=Config(
                        connect_timeout=connect_s,
                        read_timeout=min(READ_S, try_s - connect_s),
                        retries={"mode": "standard", "total_max_attempts": 1},
                        max_pool_connections=sum(_THREADS.values()),
                        tcp_keepalive=True,
                        user_agent_extra="rejoin-backend",
                        # None: the environment's proxies. No proxy leads back to this machine.
                        proxies={} if self._settings.endpoint_is_local else None,
                    ),
                )
                client.meta.events.register("after-call", aws_requests.note)
                self._clients[try_s] = client
            return client


def _fault(error: faults.BotoCoreError | faults.ClientError) -> ServiceFault:
    match error:
        case faults.ClientError():
            code = error.response.get("Error", {}).get("Code", "")
            if code in _BY_CODE:
                return _BY_CODE[code]
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            return _BY_STATUS.get(
                status, ServiceFault.INVALID if 400 <= status < 500 else ServiceFault.FAILED
            )
        case faults.ReadTimeoutError():
            return ServiceFault.TIMED_OUT
        case faults.SSLError() | faults.ProxyConnectionError():
            return ServiceFault.MISCONFIGURED
        case faults.EndpointConnectionError() | faults.ConnectTimeoutError():
            return ServiceFault.UNAVAILABLE
        case faults.ParamValidationError():
            return ServiceFault.INVALID
        case (
            faults.NoCredentialsError()
            | faults.PartialCredentialsError()
            | faults.CredentialRetrievalError()
            | faults.TokenRetrievalError()
            | faults.SSOError()
            | faults.NoRegionError()
            | faults.InvalidRegionError()
            | faults.ProfileNotFound()
            | faults.EndpointProviderError()
        ):
            return ServiceFault.MISCONFIGURED
        case _:
            # Closed while waiting, a broken answer and similar: the service may have done it.
            return ServiceFault.FAILED


def _retry_after_s(error: faults.BotoCoreError | faults.ClientError) -> float | None:
    if not isinstance(error, faults.ClientError):
        return None
    text = header_of(error.response.get("ResponseMetadata"), "retry-after")
    if text is None or not text.isascii() or not text.isdecimal():
        return None
    return float(min(int(text[:9]), 86400))


def _name(error: Exception) -> str:
    """The part of an error that may be logged; never its text, which can quote the request."""
    if isinstance(error, faults.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))[:80]
        return code if code.isalnum() else "ClientError"
    return type(error).__name__


def _keep_requests_out_of_logs() -> None:
    """botocore's debug log prints whole requests and answers, signatures included."""
    for name in ("botocore", "boto3", "urllib3"):
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
