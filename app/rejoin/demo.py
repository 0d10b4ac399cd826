"""The demonstration: a studio in a process of its own, the window, a drop, and back.

studio process   emulator + backend, ended when our end of its standard input closes
main thread      Qt: the window, and the director who waits for moments and takes pictures
stream thread    the player's client, as `rejoin play` runs it
"""

from __future__ import annotations

import enum
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, Snapshot, Stage
from rejoin.core.trace import Record, Timeline, of_fault, timelines, to_line
from rejoin.emulator.host.game import TICKS_PER_S, StripReading, read_strip
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.settings import Fault, FaultKind
from rejoin.errors import BadInputError, RejoinError, ServiceError
from rejoin.gui import application
from rejoin.gui.main_window import RejoinWindow, WindowOptions
from rejoin.media.video.hardware import chosen
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.media.video.scaling import Scaler
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.statistics_file import StatisticsFile
from rejoin.runtime.stream_thread import StreamThread
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio import Studio
from rejoin.studio_process import studio_process

PLAYER_PATIENCE_S = 8.0
ACT_PATIENCE_S = 30.0
"""How long the director waits for one moment, beyond what was asked for, before giving up."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the demo should do. `drops` 0 only plays; `out` None writes nothing."""

    headless: bool = False
    out: Path | None = None
    fault: FaultKind = FaultKind.SILENCE
    notice_s: float = 5.0
    connection_timeout_s: int = 120
    drop_after_s: float = 4.0
    drops: int = 1
    play_on_s: float = 1.5
    decoder: str = "software"
    """Or "auto", which tries hardware; `rtc.hardware.chosen`."""
    smooth: bool = False
    stats: Path | None = None
    """CSV file for the stream's numbers."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the game went on while nobody watched, read from the pictures themselves.

    `missing` are the ticks of the game between the last picture before and the first after.
    """

    before: int
    after: int
    away_s: float

    @property
    def missing(self) -> int:
        return self.after - self.before - 1

    @property
    def continued(self) -> bool:
        """The counter went on by as many ticks as time went by: no new game, no pause."""
        return abs(self.after - self.before - self.away_s * TICKS_PER_S) <= 0.25 * TICKS_PER_S


def run(options: Options, *, print_line: Callable[[str], None] = print) -> int:
    """Play the demonstration: 0 when it went as it should, 130 when it was interrupted.

    As it should: every drop ended with the same game live again; with `FaultKind.KILL` the game
    ended and the service's reason was shown. Raises RejoinError when it did not go so (a plain
    one, after the report), and for what cannot be started.
    """
    if options.headless:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application.check_display()
    if options.out is not None:
        _make_folder(options.out)
    with studio_process(
        notice_s=options.notice_s, connection_timeout_s=options.connection_timeout_s
    ) as there:
        return _play(options, there, print_line)


def _play(options: Options, there: Studio, print_line: Callable[[str], None]) -> int:
    records: queue.SimpleQueue[Record] = queue.SimpleQueue()
    control = BlockingEmulatorControl(there.control_url, there.control_token)
    slot = _WitnessSlot()
    profile = StudioProfile(there.backend_url, there.player_token, NetworkRules(loopback_only=True))
    numbers = None if options.stats is None else StatisticsFile(options.stats)
    player = Player(
        profile,
        PlayerOptions(
            slot=slot,
            on_record=records.put,
            statistics_file=numbers,
            hardware=chosen(options.decoder),
        ),
    )
    thread = StreamThread(player.run)
    drops = _Drops(options.fault, control, records.put)
    director = _Director(options, drops)
    thread.start()
    try:
        code = application.run(
            player,
            WindowOptions(
                title="Rejoin demo",
                reduced_motion=options.headless,
                smooth=options.smooth,
                drop_again=drops.drop,
            ),
            after_refresh=director.look,
        )
    finally:
        drops.wait()
        ending = thread.join(PLAYER_PATIENCE_S)
    if ending is None:
        raise ServiceError("The player's client did not end; this is a defect of Rejoin.")
    found = sorted(_drain(records), key=lambda record: record.at)
    episodes = timelines(found)
    proofs = slot.proofs()
    failure = director.failure or failure_of(options, episodes, proofs, ending)
    for line in _report(options, episodes, proofs, ending, director):
        print_line(line)
    if options.out is not None:
        _write(options.out, found, episodes, proofs, ending, options, failure)
    if code != 0:
        return code
    if failure is not None:
        raise RejoinError(failure)
    return 0


