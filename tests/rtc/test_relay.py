"""The relay of a connection: allocated early, offered if it is there, and kept; against coturn."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aioice import stun

from helpers.loopback_host import LoopbackHost
from helpers.turn_server import (
    coturn,
    needs_coturn,
    server,
    settings,
    silent_server,
    until,
    with_tls,
)
from rejoin import tasks
from rejoin.core.events import Event, FirstFrameDecoded, HardEvidenceSeen, InputOpened
from rejoin.core.model import ConnectionNumber
from rejoin.media.audio.output import NullOutput
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc import relay as relay_module
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.ice_servers import TurnServer
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.peer_states import parts_of
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.relay import Relay, RelaySettings
from rejoin.rtc.turn_seam import relay_of

LOOPBACK = NetworkRules(loopback_only=True)


class Game:
    """A peer with TURN servers, and a host that only a relay reaches."""

    def __init__(self, prepared: PreparedConnections, rules: NetworkRules = LOOPBACK) -> None:
        self.events: list[Event] = []
        self.host = LoopbackHost(through_relay=True)
        self.peer = Peer(
            ConnectionNumber(1),
            PeerSettings(rules),
            MediaSinks(PictureSlot(), NullOutput()),
            post=self.events.append,
            prepared=prepared,
        )

    def saw(self, kind: type[Any]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    @property
    def transport(self) -> Any:
        parts = parts_of(self.peer._state)
        assert parts is not None
        return parts.transport

    async def play(self) -> str:
        """Connect through the relay and play; returns the offer."""
        offer = await self.peer.make_offer()
        self.host.relay_ports = {port for _, port in relays(offer)}
        await self.peer.apply_answer(await self.host.answer(offer))
        await until(lambda: self.saw(FirstFrameDecoded) and self.saw(InputOpened))
        return offer

    async def close(self) -> None:
        await self.peer.close()
        await self.host.close()


def relays(offer: str) -> set[tuple[str, int]]:
    """Address and port of every candidate of the offer, which are all relay candidates."""
    lines = re.findall(r"a=candidate:([^\r\n]*)", json.loads(offer)["sdp"])
    parts = [line.split(" ") for line in lines]
    for each in parts:
        assert each[6:] == ["typ", "relay", "raddr", "0.0.0.0", "rport", "0"]
    return {(each[4], int(each[5])) for each in parts}


def allocated(prepared: PreparedConnections) -> bool:
    found = prepared._prepared
    return found is not None and found.relay is not None and found.relay.ready


@asynccontextmanager
async def connections(found: RelaySettings) -> AsyncIterator[PreparedConnections]:
    """At the end nothing of any relay is left."""
    prepared = PreparedConnections(found)
    try:
        yield prepared
    finally:
        await prepared.close()
    assert not [name for name in tasks.alive() if name.startswith(("relay", "turn"))]


@needs_coturn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_reconnect_over_the_relay_finds_its_allocation_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setattr("rejoin.rtc.peer.PREPARE_AFTER_S", 0.0)
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port, transport))) as prepared:
            prepared.prepare()
            await until(lambda: allocated(prepared))
            first = Game(prepared)
            first_relays = relays(await first.play())
            assert first.transport.candidate_pair == "relay-host udp"
            assert first.peer.local_addresses == {"127.0.0.1"}

            # while it plays, the next one is allocated
            await until(lambda: allocated(prepared))
            first.host.cut = True

            async def no_allocation(_relay: Relay) -> None:
                return None

            monkeypatch.setattr(Relay, "_allocate", no_allocation)
            second = Game(prepared)
            offer = await second.peer.make_offer()
            assert len(relays(offer)) == 1
            assert relays(offer).isdisjoint(first_relays)
            second.host.relay_ports = {port for _, port in relays(offer)}
            await second.peer.apply_answer(await second.host.answer(offer))
            await until(lambda: second.saw(FirstFrameDecoded))
            await first.close()
            await second.close()


@needs_coturn
async def test_a_game_is_played_through_turn_over_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`turns:`, with a server certificate that this machine trusts."""
    arguments = with_tls(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "turn.pem"))
    monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 20.0)
    with coturn(tmp_path, *arguments) as turn:
        async with connections(settings(server(turn.tls_port, "tcp", tls=True))) as prepared:
            game = Game(prepared)
            offer = await game.play()
            assert len(relays(offer)) == 1
            (relayed,) = (
                each for each in game.transport._connection._protocols if relay_of(each) is not None
            )
            transport: Any = relay_of(relayed)
            assert transport._client.transport.get_extra_info("ssl_object") is not None
            await game.close()


