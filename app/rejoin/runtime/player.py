"""Puts one player's client together: backend client, peers, sound, hardware decoding, engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from rejoin.clock import awake_s, boot_id, boot_s
from rejoin.core.events import Event, RejoinRequested, StartRequested
from rejoin.core.model import ConnectionNumber, Ending, Policy, Snapshot
from rejoin.core.play_report import PlayReport
from rejoin.core.ticket import Ticket
from rejoin.core.trace import Record
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError
from rejoin.input_events.events import InputEvent
from rejoin.input_events.wishes import AnyWish
from rejoin.input_module.port import (
    MAX_APPLICATION_BYTES,
    InputModulePort,
    ModuleFacts,
    Reports,
)
from rejoin.language import Message
from rejoin.media.audio.default_output import open_output
from rejoin.media.audio.microphone import Microphone
from rejoin.media.audio.output import AudioOutput
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.hardware import Hardware
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.media.video.png import png_of
from rejoin.rtc.peer import Peer, PeerSettings
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.relay import RelaySettings
from rejoin.rtc.signal_codec import MAX_BITRATE_KBPS
from rejoin.runtime.client_hooks import ClientHooks
from rejoin.runtime.data_used import DataUsed
from rejoin.runtime.engine_loop import EngineLoop
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.microphone import PlayerMicrophone
from rejoin.runtime.microphone_states import MicrophoneChoices, MicrophoneMode
from rejoin.runtime.module_process import MakeSandbox
from rejoin.runtime.module_report import report_lines
from rejoin.runtime.module_states import InputParts
from rejoin.runtime.network import watch_for
from rejoin.runtime.play_record import PlayRecord
from rejoin.runtime.ports import EngineOptions, EnginePorts
from rejoin.runtime.probes import Probes
from rejoin.runtime.report_queue import ReportQueue
from rejoin.runtime.report_sender import ReportSender
from rejoin.runtime.statistics_file import StatisticsFile
from rejoin.runtime.stream_limits import StreamLimits
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.token_keeper import TokenKeeper
from rejoin.runtime.token_sources import TokenSource
from rejoin.runtime.volume_file import SoundFile
from rejoin.runtime.wishes import Wishes
from rejoin.signaling.client import BackendClient
from rejoin.signaling.client_factory import make_client
from rejoin.signaling.dialects import OURS
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.module_script import ScriptRules, ScriptSource

KEPT_PX: Final = 640
"""The longer side of the last picture, as it is kept beside the ticket."""

_log = logging.getLogger("rejoin.runtime.player")

CLOSE_S: Final = 0.8
"""How long sound, hardware decoding and HTTP connections may take to close at the end."""


@dataclass(frozen=True, slots=True)
class PlayerOptions:
    """Everything about a player that has a default.

    - `slot`, `audio`: None: the player makes its own. `policy`: None: the profile's.
    - `local_store`: None: no ticket and no token are saved, so no way back after a crash.
    - `ticket`: the game to rejoin; None: start a new one.
    - `sound_file`: None: the volume is not saved. `statistics_file`: None: none are written.
    - `sound_device`: name of the device; None: the system's default. `data_used`: None: not
      counted.
    - `microphone`: the player's choices; used only where the profile allows a microphone.
      `make_microphone`: makes the device.
    - `hardware`: None: decode in software.
    - `on_record`: receives each record of the trace; samples too if `record_samples`.
    - `input_module`: False: the service's input module is not used; the game can be watched.
    - `make_sandbox`: runs it; None: `input_module.sandbox`.
    - `max_kbps`, `max_height`: what the host may send, in kbit/s and rows of a picture; None: no
      limit.
    - `on_application_message`: receives each application message of the game, on the stream
      thread.
    - `reports`: where reconnect reports wait; None: the player allows none. Only sent where the
      profile's studio takes them.
    - `hooks`: a tester's hooks; a player's client has none.
    - `token_source`: gives new sign-in tokens; None: there is only the profile's token.
      `token_lasts_s`: how long that one is valid; None: not known.
    - `dtls_client`: act as the DTLS client, which saves one round trip; False leaves the role to
      the host (ADR 0023).
    """

    slot: PictureSlot | None = None
    audio: AudioOutput | None = None
    policy: Policy | None = None
    local_store: LocalStore | None = None
    ticket: Ticket | None = None
    sound_file: SoundFile | None = None
    statistics_file: StatisticsFile | None = None
    sound_device: str | None = None
    microphone: MicrophoneChoices = MicrophoneChoices()  # noqa: RUF009 frozen
    make_microphone: Callable[..., Microphone] = Microphone
    data_used: DataUsed | None = None
    hardware: Hardware | None = None
    on_record: Callable[[Record], None] | None = None
    record_samples: bool = False
    dtls_client: bool = False
    input_module: bool = True
    make_sandbox: MakeSandbox | None = None
    max_kbps: int | None = None
    max_height: int | None = None
    on_application_message: Callable[[bytes], None] | None = None
    reports: ReportQueue | None = None
    token_source: TokenSource | None = None
    token_lasts_s: float | None = None
    hooks: ClientHooks | None = None


_DEFAULTS = PlayerOptions()


class Player:
    """The `gui.bridge.StreamPort` of a game: pictures, snapshots, statistics, input, sound.

    `run` is awaited on the stream thread; the rest may be called on any thread and returns at once.
    """

    def __init__(self, profile: StudioProfile, options: PlayerOptions = _DEFAULTS) -> None:
        """Raises BadInputError for a profile that cannot be used."""
        self.slot = options.slot or PictureSlot()
        self._profile = profile
        self._options = options
        self._limits = StreamLimits(options.max_kbps, options.max_height, options.dtls_client)
        self._policy = options.policy or profile.policy()
        self._client = make_client(
            profile.dialect,
            profile.backend_url,
            profile.token,
            profile.choice,
            http=self._http(),
        )
        self._token = profile.token or ""
        self._keeper = self._token_keeper()
        self._reports = self._report_sender()
        self._audio = options.audio or open_output(options.sound_device)
        self._hardware = options.hardware or Hardware()
        self.microphone = PlayerMicrophone(
            options.microphone,
            allowed=profile.allows_microphone,
            # A link named the studio, and anybody can make one.
            begins_muted=profile.public_only and options.microphone.mode is MicrophoneMode.OPEN,
            make=options.make_microphone,
        )
        self._relay = RelaySettings(profile.ice_servers().turn, profile.network)
        self._prepared_connections = PreparedConnections(
            self._relay, allow_444=profile.allow_444, microphone=self.microphone.offered
        )
        self._sound = SoundChoice() if options.sound_file is None else options.sound_file.read()
        self._silenced = False
        self._apply_volume()
        self._wishes = Wishes()
        self._record = PlayRecord()
        self._engine = EngineLoop(
            EnginePorts(
                backend=self._client,
                make_peer=self._make_peer,
                watch=lambda post: watch_for(profile.network, post),
                tickets=options.local_store,
                refresh_sign_in=None if self._keeper is None else self._keeper.refresh,
                on_statistics=self._write_statistics,
                make_probes=lambda: Probes(profile, self._http()),
            ),
            EngineOptions(
                policy=self._policy,
                on_record=options.on_record,
                record_samples=options.record_samples,
                awake_clock=awake_s if options.hooks is None else options.hooks.awake_clock,
                on_report=None if self._reports is None else self._reports.episode_ended,
            ),
            self._input_parts() if options.input_module else None,
        )
        self.slot.on_shown = self._engine.frame_shown
        self._engine.snapshots.subscribe(self._record.snapshot_changed)
        self._engine.snapshots.subscribe(self.microphone.snapshot_changed)
        if self._reports is not None:
            self._engine.snapshots.subscribe(self._reports.snapshot_changed)

    # --- the stream port --------------------------------------------------------------------------

    def post(self, event: Event) -> None:
        self._engine.post(event)

    def send_input(self, event: InputEvent) -> None:
        """Pass the player's input to the input module."""
        self._engine.send_input(event)

    def subscribe_wishes(self, listener: Callable[[AnyWish], None]) -> Callable[[], None]:
        """Call `listener`, on the stream thread, with what the input module wants of the window.
        Returns how to unsubscribe."""
        return self._wishes.subscribe(listener)

    def send_application_message(self, data: bytes) -> None:
        """Send the game a message through the input module, as the Web SDK's
        `sendApplicationMessage` does; it is lost while input is not open.

        Raises BadInputError for more than 65,536 bytes.
        """
        if len(data) > MAX_APPLICATION_BYTES:
            raise BadInputError(
                f"An application message has at most {MAX_APPLICATION_BYTES} bytes."
            )
        self._engine.send_application_message(data)

    def input_facts(self) -> ModuleFacts:
        """The input module's numbers so far."""
        return self._engine.input.facts

    def report_facts(self) -> dict[str, str]:
        """The lines about the input module in a problem report."""
        return report_lines(self.input_facts())

    def sound(self) -> SoundChoice:
        """The current volume."""
        return self._sound

    def set_sound(self, choice: SoundChoice) -> None:
        """The volume from now on, in this run and in the next."""
        self._sound = choice
        self._apply_volume()
        if self._options.sound_file is not None:
            self._options.sound_file.save(choice)

    def silence(self, silent: bool) -> None:
        """Mute for now; the volume stays unchanged."""
        self._silenced = silent
        self._apply_volume()

    def use_limits(self, limits: StreamLimits) -> None:
        """For every connection that is made from now on."""
        self._limits = limits

    def _apply_volume(self) -> None:
        self._audio.set_volume(0.0 if self._silenced else self._sound.amplitude)

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        return self._engine.snapshots.subscribe(listener)

    @property
    def snapshot(self) -> Snapshot:
        return self._engine.snapshots.current

    def statistics(self) -> StreamStatistics | None:
        """The newest statistics of the connection that is shown."""
        return self._engine.sampling.newest_statistics

    def play_report(self) -> PlayReport | None:
        """How this game went so far; None before its first picture."""
        return self._record.report()

    def keep_picture(self, picture: Picture) -> None:
        """Keep this one beside the ticket, small, if the profile allows it."""
        if self._options.local_store is not None:
            self._options.local_store.keep_picture(lambda: png_of(picture, KEPT_PX))

    def problem(self) -> str | None:
        """The same as `problems`, one sentence a line; None if there is none."""
        found: Message | None = None
        for each in self.problems():
            found = (
                each if found is None else Message("{first}\n{second}", first=found, second=each)
            )
        return found

    def problems(self) -> tuple[Message, ...]:
        """Problems that are not fatal (no new pictures, sound, microphone or ticket), a sentence
        each."""
        store, shown = self._options.local_store, self.statistics()
        picture = None
        if shown is not None and shown.unsupported is not None:
            picture = Message(
                "The picture stands still: Rejoin cannot play {kind}.", kind=shown.unsupported
            )
        found = (
            picture,
            self._audio.problem,
            self.microphone.problem,
            store.problem if store else None,
        )
        return tuple(each if isinstance(each, Message) else Message(each) for each in found if each)

    # --- its life, on the stream thread -----------------------------------------------------------

    async def run(self) -> Ending:
        """Start a game, or rejoin the ticket's, and stay until its end."""
        store, ticket = self._options.local_store, self._options.ticket
        self._hardware.begin()
        if self._keeper is not None:
            self._keeper.begin()
        try:
            if self._relay.servers:  # the allocation is under way while the local store opens
                self._prepared_connections.prepare()
            if store is not None:
                await store.open()
            if ticket is None:
                self.post(StartRequested())
            else:
                self.post(RejoinRequested(ticket.rejoin_state_at(boot_id(), boot_s())))
            return await self._engine.run()
        finally:
            if self._reports is not None:
                await self._reports.close()
            if self._keeper is not None:
                await self._keeper.close()
            if store is not None:
                await store.close()
            if self._options.statistics_file is not None:
                self._options.statistics_file.close()
            await self._close()

    async def _close(self) -> None:
        """Free the remaining parts, all at the same time. One that hangs is abandoned after
        `CLOSE_S`."""
        blocking = [self._audio.close, self._hardware.close, self.microphone.close]
        if self._options.sound_file is not None:
            blocking.append(self._options.sound_file.close)
        if self._options.data_used is not None:
            blocking.append(self._options.data_used.close)
        outcomes = await asyncio.gather(
            _closed(self._client.aclose()),
            _closed(self._prepared_connections.close()),
            *(run_in_daemon_thread(each, name="close", within_s=CLOSE_S) for each in blocking),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, TimeoutError):
                _log.warning("something did not close in time and was abandoned")
            elif isinstance(outcome, Exception):
                _log.error("closing failed", exc_info=outcome)

    def _http(self) -> HttpSettings:
        """How the backend is called. Raises BadInputError."""
        profile, policy = self._profile, self._policy
        return HttpSettings(
            connect_timeout_s=policy.connect_timeout_s,
            # A rejoin has a running window; a start has time.
            first_connect_timeout_s=(
                policy.start_connect_timeout_s
                if self._options.ticket is None
                else policy.connect_timeout_s
            ),
            allow_insecure=profile.allow_insecure,
            public_only=profile.public_only,
            verify=profile.ssl_context(),
            around=None if self._options.hooks is None else self._options.hooks.around_http,
        )

    def _report_sender(self) -> ReportSender | None:
        """None where the player or the studio wants no reports, or the dialect has none."""
        profile, queue = self._profile, self._options.reports
        if queue is None or not profile.takes_reports or profile.dialect is not OURS:
            return None
        return ReportSender(
            queue,
            lambda: BackendClient(profile.backend_url, self._token, http=self._http()),
        )

    def _token_keeper(self) -> TokenKeeper | None:
        """None where one token serves the whole game, or none is needed."""
        options = self._options
        if options.token_source is None or not self._profile.dialect.needs_token:
            return None
        return TokenKeeper(options.token_source, self._use_token, lasts_s=options.token_lasts_s)

    def _use_token(self, token: str) -> None:
        self._token = token
        self._client.use_token(token)

    def _make_peer(self, number: ConnectionNumber, post: Callable[[Event], None]) -> Peer:
        hooks = self._options.hooks
        return Peer(
            number,
            PeerSettings(
                self._profile.network,
                self._policy,
                self._hardware,
                dtls_client=self._limits.dtls_client,
                max_kbps=self._limits.max_kbps or MAX_BITRATE_KBPS,
                filter_sockets=None if hooks is None else hooks.filter_sockets,
                on_frame=None if hooks is None else hooks.on_frame,
            ),
            MediaSinks(self.slot, self._audio, self.microphone),
            post=post,
            prepared=self._prepared_connections,
        )

    def _input_parts(self) -> InputParts:
        network = self._profile.network
        options = self._options
        return InputParts(
            ScriptSource(
                ScriptRules(
                    allows=network.allow_server,
                    allow_http=network.loopback_only or network.allow_private,
                    use_proxy=not network.loopback_only,
                )
            ),
            options.make_sandbox or _sandbox,
            limits=lambda: self._limits,
            on_wish=self._wishes.publish,
            on_message=options.on_application_message or (lambda data: None),
        )

    def _write_statistics(self, at: float, statistics: StreamStatistics) -> None:
        self._record.measured(at, statistics)
        if self._options.statistics_file is not None:
            self._options.statistics_file.write(at, statistics)
        if self._options.data_used is not None:
            self._options.data_used.count(at, statistics)


async def _closed(closing: Awaitable[None]) -> None:
    """Raises TimeoutError if it takes longer than `CLOSE_S`."""
    async with asyncio.timeout(CLOSE_S):
        await closing


def _sandbox(reports: Reports) -> InputModulePort:
    from rejoin.input_module.sandbox import Sandbox

    return Sandbox(reports)