def failure_of(
    options: Options,
    episodes: tuple[Timeline, ...],
    proofs: tuple[Proof, ...],
    ending: Ending,
) -> str | None:
    """Why it did not go as it should, in one sentence, or None. Judged by what was recorded."""
    if options.drops == 0:
        return None
    if options.fault is FaultKind.KILL:
        told = ending.kind is EndingKind.GAME_ENDED and ending.reason is not None
        return None if told else "The game was killed, but the service's reason was not shown."
    # A drop that nobody caused (a machine that is too busy) is shown and proves nothing.
    caused = [episode for episode in episodes if episode.at("fault") is not None]
    if not caused:
        return "It was over before the connection dropped."
    back = [episode for episode in caused if episode.outcome in ("live", "healed")]
    if len(back) < options.drops:
        return f"Of {options.drops} drops, {len(back)} ended live."
    if len(proofs) < sum(episode.outcome == "live" for episode in back):
        return "The pictures do not tell whether the game went on."
    if not all(proof.continued for proof in proofs):
        return "It is not the game that was left: its state did not continue."
    return None


# --- the drop and the director --------------------------------------------------------------------


class _Drops:
    """Puts the fault in, away from the thread that asks for it."""

    def __init__(
        self,
        kind: FaultKind,
        control: BlockingEmulatorControl,
        record: Callable[[Record], None],
    ) -> None:
        self._kind = kind
        self._control = control
        self._record = record
        self._thread: threading.Thread | None = None
        self.failure: str | None = None

    def drop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self._inject, name="fault", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join(PLAYER_PATIENCE_S)

    def _inject(self) -> None:
        try:
            at = self._control.inject(Fault(self._kind))
        except RejoinError as error:
            self.failure = str(error)
        else:
            self._record(of_fault(self._kind.value, at))


class _Act(enum.Enum):
    """What the director waits for."""

    LIVE = "live"
    PLAYED = "played"
    LOST = "lost"
    BACK = "back"
    PLAYED_ON = "played on"
    CURTAIN = "curtain"


_LEFT = (EndingKind.CLOSED_FOR_NOW, EndingKind.ENDED_BY_PLAYER, EndingKind.CANCELLED)
"""Endings that are the player's own, or Ctrl+C's."""


class _Director:
    """Waits for the moments of the play, takes a picture of each, and ends a headless one.

    `look` is called on the GUI thread ten times a second and after each snapshot.
    """

    LOOK_AT_LOST_S = 0.8
    LOOK_AT_BACK_S = 0.4

    def __init__(self, options: Options, drops: _Drops) -> None:
        self._options = options
        self._drops = drops
        self._act = _Act.LIVE
        self._since_at = boot_s()
        self._moment_at: float | None = None
        self._dropped = 0
        self._episode = 0
        """The episode that the newest drop brings; those before it came by themselves."""
        self._looking = False
        self._unsaved: dict[str, Callable[[Path], bool]] = {}
        self.failure: str | None = None
        self.pictures: list[str] = []

    def look(self, window: RejoinWindow) -> None:
        if self._looking or self._act is _Act.CURTAIN:
            return
        self._looking = True  # taking a picture refreshes the window, which asks us to look
        try:
            self._look(window)
        finally:
            self._looking = False

    def _look(self, window: RejoinWindow) -> None:
        now, snapshot = boot_s(), window.snapshot
        failure = self._drops.failure
        patience_s = ACT_PATIENCE_S + self._options.notice_s + self._options.drop_after_s
        if failure is None and now - self._since_at > patience_s:
            failure = f"Nothing came of waiting for: {self._act.value}."
        if snapshot.ending is not None and snapshot.ending.kind in _LEFT:
            self._end(window)
            return
        if snapshot.stage is Stage.ENDED:
            self._save(window, "ended")
            if self._options.fault is not FaultKind.KILL or self._dropped == 0:
                failure = failure or "The game ended before it should."
        if failure is not None or snapshot.stage is Stage.ENDED:
            self.failure = self.failure or failure
            self._end(window)
            return
        self._play(window, snapshot, now)

    def _play(self, window: RejoinWindow, snapshot: Snapshot, now: float) -> None:
        live = snapshot.stage is Stage.LIVE
        match self._act:
            case _Act.LIVE:
                if live:
                    self._next(_Act.PLAYED, now)
            case _Act.PLAYED:
                if live and now - self._since_at >= self._options.drop_after_s:
                    self._save(window, "live")
                    if self._options.drops == 0:
                        self._end(window)
                        return
                    self._dropped += 1
                    self._episode = snapshot.episode + 1
                    self._drops.drop()
                    self._next(_Act.LOST, now)
            case _Act.LOST:
                if snapshot.stage in (Stage.LOST, Stage.RECONNECTING):
                    first_look = self._moment_at is None
                    waited = self._waited(now, self.LOOK_AT_LOST_S)
                    if first_look or waited:
                        self._take(window, "lost")  # to be saved when the way back is over
                    if waited:
                        self._next(_Act.BACK, now)
                elif live and snapshot.episode >= self._episode:
                    self._next(_Act.BACK, now)
            case _Act.BACK:
                if (
                    live
                    and snapshot.episode >= self._episode
                    and self._waited(now, self.LOOK_AT_BACK_S)
                ):
                    self._save(window, "back")
                    self._next(_Act.PLAYED_ON, now)
            case _Act.PLAYED_ON:
                if self._dropped < self._options.drops:
                    self._next(_Act.PLAYED, now)
                elif self._options.headless and now - self._since_at >= self._options.play_on_s:
                    self._end(window)
                elif not self._options.headless:
                    self._act = _Act.CURTAIN
            case _Act.CURTAIN:
                pass

    def _next(self, act: _Act, now: float) -> None:
        self._act, self._since_at, self._moment_at = act, now, None

    def _waited(self, now: float, for_s: float) -> bool:
        """Whether the moment, which is here, has lasted."""
        if self._moment_at is None:
            self._moment_at = now
        return now - self._moment_at >= for_s

    def _take(self, window: RejoinWindow, name: str) -> None:
        if self._options.out is not None:
            self._unsaved[f"{name}.png"] = window.take_picture()

    def _save(self, window: RejoinWindow, name: str) -> None:
        self._take(window, name)
        self._save_taken()

    def _save_taken(self) -> None:
        taken, self._unsaved = self._unsaved, {}
        for name, save in taken.items():
            assert self._options.out is not None
            if not save(self._options.out / name):
                self.failure = self.failure or f"The picture {name} could not be written."
            elif name not in self.pictures:
                self.pictures.append(name)

    def _end(self, window: RejoinWindow) -> None:
        self._save_taken()
        self._act = _Act.CURTAIN
        if self._options.headless:
            window.close()


