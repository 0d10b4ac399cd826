"""One connection of a host: what it negotiates, and that closing it leaves nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from aioice import stun

from helpers.game_hosts import (
    DATA,
    PROTOCOL_URL,
    SETTINGS,
    Player,
    joined,
    media_of,
    relay_of,
    running,
)
from helpers.leaves_nothing import leaves_nothing
from helpers.loopback_host import make_rsa_certificate
from helpers.waiting import eventually
from rejoin.core.events import Event, FirstFrameDecoded
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.host.udp_socket import UdpSocket
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import SignalError
from rejoin.media.audio.output import NullOutput
from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.sctp_limits import LABEL_MAX_BYTES
from rejoin.rtc.signal_codec import decode_response


@pytest.mark.parametrize(
    ("offered", "played"), [("42e0", "baseline"), ("4d", "main"), ("64", "high")]
)
@leaves_nothing
async def test_the_offered_profile_is_played(offered: str, played: str) -> None:
    async with running() as (host, _):
        player = await joined(host, 1, offered)
        assert media_of(host)["codec_profile"] == played
        await player.close()


@pytest.mark.parametrize("version", ["1.2.0", "1.0.0"])
@leaves_nothing
async def test_the_web_sdks_own_offer_is_answered(version: str) -> None:
    offer = (DATA / f"signal-request-websdk-{version}-chromium-156.json").read_text()

    async with running(EmulatorSettings()) as (host, _):
        text = await host.answer(1, offer)
        response = json.loads(text)
        assert response["type"] == "answer"
        assert response["webSdkProtocolUrl"] == PROTOCOL_URL
        sections = response["sdp"].split("\r\nm=")[1:]
        offered = json.loads(offer)["sdp"].replace("\r\n", "\n").split("\nm=")[1:]
        assert [s.split(" ")[0] for s in sections] == [s.split(" ")[0] for s in offered]
        # the relay's address, and nothing but it, in the first section
        candidates = [s.count("a=candidate:") for s in sections]
        assert candidates == [1, 0, 0]
        port = int(sections[0].split("a=candidate:")[1].split(" ")[5])
        assert 33435 <= port <= 33465
        assert "a=end-of-candidates" not in response["sdp"]
        assert "a=max-message-size:65536" in sections[-1]
        # the profile that this browser lists first, with its RTX and the feedback we obey
        video = next(s for s in sections if s.startswith("video"))
        assert "profile-level-id=42001f" in video
        feedback = set(re.findall(r"a=rtcp-fb:\d+ (.+?)\r?$", video, re.MULTILINE))
        assert feedback == {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"}
        assert "stereo=1" in next(s for s in sections if s.startswith("audio"))
        assert "rtx/90000" in video
        assert "a=sendonly" in video
        with pytest.raises(SignalError, match="fresh"):
            await host.answer(2, offer)
        # our side of the codec can read it
        decode_response(text, NetworkRules(loopback_only=True))


@pytest.mark.parametrize(("takes", "direction"), [(True, "sendrecv"), (False, "sendonly")])
@pytest.mark.parametrize("version", ["1.2.0", "1.0.0"])
@leaves_nothing
async def test_an_offer_with_a_microphone_is_answered(
    version: str, takes: bool, direction: str
) -> None:
    """As with the Web SDK's `enableMicrophone`; whether the host takes it is a setting."""
    offer = json.loads((DATA / f"signal-request-websdk-{version}-chromium-156.json").read_text())
    before, _, audio = offer["sdp"].partition("m=audio")
    microphone = "a=sendrecv\r\na=msid:- mic\r\na=ssrc:7 cname:page"
    audio = audio.replace("a=recvonly", microphone, 1)
    offer["sdp"] = f"{before}m=audio{audio}"

    settings = dataclasses.replace(SETTINGS, takes_microphone=takes)
    async with running(settings) as (host, _):
        answer = json.loads(await host.answer(1, json.dumps(offer)))["sdp"]
        answered = next(s for s in answer.split("\r\nm=") if s.startswith("audio"))
        assert f"a={direction}" in answered
        assert not answered.startswith("audio 0 ")