@needs_coturn
@pytest.mark.parametrize(
    ("trusted", "address"), [(False, "127.0.0.1"), (True, "127.0.0.2")], ids=["nobody", "another"]
)
async def test_a_turn_server_that_another_certificate_names_gets_no_credentials(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trusted: bool,
    address: str,
) -> None:
    arguments = with_tls(tmp_path, address)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "turn.pem"))
    with coturn(tmp_path, *arguments) as turn:
        async with connections(settings(server(turn.tls_port, "tcp", tls=True))) as prepared:
            prepared.prepare()
            await until(lambda: "cannot be used" in caplog.text)
            assert not allocated(prepared)
    assert [each.getMessage() for each in caplog.records if each.name.startswith("rejoin")] == [
        "TURN server 1 cannot be used (SSLCertVerificationError); the game is tried without it"
    ]


@needs_coturn
async def test_without_servers_nothing_is_allocated_or_offered() -> None:
    async with connections(RelaySettings()) as prepared:
        game = Game(prepared)
        assert relays(await game.peer.make_offer()) == set()
        await game.close()


async def test_a_silent_server_delays_no_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    timeout = asyncio.timeout

    def recorded(within_s: float) -> asyncio.Timeout:
        waited.append(within_s)
        return timeout(within_s)

    with silent_server() as port:
        async with connections(settings(server(port))) as prepared:
            game = Game(prepared)
            monkeypatch.setattr(asyncio, "timeout", recorded)
            offer = await game.peer.make_offer()
            monkeypatch.setattr(asyncio, "timeout", timeout)
            assert relays(offer) == set()
            assert relay_module.JOIN_WITHIN_S in waited
            assert relay_module.JOIN_WITHIN_S < 0.2
            await game.close()


@needs_coturn
async def test_an_allocation_that_comes_after_the_offer_takes_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 0.0)
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            game = Game(prepared)
            offer = await game.peer.make_offer()
            assert relays(offer) == set()
            answer = await game.host.answer(offer)
            await game.peer.apply_answer(answer)
            sockets = game.transport._connection._protocols
            await until(lambda: any(relay_of(each) is not None for each in sockets))
            (late,) = (each for each in sockets if relay_of(each) is not None)
            game.host.relay_ports = {late.local_candidate.port}
            await until(lambda: game.saw(FirstFrameDecoded))
            await game.close()


@needs_coturn
async def test_a_server_that_was_started_anew_is_evidence_in_mid_game(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """437 (allocation mismatch) to the refresh: the game reconnects, over a new allocation."""
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            game = Game(prepared)
            monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 20.0)
            monkeypatch.setattr(relay_module, "KEEP_EVERY_S", 0.05)
            await game.play()
            turn.stop()
            turn.start()
            await until(lambda: game.saw(HardEvidenceSeen))
            await game.close()
            again = Game(prepared)
            await again.play()
            await again.close()


@needs_coturn
async def test_a_prepared_allocation_that_is_lost_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "KEEP_EVERY_S", 0.05)
    monkeypatch.setattr(relay_module, "AGAIN_AFTER_S", 0.05)
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            prepared.prepare()
            await until(lambda: allocated(prepared))
            assert prepared._prepared is not None
            assert prepared._prepared.relay is not None
            lost = prepared._prepared.relay._socket
            turn.stop()
            turn.start()
            await until(lambda: allocated(prepared) and prepared._prepared.relay._socket != lost)


@needs_coturn
async def test_when_a_connection_stalls_a_lost_allocation_is_made_anew_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoin.rtc.peer.PREPARE_AFTER_S", 0.0)
    monkeypatch.setattr(relay_module, "KEEP_EVERY_S", 1e6)
    monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 20.0)
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            game = Game(prepared)
            await game.play()
            await until(lambda: allocated(prepared))
            assert prepared._prepared is not None
            found = prepared._prepared.relay
            assert found is not None
            lost = found._socket
            turn.stop()
            turn.start()
            game.peer.start_checks()
            await until(lambda: found.ready and found._socket is not lost)
            await game.close()


