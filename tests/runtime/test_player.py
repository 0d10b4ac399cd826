"""A player's client put together: it requires a usable profile, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.fake_port import picture
from helpers.turn_server import silent_server
from rejoin import tasks
from rejoin.core.events import CloseForNowRequested
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    Ending,
    EndingKind,
    Policy,
    SessionId,
    Snapshot,
    Stage,
)
from rejoin.core.ticket import RejoinState, Ticket
from rejoin.core.trace import Record
from rejoin.errors import BadInputError
from rejoin.input_events.events import KeyEvent
from rejoin.media.audio.output import NullOutput
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.hardware import Hardware
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.runtime.data_used import DataUsed, read_total
from rejoin.runtime.instance import Instance, is_taken
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.microphone_states import MicrophoneChoices, MicrophoneMode
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.stream_limits import StreamLimits
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.runtime.volume_file import SoundFile
from rejoin.signaling.exchange import HttpSettings

TOKEN = "CANARY-token-of-a-player"


class ClosedOutput(NullOutput):
    """Plays silence and remembers whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def profile(url: str) -> StudioProfile:
    return StudioProfile(url, TOKEN, NetworkRules(loopback_only=True))


def test_a_profile_that_cannot_be_used_is_refused_at_once() -> None:
    for url in ("not a url", "http://studio.example/", "https://user:word@studio.example/"):
        with pytest.raises(BadInputError):
            Player(profile(url), PlayerOptions(audio=NullOutput()))
    with pytest.raises(BadInputError) as caught:
        Player(StudioProfile("http://127.0.0.1:9", "two words"), PlayerOptions(audio=NullOutput()))
    assert "two words" not in str(caught.value)


async def test_its_turn_servers_are_asked_from_the_start_and_left_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ice.json"
    asked: list[int] = []
    with silent_server() as port:
        url = f"turn:127.0.0.1:{port}"
        path.write_text(f'{{"urls": "{url}", "username": "n", "credential": "c"}}')
        prepare = PreparedConnections.prepare

        def recorded(self: PreparedConnections) -> None:
            prepare(self)
            asked.append(len(asked))

        monkeypatch.setattr(PreparedConnections, "prepare", recorded)
        quick = Policy(backoff_base_s=0.01, backoff_cap_s=0.02)
        found = replace(profile("http://127.0.0.1:9"), ice_servers_file=path)
        player = Player(found, PlayerOptions(audio=NullOutput(), policy=quick))
        await player.run()
    assert asked == [0]
    assert not [name for name in tasks.alive() if name.startswith("relay")]


def test_a_problem_of_the_sound_is_reported() -> None:
    sentence = "No sound: no audio output device was found."
    silent = Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput(sentence)))
    assert silent.problem() == sentence
    assert (
        Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput())).problem() is None
    )


def test_video_that_cannot_be_played_is_a_problem_and_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput("No sound.")))
    shown = StreamStatistics(ConnectionNumber(1), unsupported="interlaced video")
    monkeypatch.setattr(Player, "statistics", lambda self: shown)
    sentence = "The picture stands still: Rejoin cannot play interlaced video."
    assert silent.problem() == f"{sentence}\nNo sound."
    monkeypatch.setattr(Player, "statistics", lambda self: StreamStatistics(ConnectionNumber(1)))
    assert silent.problem() == "No sound."


def test_the_callers_slot_is_used() -> None:
    slot = PictureSlot()
    player = Player(profile("http://127.0.0.1:9"), PlayerOptions(slot=slot, audio=NullOutput()))
    assert player.slot is slot
    assert slot.on_shown == player._engine.frame_shown
    assert player.snapshot.stage is Stage.IDLE


