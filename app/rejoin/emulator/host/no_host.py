"""A stream host without a game, media and sockets: it answers offers with canned SDP.

For tests and benches of a backend with thousands of stream sessions (`rejoin studio --no-host`).
Each connection's client counts as connected for the time in the settings; no client can really
connect.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.emulator.service.stream_host import HostListener
from rejoin.emulator.service.timers import LoopTimers, Timers
from rejoin.errors import BadInputError, SignalError
from rejoin.rtc.sdp import Section, join, parse
from rejoin.rtc.sdp_media import H264, OPUS, OPUS_CLOCK_HZ, VIDEO_CLOCK_HZ, codecs_of
from rejoin.rtc.signal_codec import SignalRequest, decode_request, encode_response

_FINGERPRINT: Final = ":".join(f"{7 * number % 256:02X}" for number in range(32))
_CANDIDATE: Final = "1 1 udp 2130706431 127.0.0.1 33435 typ host"
"""An address where nobody listens and nothing leaves the machine."""
_CONNECTS: Final = 3
_AGAIN_S: Final = 0.2
_CODECS: Final = {"audio": (OPUS, OPUS_CLOCK_HZ), "video": (H264, VIDEO_CLOCK_HZ)}


class NoHost:
    """A `StreamHost`. `timers`: when its client comes and goes."""

    def __init__(
        self,
        listener: HostListener,
        settings: EmulatorSettings,
        *,
        protocol_url: str,
        timers: Timers | None = None,
    ) -> None:
        self._listener = listener
        self._settings = settings
        self._protocol_url = protocol_url
        self._timers = timers or LoopTimers()
        self._connection = 0
        self._connected = False
        self._running = False
        self._cancel_next: Callable[[], None] | None = None

    async def start(self) -> None:
        self._running = True

    async def answer(self, connection: int, signal_request: str) -> str:
        if not self._running:
            raise SignalError("There is no running game to connect to.")
        request = decode_request(signal_request)
        self._connection, self._connected = connection, False
        settings = self._settings
        self._next(
            settings.answer_delay_s + settings.absent_client_connects_s,
            partial(self._connect, _CONNECTS),
        )
        return encode_response(_answer_to(request), self._protocol_url)

    async def disconnect(self, reason: str) -> None:
        del reason  # there is nobody to tell
        self._leave()

    async def stop(self) -> None:
        self._running = False
        self._leave()

    async def inject(self, fault: Fault) -> float:
        """A fault that ends the client's connection, or the game; others need a host."""
        at = self._timers.now()
        match fault.kind:
            case FaultKind.SILENCE | FaultKind.FREEZE:
                self._gone_in(self._settings.notice_silent_client_s, graceful=False)
            case FaultKind.GRACEFUL_CLOSE | FaultKind.DTLS_CLOSE:
                self._gone_in(self._settings.notice_graceful_close_s, graceful=True)
            case FaultKind.KILL:
                self._leave()
                self._listener.game_exited("the game was ended by an injected fault")
            case _:
                raise BadInputError("Without a host there is no media to inject this fault into.")
        return at

    def settings_changed(self, settings: EmulatorSettings) -> None:
        self._settings = settings

    def game_state(self) -> dict[str, object]:
        return {"running": self._running, "connected": self._connected}

    # --- the client that is not there -------------------------------------------------------------

    def _connect(self, times: int) -> None:
        """Report the client, `times` times, because a busy service may not have sent the answer yet
        at the first report."""
        self._connected = True
        self._listener.client_connected(self._connection)
        stays_s = self._settings.absent_client_stays_s
        if times > 1:
            self._next(_AGAIN_S, partial(self._connect, times - 1))
        elif stays_s > 0:
            self._next(max(0.0, stays_s - (_CONNECTS - 1) * _AGAIN_S), self._gone)

    def _gone_in(self, delay_s: float, *, graceful: bool) -> None:
        if self._connected:
            self._next(delay_s, partial(self._gone, graceful=graceful))

    def _gone(self, *, graceful: bool = False) -> None:
        self._leave()
        self._listener.client_gone(self._connection, graceful=graceful)

    def _leave(self) -> None:
        self._connected = False
        if self._cancel_next is not None:
            self._cancel_next()
            self._cancel_next = None

    def _next(self, delay_s: float, do: Callable[[], None]) -> None:
        """Do this next, in place of the planned step."""
        if self._cancel_next is not None:
            self._cancel_next()
        self._cancel_next = self._timers.call_at(self._timers.now() + delay_s, do)


def _answer_to(request: SignalRequest) -> str:
    """An answer that fits the offer, with ICE credentials of its own, and nobody behind it."""
    lines = ["v=0", f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines.append(f"a=group:BUNDLE {' '.join(request.bundle)}")
    transport = [
        "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{secrets.token_hex(4)}",
        f"a=ice-pwd:{secrets.token_hex(16)}",
        f"a=fingerprint:sha-256 {_FINGERPRINT}",
        "a=setup:passive" if request.setup == "active" else "a=setup:active",
        f"a=candidate:{_CANDIDATE}",
    ]
    for offered in parse(request.sdp, "offer").sections:
        lines += [*_section(offered), *transport, f"a=mid:{offered.mid}"]
    return join(lines)


def _section(offered: Section) -> list[str]:
    """The lines of a section that are not of the transport, the m= line first."""
    kind = offered.kind
    if kind == "application":
        return [
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "a=sctp-port:5000",
            "a=max-message-size:262144",
        ]
    codec = next((each for each in codecs_of(offered) if each.is_a(*_CODECS[kind])), None)
    if codec is None:
        raise SignalError(f"The offer has no {_CODECS[kind][0]} that a host could send.")
    return [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {codec.payload_type}",
        "a=sendonly",
        "a=rtcp-mux",
        *replace(codec, feedback=()).lines(),
    ]