@needs_coturn
@pytest.mark.parametrize("change", ["slept", "another address"])
async def test_an_allocation_of_before_a_change_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 20.0)
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            prepared.prepare()
            await until(lambda: allocated(prepared))
            assert prepared._prepared is not None
            found = prepared._prepared.relay
            assert found is not None
            before = found._socket
            assert before is not None
            if change == "slept":
                found._confirmed_at -= relay_module.FRESH_S
            else:
                transport = relay_of(before)
                assert transport is not None
                transport.local_address = "127.0.0.9"
            game = Game(prepared)
            offered = relays(await game.peer.make_offer())
            assert offered
            assert ("127.0.0.1", before.local_candidate.port) not in offered
            await game.close()


@needs_coturn
async def test_a_stale_nonce_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """438 to the refresh."""
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            prepared.prepare()
            await until(lambda: allocated(prepared))
            assert prepared._prepared is not None
            assert prepared._prepared.relay is not None
            relayed = prepared._prepared.relay._socket
            assert relayed is not None
            transport = relay_of(relayed)
            assert transport is not None
            transport._client.nonce = b"0123456789abcdef"
            await transport.refresh()
            assert transport._client.nonce != b"0123456789abcdef"


@needs_coturn
async def test_wrong_credentials_are_said_once_without_naming_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "AGAIN_AFTER_S", 0.0)
    caplog.set_level(logging.DEBUG, "rejoin")
    with coturn(tmp_path) as turn:
        wrong = server(turn.port, credential="CANARY-wrong")
        async with connections(settings(wrong)) as prepared:
            prepared.prepare()
            await until(lambda: sum("refused" in each for each in caplog.messages) > 2)
    warned = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert warned == [
        "TURN server 1 refused (its user name or credential is wrong); the game is tried without it"
    ]
    assert "CANARY" not in caplog.text
    assert "127.0.0.1" not in caplog.text


@needs_coturn
async def test_the_first_server_that_grants_one_is_used(tmp_path: Path) -> None:
    with coturn(tmp_path) as turn, silent_server() as silent:
        found = settings(server(silent), server(turn.port, "tcp"))
        async with connections(found) as prepared:
            prepared.prepare()
            await until(lambda: allocated(prepared))


@pytest.mark.parametrize(
    ("rules", "host"),
    [
        (NetworkRules(), "127.0.0.1"),
        (NetworkRules(), "10.0.0.1"),
        (NetworkRules(allow_private=True), "127.0.0.1"),
        (NetworkRules(loopback_only=True), "203.0.114.9"),
    ],
)
async def test_a_server_where_the_profile_forbids_it_gets_nothing(
    rules: NetworkRules, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = RelaySettings((TurnServer(host, 3478, "udp", False, "n", "c"),), rules)
    async with connections(found) as prepared:
        prepared.prepare()
        await until(lambda: "forbids" in caplog.text)
        assert host not in caplog.text


@needs_coturn
async def test_a_check_through_the_relay_from_a_forbidden_address_gets_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 20.0)
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            game = Game(prepared)
            await game.peer.make_offer()
            connection = game.transport._connection
            (relayed,) = (each for each in connection._protocols if relay_of(each) is not None)
            sent: list[Any] = []
            relayed.send_stun = lambda message, address: sent.append(address)
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes["USERNAME"] = f"{connection.local_username}:host"
            request.attributes["PRIORITY"] = 1
            request.attributes["ICE-CONTROLLED"] = 1
            request.add_message_integrity(connection.local_password.encode())
            for address in [("10.0.0.9", 40_000), ("127.0.0.1", 40_000)]:
                relayed.datagram_received(bytes(request), address)
            assert sent == [("127.0.0.1", 40_000)]
            await game.close()


@needs_coturn
async def test_closing_does_not_wait_for_a_server_that_is_gone(tmp_path: Path) -> None:
    with coturn(tmp_path) as turn:
        async with connections(settings(server(turn.port))) as prepared:
            prepared.prepare()
            await until(lambda: allocated(prepared))
            turn.stop()
            before = time.monotonic()
            await prepared.close()
            assert time.monotonic() - before < stun.RETRY_RTO * 2**stun.RETRY_MAX