@pytest.mark.usefixtures("nothing_left_behind")
async def test_a_game_that_cannot_start_ends_and_leaves_nothing() -> None:
    """A real offer, and no server on the port."""
    records: list[Record] = []
    shown: list[Snapshot] = []
    audio = ClosedOutput()

    async def main(url: str) -> Ending:
        player = Player(
            profile(url),
            PlayerOptions(
                audio=audio,
                policy=Policy(backoff_base_s=0.01, backoff_cap_s=0.02),
                on_record=records.append,
            ),
        )
        leave = player.subscribe(shown.append)
        player.send_input(KeyEvent("KeyA", "a", pressed=True))
        try:
            return await player.run()
        finally:
            leave()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        ending = await main(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert ending.kind is EndingKind.BACKEND_UNREACHABLE
    assert audio.closed
    assert shown[0].stage is Stage.IDLE
    assert shown[-1].ending == ending
    names = [record.name for record in records]
    assert names[0] == "StartRequested"
    assert "OfferMade" in names
    for record in records:
        for secret in ("CANARY", "ice-pwd", "ice-ufrag", "fingerprint", "candidate:"):
            assert secret not in repr(record)


class LoudOutput(NullOutput):
    """Plays silence and remembers the volume."""

    volume = 1.0

    def set_volume(self, volume: float) -> None:
        self.volume = volume


@pytest.mark.usefixtures("nothing_left_behind")
async def test_the_volume_is_that_of_the_last_run(tmp_path: Path) -> None:
    async def main(choice: SoundChoice) -> None:
        sound_file = SoundFile(tmp_path / "sound.json")
        player = Player(
            profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput(), sound_file=sound_file)
        )
        running = asyncio.ensure_future(player.run())
        player.set_sound(choice)
        player.post(CloseForNowRequested())
        await asyncio.wait_for(running, 30)

    await main(SoundChoice(50))
    audio = LoudOutput()
    next_one = Player(
        profile("http://127.0.0.1:9"),
        PlayerOptions(audio=audio, sound_file=SoundFile(tmp_path / "sound.json")),
    )
    assert (next_one.sound(), audio.volume) == (SoundChoice(50), 0.125)
    unkept = Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=audio))
    assert (unkept.sound(), audio.volume) == (SoundChoice(), 1.0)
    unkept.set_sound(SoundChoice(80, muted=True))
    assert (unkept.sound(), audio.volume) == (SoundChoice(80, muted=True), 0.0)


@pytest.mark.usefixtures("nothing_left_behind")
async def test_the_hardware_probe_starts_first_and_is_closed_last() -> None:
    did: list[str] = []

    class RecordedHardware(Hardware):
        def begin(self) -> None:
            did.append("begin")

        def close(self) -> None:
            did.append("close")

    async def main() -> Ending:
        player = Player(
            profile("http://127.0.0.1:9"),
            PlayerOptions(
                audio=NullOutput(),
                hardware=RecordedHardware(),
                on_record=lambda record: did.append(record.name),
            ),
        )
        running = asyncio.ensure_future(player.run())
        await asyncio.sleep(0)
        player.post(CloseForNowRequested())
        return await asyncio.wait_for(running, 30)

    await main()
    assert did[0] == "begin"
    assert "StartRequested" in did
    assert did[-1] == "close"


@pytest.mark.usefixtures("nothing_left_behind")
async def test_closing_for_now_before_anything_happened() -> None:
    async def main() -> Ending:
        player = Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput()))
        running = asyncio.ensure_future(player.run())
        await asyncio.sleep(0)
        player.post(CloseForNowRequested())
        return await asyncio.wait_for(running, 30)

    ending = await main()
    assert ending.kind in (EndingKind.CLOSED_FOR_NOW, EndingKind.CANCELLED)


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("rules", [NetworkRules(), NetworkRules(loopback_only=True)])
async def test_the_network_is_watched_according_to_the_profile(
    monkeypatch: pytest.MonkeyPatch, rules: NetworkRules
) -> None:
    did: list[object] = []

    class Watch:
        def start(self) -> None:
            did.append("start")

        def close(self) -> None:
            did.append("close")

    def watch_for(network: NetworkRules, post: object) -> Watch | None:
        did.append(network)
        return None if network.loopback_only else Watch()

    monkeypatch.setattr("rejoin.runtime.player.watch_for", watch_for)

    async def main() -> Ending:
        player = Player(
            StudioProfile("http://127.0.0.1:9", TOKEN, rules), PlayerOptions(audio=NullOutput())
        )
        running = asyncio.ensure_future(player.run())
        await asyncio.sleep(0)
        player.post(CloseForNowRequested())
        return await asyncio.wait_for(running, 30)

    await main()
    assert did == ([rules] if rules.loopback_only else [rules, "start", "close"])