@pytest.mark.parametrize("place", [0, 1, 3])
@leaves_nothing
async def test_a_section_that_the_offer_rejects_is_rejected_in_its_place(place: int) -> None:
    """As in offers of clients that keep a section which they do not use any more."""
    async with running() as (host, _):
        player = Player()
        offer = json.loads(await player.offer())
        session, *sections = re.split(r"(?m)^(?=m=)", offer["sdp"])
        unused = "m=audio 0 UDP/TLS/RTP/SAVPF 0 8\r\nc=IN IP4 0.0.0.0\r\na=mid:gone\r\n"
        sections.insert(place, unused)
        text = json.loads(
            await host.answer(1, json.dumps({**offer, "sdp": session + "".join(sections)}))
        )
        answer = re.split(r"(?m)^(?=m=)", text["sdp"])
        assert answer.pop(1 + place) == (
            "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:gone\r\n"
        )
        assert "gone" not in answer[0]
        await player.accept(json.dumps({**text, "sdp": "".join(answer)}))
        await player.frames(1)
        await player.close()


@pytest.mark.parametrize("setup", ["active", "passive"])
@leaves_nothing
async def test_a_client_with_an_rsa_certificate_is_played_to_in_both_dtls_roles(setup: str) -> None:
    async with running() as (host, _):
        player = Player()
        dtls: Any = player.pc.getTransceivers()[0].receiver.transport
        dtls._RTCDtlsTransport__local_certificate = make_rsa_certificate()
        offer = (await player.offer()).replace("a=setup:actpass", f"a=setup:{setup}")
        await player.accept(await host.answer(1, offer))
        await player.frames(1)
        await player.close()


def with_another_tagged_section(sdp: str) -> str:
    return sdp.replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 2 1 0")


def with_bundle_only_sections(sdp: str) -> str:
    """As Firefox and GStreamer write them with max-bundle (RFC 9143, 7.2.1)."""
    first, *others = re.split(r"(?=^m=(?!audio))", sdp, flags=re.MULTILINE)
    transport = r"(?m)^a=(ice-ufrag|ice-pwd|fingerprint|setup|ice-options|rtcp-mux).*\r\n"
    for section in others:
        bare = re.sub(transport, "", section.replace(" 9 ", " 0 ", 1))
        first += bare.replace("a=mid:", "a=bundle-only\r\na=mid:")
    return first


def with_a_transport_for_each_section(sdp: str) -> str:
    """As offered in case the answerer does not bundle (RFC 9143, 7.2); the first is the tagged."""
    session, first, *others = re.split(r"(?=^m=)", sdp, flags=re.MULTILINE)
    for number, section in enumerate(others):
        own = re.sub(r"(?m)^a=ice-ufrag:.*$", f"a=ice-ufrag:own{number}", section)
        first += re.sub(r"(?m)^a=ice-pwd:.*$", f"a=ice-pwd:{number}{'x' * 22}", own)
    return session + first


def with_blanks(sdp: str) -> str:
    sdp = re.sub(r"(?m)^a=fmtp:.*$", lambda match: match[0].replace(";", "; "), sdp)
    return re.sub(r"\r\n", " \r\n", sdp)


def with_harmless_lines(sdp: str) -> str:
    more = "a=extmap:9/recvonly urn:x y=1\r\na=fmtp:127 x\r\na=ssrc:x y\r\ni=\u00dcbertragung\r\n"
    return sdp.replace("a=mid:", more + "a=mid:").replace("s=-", "s=a\tb")