class _WitnessSlot(PictureSlot):
    """The mailbox, remembering of each connection the first and the last picture that came."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[ConnectionNumber, Picture] = {}
        self._last: dict[ConnectionNumber, Picture] = {}

    def put(self, picture: Picture) -> None:
        self._first.setdefault(picture.connection, picture)
        self._last[picture.connection] = picture
        super().put(picture)

    def proofs(self) -> tuple[Proof, ...]:
        """One for each connection after the first whose pictures can be read."""
        order = sorted(self._first)
        found = []
        for old, new in pairwise(order):
            last, first = self._last[old], self._first[new]
            before, after = _read(last), _read(first)
            if before is not None and after is not None:
                away_s = first.decoded_at - last.decoded_at
                found.append(Proof(before.counter, after.counter, away_s))
        return tuple(found)


def _read(picture: Picture) -> StripReading | None:
    pixels = Scaler().pixels(picture, (picture.width, picture.height))
    if pixels is None:
        return None
    rows = np.frombuffer(pixels.data, np.uint8).reshape(pixels.height, pixels.stride)
    return read_strip(rows[:, : pixels.width * 4].reshape(pixels.height, pixels.width, 4))


# --- the report -----------------------------------------------------------------------------------


def _drain(records: queue.SimpleQueue[Record]) -> Iterator[Record]:
    while True:
        try:
            yield records.get_nowait()
        except queue.Empty:
            return


def _report(
    options: Options,
    episodes: tuple[Timeline, ...],
    proofs: tuple[Proof, ...],
    ending: Ending,
    director: _Director,
) -> Iterator[str]:
    yield (
        f"Emulated service, not AWS; it notices a silent client after {options.notice_s:g} s "
        f"(assumed), connection timeout {options.connection_timeout_s} s."
    )
    for episode in episodes:
        yield f"Drop {episode.episode}: {episode.outcome}"
        yield from episode.lines()
    for proof in proofs:
        yield (
            f"Game ticks {proof.before + 1}-{proof.after - 1} missing, "
            f"state continued: {'yes' if proof.continued else 'NO'}"
        )
    if director.pictures and options.out is not None:
        yield f"Pictures in {options.out}: {', '.join(director.pictures)}"
    yield f"Ended: {ending.kind.value}" + (f" ({ending.reason})" if ending.reason else "")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadInputError(
            f"The folder {folder} cannot be written to: {error.strerror}."
        ) from error


def _write(
    folder: Path,
    records: list[Record],
    episodes: tuple[Timeline, ...],
    proofs: tuple[Proof, ...],
    ending: Ending,
    options: Options,
    failure: str | None,
) -> None:
    report = {
        "service": "emulator",
        "notice_silent_client_s": options.notice_s,
        "notice_is_assumed": True,
        "connection_timeout_s": options.connection_timeout_s,
        "fault": options.fault.value,
        "episodes": [
            {
                "episode": episode.episode,
                "outcome": episode.outcome,
                "steps_ms": {
                    step.name: round((step.at - episode.began_at) * 1000, 1)
                    for step in episode.steps
                },
            }
            for episode in episodes
        ],
        "proofs": [
            asdict(proof) | {"missing": proof.missing, "continued": proof.continued}
            for proof in proofs
        ],
        "ending": {"kind": ending.kind.value, "reason": ending.reason},
        "failure": failure,
    }
    try:
        (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        trace = "".join(to_line(record) + "\n" for record in records)
        (folder / "trace.jsonl").write_text(trace, encoding="utf-8")
    except OSError as error:
        raise RejoinError(f"The report could not be written: {error.strerror}.") from error