@pytest.mark.parametrize("public_only", [False, True])
def test_where_a_link_may_lead_reaches_the_client(
    monkeypatch: pytest.MonkeyPatch, public_only: bool
) -> None:
    given: list[HttpSettings] = []

    def make(*_: object, http: HttpSettings) -> None:
        given.append(http)

    monkeypatch.setattr("rejoin.runtime.player.make_client", make)
    chosen = StudioProfile("https://studio.example", TOKEN, public_only=public_only)
    Player(chosen, PlayerOptions(audio=NullOutput()))
    assert [http.public_only for http in given] == [public_only]


@pytest.mark.usefixtures("nothing_left_behind")
async def test_with_a_ticket_it_rejoins_instead_of_starting_a_game(tmp_path: Path) -> None:
    """There is no server, so the status call fails; the lock is released at the end."""
    records: list[Record] = []
    url = "http://127.0.0.1:9"
    state = RejoinState(SessionId("s-1"), AttemptNumber(4), 120.0, proved_at=1.0)
    ticket = Ticket(state, profile(url).backend_address(), "another boot", 0.0, 0.0)
    instance = Instance.claim("key", tmp_path)
    assert instance is not None

    async def main() -> Ending:
        store = LocalStore(
            profile(url),
            tickets=TicketFolder(tmp_path / "tickets"),
            locks_folder=tmp_path,
            instance=instance,
        )
        player = Player(
            profile(url),
            PlayerOptions(
                audio=NullOutput(), on_record=records.append, local_store=store, ticket=ticket
            ),
        )
        running = asyncio.ensure_future(player.run())
        rejoining: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

        def listen(shown: Snapshot) -> None:
            if shown.stage is not Stage.IDLE and not rejoining.done():
                rejoining.set_result(shown)

        player.subscribe(listen)
        shown = await asyncio.wait_for(rejoining, 30)
        assert (shown.stage, shown.returning) == (Stage.RECONNECTING, True)
        assert shown.deadline_checking, "its times are of a different boot"
        player.post(CloseForNowRequested())
        return await asyncio.wait_for(running, 30)

    assert (await main()).kind is EndingKind.CLOSED_FOR_NOW
    assert [record.name for record in records][:3] == [
        "RejoinRequested",
        "AwaitingService",
        "PollStatus",
    ]
    assert not is_taken("key", tmp_path)
    kept = TicketFolder(tmp_path / "tickets").newest()
    assert kept is not None
    assert kept.rejoin_state.attempt == 4


def test_a_missing_way_back_is_reported_whatever_else_is_missing(tmp_path: Path) -> None:
    store = LocalStore(
        profile("http://127.0.0.1:9"), tickets=TicketFolder(tmp_path), locks_folder=tmp_path
    )
    store._problem = "No way back after a crash: no space is left on the disk."
    well = Player(
        profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput(), local_store=store)
    )
    assert well.problem() == store.problem
    silent = Player(
        profile("http://127.0.0.1:9"),
        PlayerOptions(audio=NullOutput("No sound."), local_store=store),
    )
    assert silent.problem() == (
        "No sound.\nNo way back after a crash: no space is left on the disk."
    )


@pytest.mark.parametrize("dtls_client", [False, True])
async def test_its_connections_are_dtls_clients_if_the_option_says_so(dtls_client: bool) -> None:
    async def offer() -> str:
        player = Player(
            profile("http://127.0.0.1:9"),
            PlayerOptions(audio=NullOutput(), dtls_client=dtls_client),
        )
        peer = player._make_peer(ConnectionNumber(1), lambda event: None)
        try:
            return await peer.make_offer()
        finally:
            await peer.close()
            await player._client.aclose()

    assert ("a=setup:active" in await offer()) is dtls_client