@pytest.mark.parametrize(
    "rewrite",
    [
        with_another_tagged_section,
        with_bundle_only_sections,
        with_a_transport_for_each_section,
        with_blanks,
        with_harmless_lines,
        lambda sdp: with_blanks(with_another_tagged_section(with_bundle_only_sections(sdp))),
    ],
)
@leaves_nothing
async def test_an_offer_in_another_form_is_answered_and_played(
    rewrite: Callable[[str], str],
) -> None:
    async with running() as (host, _):
        player = Player()
        offer = json.loads(await player.offer())
        answer = await host.answer(1, json.dumps({**offer, "sdp": rewrite(offer["sdp"])}))
        group = re.search(r"a=group:BUNDLE (\d)", rewrite(offer["sdp"]))
        assert group is not None
        session, *sections = json.loads(answer)["sdp"].split("\r\nm=")
        assert f"a=group:BUNDLE {group[1]}" in session
        assert [int(group[1])] == [n for n, each in enumerate(sections) if "a=candidate:" in each]
        assert "bundle-only" not in answer
        assert not any(" 0 UDP" in section for section in sections)
        await player.accept(answer)
        await player.frames(1)
        player.press(1, {4})
        await player.until(lambda: bool(player.inbox))
        await player.close()


@pytest.mark.parametrize("version", ["1.2.0", "1.0.0"])
@pytest.mark.parametrize(
    ("read", "answered"),
    [
        ("both", {"goog-remb", "transport-cc"}),
        ("goog-remb", {"goog-remb"}),
        ("transport-cc", {"transport-cc"}),
    ],
)
@leaves_nothing
async def test_the_host_takes_the_congestion_feedback_of_the_setting(
    version: str, read: Any, answered: set[str]
) -> None:
    offer = (DATA / f"signal-request-websdk-{version}-chromium-156.json").read_text()
    async with running(dataclasses.replace(SETTINGS, congestion_feedback=read)) as (host, _):
        sdp = json.loads(await host.answer(1, offer))["sdp"]
        video, audio = (
            next(section for section in sdp.split("\r\nm=") if section.startswith(kind))
            for kind in ("video", "audio")
        )
        kinds = {"goog-remb", "transport-cc"}
        assert set(re.findall(r"a=rtcp-fb:\d+ (\S+)", video)) & kinds == answered
        numbered = "transport-cc" in answered
        assert (TRANSPORT_CC_URI in video) == (TRANSPORT_CC_URI in audio) == numbered


@leaves_nothing
async def test_without_the_header_extension_no_numbers_are_promised() -> None:
    offer = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    offer["sdp"] = re.sub(rf"a=extmap:.*{re.escape(TRANSPORT_CC_URI)}\r?\n", "", offer["sdp"])
    async with running() as (host, _):
        sdp = json.loads(await host.answer(1, json.dumps(offer)))["sdp"]
        assert "transport-cc" not in sdp
        assert "goog-remb" in sdp


@leaves_nothing
async def test_an_offer_without_our_codecs_is_refused() -> None:
    offer = json.loads((DATA / "signal-request-websdk-1.2.0-chromium-156.json").read_text())
    offer["sdp"] = offer["sdp"].replace("H264/90000", "H263/90000")

    async with running() as (host, _):
        with pytest.raises(SignalError, match=r"H\.264"):
            await host.answer(1, json.dumps(offer))


@leaves_nothing
async def test_closing_while_connecting_leaves_nothing() -> None:
    for step in range(12):
        async with running() as (host, _):
            player = Player()
            await player.accept(await host.answer(1, await player.offer()))
            await asyncio.sleep(step * 0.006)
        await player.close()


@pytest.mark.parametrize(("role", "setup"), [("client", "active"), ("server", "passive")])
@leaves_nothing
async def test_the_dtls_role_is_that_of_the_setting(
    role: Literal["client", "server"], setup: str
) -> None:
    async with running(dataclasses.replace(SETTINGS, dtls_role=role)) as (host, _):
        player = Player()
        answer = await host.answer(1, await player.offer())
        assert re.findall(r"a=setup:(\w+)", json.loads(answer)["sdp"]) == [setup] * 3
        await player.accept(answer)
        await player.frames(1)
        await player.close()


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize(("offered", "setup"), [("active", "passive"), ("passive", "active")])
@leaves_nothing
async def test_an_offer_without_a_choice_decides_the_dtls_role(
    role: Literal["client", "server"], offered: str, setup: str
) -> None:
    async with running(dataclasses.replace(SETTINGS, dtls_role=role)) as (host, _):
        player = Player()
        offer = (await player.offer()).replace("a=setup:actpass", f"a=setup:{offered}")
        answer = await host.answer(1, offer)
        assert re.findall(r"a=setup:(\w+)", json.loads(answer)["sdp"]) == [setup] * 3
        await player.accept(answer)
        await player.frames(1)
        await player.close()


