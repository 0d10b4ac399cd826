"""One player's client put together: the backend's client, the peers, the sound and the driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rejoin.clock import boot_id, boot_s
from rejoin.core.events import Event, RejoinRequested, StartRequested
from rejoin.core.model import ConnectionNumber, Ending, Policy, Snapshot
from rejoin.core.ticket import Ticket
from rejoin.core.trace import Record
from rejoin.input_protocol.controls import Controls
from rejoin.media.audio.output import AudioOutput, open_output
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.video.hardware import Hardware
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.peer import Peer
from rejoin.rtc.prepared_connection import PreparedConnections
from rejoin.rtc.statistics import PeerStatistics
from rejoin.runtime.driver import Driver
from rejoin.runtime.local_store import LocalStore
from rejoin.runtime.network import watch_for
from rejoin.runtime.statistics_file import StatisticsFile
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.volume_file import SoundFile
from rejoin.signaling.client_factory import make_client


class Player:
    """What a window needs of a game: pictures, snapshots, controls. Runs on the stream thread.

    Raises BadInputError at once for a profile that cannot be used.
    """

    def __init__(
        self,
        profile: StudioProfile,
        *,
        slot: PictureSlot | None = None,
        audio: AudioOutput | None = None,
        policy: Policy | None = None,
        on_record: Callable[[Record], None] | None = None,
        record_samples: bool = False,
        desk: LocalStore | None = None,
        ticket: Ticket | None = None,
        statistics_file: StatisticsFile | None = None,
        sound_file: SoundFile | None = None,
        hardware: Hardware | None = None,
        begin_dtls: bool = False,
    ) -> None:
        """`desk`: where a way back after a crash is kept; None keeps none. `ticket`: come back with
        it, in place of a new game. `sound_file`: where the volume is kept; None keeps it not.
        `hardware`: what is tried for decoding; None is software. `begin_dtls`: leave it not to the
        host who begins DTLS (ADR 0023)."""
        self.slot = slot or PictureSlot()
        self._profile = profile
        self._policy = policy or profile.policy()
        self._client = make_client(
            profile.dialect,
            profile.backend_url,
            profile.token,
            profile.choice,
            connect_timeout_s=self._policy.connect_timeout_s,
            allow_insecure=profile.allow_insecure,
            verify=profile.verify(),
        )
        self._audio = audio or open_output()
        self._hardware = hardware or Hardware()
        self._blanks = PreparedConnections()
        self._begin_dtls = begin_dtls
        self._sound_file = sound_file
        self._sound = SoundChoice() if sound_file is None else sound_file.read()
        self._audio.set_volume(self._sound.amplitude)
        self._desk = desk
        self._ticket = ticket
        self._driver = Driver(
            backend=self._client,
            make_peer=self._make_peer,
            slot=self.slot,
            policy=self._policy,
            watch=lambda post: watch_for(profile.network, post),
            on_record=on_record,
            record_samples=record_samples,
            tickets=desk,
            on_statistics=lambda at, numbers: (
                None if statistics_file is None else statistics_file.write(at, numbers)
            ),
        )
        self._statistics_file = statistics_file

    def post(self, event: Event) -> None:
        self._driver.post(event)

    def set_controls(self, controls: Controls) -> None:
        self._driver.set_controls(controls)

    def sound(self) -> SoundChoice:
        """How loud it is."""
        return self._sound

    def set_sound(self, choice: SoundChoice) -> None:
        """How loud it shall be, now and in the next run. Thread-safe, returns at once."""
        self._sound = choice
        self._audio.set_volume(choice.amplitude)
        if self._sound_file is not None:
            self._sound_file.keep(choice)

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        return self._driver.subscribe(listener)

    def problem(self) -> str | None:
        """One sentence about what is missing and not fatal: the sound, or a way back."""
        return self._audio.problem or (self._desk.problem if self._desk else None)

    def statistics(self) -> PeerStatistics | None:
        """The newest numbers of the connection that is shown."""
        return self._driver.statistics()

    @property
    def snapshot(self) -> Snapshot:
        return self._driver.snapshot

    async def run(self) -> Ending:
        """Start a game, or come back into one, and drive it to its end."""
        self._hardware.begin()
        try:
            if self._desk is not None:
                await self._desk.open()
            if self._ticket is None:
                self._driver.post(StartRequested())
            else:
                seat = self._ticket.state_at(boot_id(), boot_s())
                self._driver.post(RejoinRequested(seat))
            return await self._driver.run()
        finally:
            if self._desk is not None:
                await self._desk.close()
            await self._client.aclose()
            await asyncio.to_thread(self._audio.close)
            await asyncio.to_thread(self._hardware.close)
            if self._statistics_file is not None:
                self._statistics_file.close()
            if self._sound_file is not None:
                await asyncio.to_thread(self._sound_file.close)

    def _make_peer(self, number: ConnectionNumber, post: Callable[[Event], None]) -> Peer:
        return Peer(
            number,
            rules=self._profile.network,
            slot=self.slot,
            audio=self._audio,
            post=post,
            policy=self._policy,
            hardware=self._hardware,
            blanks=self._blanks,
            begin_dtls=self._begin_dtls,
        )