@pytest.mark.parametrize(("limit", "asked"), [(None, 19_000), (8_000, 8_000), (50_000, 19_000)])
async def test_its_offers_ask_for_no_more_than_the_player_allows(
    limit: int | None, asked: int
) -> None:
    options = PlayerOptions(audio=NullOutput(), max_kbps=limit)
    player = Player(profile("http://127.0.0.1:9"), options)
    peer = player._make_peer(ConnectionNumber(1), lambda event: None)
    try:
        offer = json.loads(await peer.make_offer())["sdp"]
    finally:
        await peer.close()
        await player._client.aclose()
    assert f"b=AS:{asked}\r\nb=TIAS:{asked * 1000}\r\n" in offer
    assert f"x-google-start-bitrate={min(asked, 10_000)}\r\n" in offer


async def test_new_limits_count_for_the_next_connection() -> None:
    player = Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput()))
    before = player._make_peer(ConnectionNumber(1), lambda event: None)
    player.use_limits(StreamLimits(max_kbps=3000, dtls_client=True))
    after = player._make_peer(ConnectionNumber(2), lambda event: None)
    try:
        offers = [json.loads(await peer.make_offer())["sdp"] for peer in (before, after)]
    finally:
        for peer in (before, after):
            await peer.close()
        await player._client.aclose()
    assert ["b=AS:3000\r\n" in offer for offer in offers] == [False, True]
    assert ["a=setup:active" in offer for offer in offers] == [False, True]
    assert player._engine.input is not None


async def test_silence_leaves_the_volume_as_it_is() -> None:
    class Listening(NullOutput):
        def __init__(self) -> None:
            super().__init__()
            self.heard: list[float] = []

        def set_volume(self, amplitude: float) -> None:
            self.heard.append(amplitude)

    output = Listening()
    player = Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=output))
    player.silence(True)
    player.set_sound(SoundChoice(50))
    player.silence(False)
    assert output.heard == [1.0, 0.0, 0.0, 0.125]
    assert player.sound() == SoundChoice(50)
    await player._client.aclose()


async def test_the_data_used_is_counted(tmp_path: Path) -> None:
    used = DataUsed(tmp_path / "data_used.json")
    player = Player(
        profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput(), data_used=used)
    )
    numbers = StreamStatistics(ConnectionNumber(1), bytes_received=700, audio_bytes_received=50)
    player._write_statistics(1.0, numbers)
    await player._close()
    assert read_total(tmp_path / "data_used.json").received_bytes == 750


class HangingOutput(NullOutput):
    """A sound device whose driver does not come back."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def close(self) -> None:
        assert self.free.wait(60)


async def test_what_hangs_at_the_end_is_abandoned(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rejoin.runtime.player.CLOSE_S", 0.01)
    audio = HangingOutput()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        player = Player(profile(url), PlayerOptions(audio=audio))
        running = asyncio.ensure_future(player.run())
        await asyncio.sleep(0)
        player.post(CloseForNowRequested())
        try:
            await asyncio.wait_for(running, 30)
        finally:
            audio.free.set()
    assert "abandoned" in caplog.text


def test_the_last_picture_is_given_to_the_store_small(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Callable[[], bytes]] = []
    store = LocalStore(profile("http://127.0.0.1:9"))
    monkeypatch.setattr(store, "keep_picture", kept.append)
    player = Player(
        profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput(), local_store=store)
    )
    player.keep_picture(picture(1280, 720))
    content = kept[0]()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (640, 360)
    Player(profile("http://127.0.0.1:9"), PlayerOptions(audio=NullOutput())).keep_picture(
        picture(64, 36)
    )


@pytest.mark.parametrize(
    ("by_link", "mode", "muted"),
    [
        (False, MicrophoneMode.OPEN, False),
        (True, MicrophoneMode.OPEN, True),
        (True, MicrophoneMode.PUSH_TO_TALK, False),
    ],
)
async def test_an_open_microphone_begins_muted_where_a_link_named_the_studio(
    by_link: bool, mode: MicrophoneMode, muted: bool
) -> None:
    of_studio = replace(profile("http://127.0.0.1:9"), public_only=by_link, allows_microphone=True)
    options = PlayerOptions(audio=NullOutput(), microphone=MicrophoneChoices(mode))
    player = Player(of_studio, options)
    assert player.microphone.muted == muted
    assert player.microphone.offered
    await player._close()