@pytest.mark.parametrize("answers", [True, False])
@leaves_nothing
async def test_nack_is_answered_only_if_the_setting_says_so(answers: bool) -> None:
    settings = dataclasses.replace(SETTINGS, answers_nack=answers)
    async with running(settings) as (host, _):
        player = await joined(host, 1)
        host.settings_changed(dataclasses.replace(settings, loss=0.2))
        await eventually(lambda: media_of(host)["nacked"] > 5)
        if answers:
            await eventually(lambda: media_of(host)["resent"] > 0)
        else:
            assert media_of(host)["resent"] == 0
        await player.close()


@leaves_nothing
async def test_fir_brings_a_key_frame_from_a_host_that_has_pli_refused() -> None:
    async with running(dataclasses.replace(SETTINGS, answers_pli=False)) as (host, _):
        events: list[Event] = []
        peer = Peer(
            ConnectionNumber(1),
            PeerSettings(NetworkRules(loopback_only=True)),
            MediaSinks(PictureSlot(), NullOutput()),
            post=events.append,
        )
        answer = await host.answer(1, await peer.make_offer())
        assert "nack pli" not in answer
        assert "ccm fir" in answer
        await peer.apply_answer(answer)
        await eventually(lambda: any(isinstance(each, FirstFrameDecoded) for each in events))
        before = media_of(host)["key_frames"]
        peer.request_key_frame()
        await eventually(lambda: media_of(host)["key_frames"] > before)
        assert peer.statistics().fir_count > 0
        await peer.close()


@leaves_nothing
async def test_a_channel_that_the_host_refuses_closes_at_the_client() -> None:
    async with running() as (host, _):
        player = await joined(host, 1)
        await player.until(lambda: bool(player.inbox))
        refused = player.pc.createDataChannel("x" * (LABEL_MAX_BYTES + 1))
        await eventually(lambda: refused.readyState == "closed")
        player.message_channel.send("and this one is open")
        await player.until(lambda: player.messages == ["and this one is open"])
        await player.close()


@leaves_nothing
async def test_full_hd_at_30_mbit_is_played_and_readable() -> None:
    settings = EmulatorSettings(
        width=1920,
        height=1080,
        fps=30,
        bitrate_bps=30_000_000,
        constant_bitrate=True,
        relay_ports=(0, 0),
    )

    async with running(settings) as (host, _):
        player = await joined(host, 1)
        readings = await player.frames(12)
        assert len(readings) == 12
        # 125 kB each; on a machine that is too slow they become smaller, with the bitrate.
        media = media_of(host)
        assert media["bytes"] / media["frames"] > 0.4 * media["bitrate_bps"] / 8 / settings.fps
        await player.close()


@leaves_nothing
async def test_strangers_get_ten_answers_a_second() -> None:
    async with running() as (host, _):
        host.clock = lambda: 100.0
        player = Player()
        response = decode_response(
            await host.answer(1, await player.offer()), NetworkRules(loopback_only=True)
        )
        port = int(response.sdp.split("a=candidate:")[1].split(" ")[5])
        answered: list[bytes] = []
        loop = asyncio.get_running_loop()
        _, stranger = await loop.create_datagram_endpoint(
            lambda: UdpSocket(lambda data, _: answered.append(data)),
            remote_addr=("127.0.0.1", port),
        )
        request = bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))
        for _ in range(30):
            stranger.send(request)
        await eventually(lambda: relay_of(host)["packets_up"] == 30)
        await eventually(lambda: len(answered) == 10)
        await asyncio.sleep(0.1)
        assert len(answered) == 10
        await stranger.close()
        await player.close()
