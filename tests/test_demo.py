"""The demonstration without a stream: what it proves, how it judges, what the director does."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from rejoin import demo
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, Snapshot, Stage
from rejoin.core.trace import Record, Step, Timeline, from_line, of_fault
from rejoin.demo import Options, Proof, failure_of
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.strip import strip_bits
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.errors import BadInputError, RejoinError, ServiceError
from rejoin.gui.main_window import RejoinWindow
from rejoin.media.video.picture import Picture
from rejoin.service_model.status import StatusReason

CLOSED = Ending(EndingKind.CLOSED_FOR_NOW)
KILLED = Ending(EndingKind.GAME_ENDED, StatusReason("internalError"))
GOOD = Proof(before=100, after=160, away_s=1.0)
OTHER_GAME = Proof(before=100, after=12, away_s=1.0)


def episode(outcome: str, *, caused: bool = True, number: int = 1) -> Timeline:
    steps = (Step("fault" if caused else "last media", 10.0), Step("lost", 11.0))
    return Timeline(number, steps, outcome)


# --- what is proved -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "away_s", "continued"),
    [
        (160, 1.0, True),
        (172, 1.0, True),
        (160, 0.5, False),
        (101, 1.0, False),
        (12, 1.0, False),
    ],
)
def test_the_counter_must_fit_the_time(after: int, away_s: float, continued: bool) -> None:
    proof = Proof(before=100, after=after, away_s=away_s)
    assert proof.continued is continued
    assert proof.missing == after - 101


@pytest.mark.parametrize(
    ("options", "episodes", "proofs", "ending", "word"),
    [
        (Options(), (episode("live"),), (GOOD,), CLOSED, None),
        (Options(), (episode("healed"),), (), CLOSED, None),
        (Options(drops=0), (), (), CLOSED, None),
        (Options(), (), (), CLOSED, "before the connection dropped"),
        (Options(), (episode("healed", caused=False),), (), CLOSED, "before the connection"),
        (Options(), (episode("ended"),), (), KILLED, "0 ended live"),
        (Options(drops=2), (episode("live"),), (GOOD,), CLOSED, "Of 2 drops, 1 ended live"),
        (Options(), (episode("live"),), (OTHER_GAME,), CLOSED, "not the game that was left"),
        (Options(), (episode("live"),), (), CLOSED, "pictures do not tell"),
        (Options(fault=FaultKind.KILL), (episode("ended"),), (), KILLED, None),
        (Options(fault=FaultKind.KILL), (), (), KILLED, None),
        (Options(fault=FaultKind.KILL), (episode("open"),), (), CLOSED, "reason was not shown"),
        (
            Options(fault=FaultKind.KILL),
            (episode("ended"),),
            (),
            Ending(EndingKind.UNCONFIRMED),
            "reason was not shown",
        ),
    ],
)
def test_the_verdict(
    options: Options,
    episodes: tuple[Timeline, ...],
    proofs: tuple[Proof, ...],
    ending: Ending,
    word: str | None,
) -> None:
    failure = failure_of(options, episodes, proofs, ending)
    if word is None:
        assert failure is None
    else:
        assert failure is not None
        assert word in failure


def shown(connection: int, tick: int, at: float) -> Picture:
    """A picture of which only the strip is painted."""
    game = Game(0.0)
    game.advance(tick / 60 + 1e-3)
    bits = strip_bits(game.counter, game.chain)
    picture = np.zeros((720, 1280, 4), np.uint8)
    picture[:32] = np.kron(bits, np.full((16, 40), 206, np.uint8))[:, :, None]
    frame = VideoFrame.from_ndarray(picture, format="bgra")
    return Picture(ConnectionNumber(connection), frame, at, 0, at)


def test_the_first_and_the_last_picture_of_each_connection_are_the_proof() -> None:
    slot = demo._WitnessSlot()
    for connection, tick, at in ((1, 60, 1.0), (1, 90, 1.5), (3, 150, 2.5), (3, 170, 2.9)):
        slot.put(shown(connection, tick, at))
    (proof,) = slot.proofs()
    assert proof == Proof(before=90, after=150, away_s=1.0)
    assert proof.continued


# --- the director ---------------------------------------------------------------------------------


class FakeControl(BlockingEmulatorControl):
    """Takes faults and keeps them."""

    def __init__(self, error: RejoinError | None = None) -> None:
        super().__init__("http://127.0.0.1:9", "token")
        self.faults: list[Fault] = []
        self._error = error

    def inject(self, fault: Fault, session: str | None = None) -> float:
        self.faults.append(fault)
        if self._error is not None:
            raise self._error
        return 5.0


class FakeWindow:
    """A window that only says what it shows; its pictures are the names of them."""

    def __init__(self, *, writable: bool = True) -> None:
        self.snapshot = Snapshot(Stage.STARTING)
        self.closed = False
        self._writable = writable

    def take_picture(self) -> Callable[[Path], bool]:
        shown = self.snapshot.stage.value

        def save(file: Path) -> bool:
            if self._writable:
                file.write_text(shown, encoding="utf-8")
            return self._writable

        return save

    def close(self) -> None:
        self.closed = True


class Play:
    """A director at work on a clock that the test moves."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        options: Options,
        *,
        error: RejoinError | None = None,
        writable: bool = True,
    ) -> None:
        self.now = 1000.0
        monkeypatch.setattr(demo, "boot_s", lambda: self.now)
        self.records: list[Record] = []
        self.control = FakeControl(error)
        self.drops = demo._Drops(options.fault, self.control, self.records.append)
        self.director = demo._Director(options, self.drops)
        self._window = FakeWindow(writable=writable)
        self.window: RejoinWindow = self._window  # type: ignore[assignment]

    def closed(self) -> bool:
        return self._window.closed

    def shows(
        self, stage: Stage, for_s: float = 0.0, episode: int = 0, ending: Ending | None = None
    ) -> None:
        """The window shows this for so long, and the director looks ten times a second."""
        self._window.snapshot = Snapshot(stage, episode=episode, ending=ending)
        until = self.now + for_s
        while True:
            self.director.look(self.window)
            self.drops.wait()
            if self.now >= until:
                return
            self.now += 0.1


def test_the_whole_play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play = Play(monkeypatch, Options(headless=True, out=tmp_path, drop_after_s=2.0))
    play.shows(Stage.STARTING, 3.0)
    play.shows(Stage.LIVE, 1.0)
    assert not play.control.faults, "it is let play for a while"
    play.shows(Stage.LIVE, 1.5)
    assert play.control.faults == [Fault(FaultKind.SILENCE)]
    assert play.records == [of_fault("silence", 5.0)]
    play.shows(Stage.LOST, 0.5, episode=1)
    play.shows(Stage.RECONNECTING, 0.5, episode=1)
    assert play.director.pictures == ["live.png"], "compressing would hold the way back up"
    play.shows(Stage.LIVE, 1.0, episode=1)
    assert not play.closed(), "it plays on for a moment"
    play.shows(Stage.LIVE, 1.5, episode=1)
    assert play.closed()
    assert play.director.failure is None
    assert play.director.pictures == ["live.png", "lost.png", "back.png"]
    told = {file.stem: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    assert told == {"live": "live", "lost": "reconnecting", "back": "live"}


def test_a_drop_that_nobody_caused_is_not_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play = Play(monkeypatch, Options(headless=True, out=tmp_path, drop_after_s=2.0))
    play.shows(Stage.LIVE, 1.0)
    play.shows(Stage.LOST, 2.0, episode=1)
    assert not play.control.faults, "nothing is dropped while it is not live"
    assert not play.director.pictures
    play.shows(Stage.LIVE, 0.2, episode=1)
    assert len(play.control.faults) == 1
    play.shows(Stage.LIVE, 1.0, episode=1)
    assert play.director.pictures == ["live.png"], "it is not back before it was gone"
    play.shows(Stage.LOST, 1.0, episode=2)
    play.shows(Stage.LIVE, 0.5, episode=2)
    assert play.director.pictures == ["live.png", "lost.png", "back.png"]


def test_as_many_drops_as_asked_and_then_a_window_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, Options(drops=2, drop_after_s=1.0))
    play.shows(Stage.LIVE, 1.2)
    for number in (1, 2):
        play.shows(Stage.LOST, 1.0, episode=number)
        play.shows(Stage.LIVE, 3.0, episode=number)
    play.shows(Stage.LIVE, 60.0, episode=2)
    assert len(play.control.faults) == 2
    assert not play.closed(), "it is the player's"
    assert play.director.failure is None


def test_a_killed_game_has_its_end_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = Options(headless=True, out=tmp_path, fault=FaultKind.KILL, drop_after_s=1.0)
    play = Play(monkeypatch, options)
    play.shows(Stage.LIVE, 1.2)
    play.shows(Stage.ENDED)
    assert play.closed()
    assert play.director.failure is None
    assert "ended.png" in play.director.pictures


def test_a_game_that_ends_by_itself_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for fault in FaultKind:
        play = Play(monkeypatch, Options(headless=True, fault=fault))
        play.shows(Stage.LIVE, 1.0)
        play.shows(Stage.ENDED)
        assert play.closed()
        assert play.director.failure == "The game ended before it should."


def test_a_window_that_the_player_closed_is_no_ended_game(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play = Play(monkeypatch, Options(out=tmp_path))
    play.shows(Stage.LIVE, 1.0)
    play.shows(Stage.ENDED, ending=CLOSED)
    assert play.director.failure is None
    assert not play.director.pictures


def test_waiting_for_nothing_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, Options(headless=True))
    play.shows(Stage.STARTING, 60.0)
    assert play.closed()
    assert play.director.failure == "Nothing came of waiting for: live."


def test_a_fault_that_could_not_be_put_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ServiceError("The emulator's control API cannot be reached.")
    play = Play(monkeypatch, Options(headless=True, drop_after_s=1.0), error=error)
    play.shows(Stage.LIVE, 1.5)
    assert play.closed()
    assert play.director.failure == str(error)
    assert not play.records


def test_a_picture_that_could_not_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = Options(headless=True, out=tmp_path, drops=0, drop_after_s=1.0)
    play = Play(monkeypatch, options, writable=False)
    play.shows(Stage.LIVE, 1.5)
    assert play.closed()
    assert play.director.failure == "The picture live.png could not be written."


# --- folder and report ----------------------------------------------------------------------------


def test_the_folder_is_made_and_left_as_it_was(tmp_path: Path) -> None:
    demo._make_folder(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="cannot be written to"):
        demo._make_folder(tmp_path / "file" / "folder")


def test_report_and_trace_are_read_back(tmp_path: Path) -> None:
    records = [of_fault("silence", 5.0)]
    demo._write(tmp_path, records, (episode("live"),), (GOOD,), CLOSED, Options(), "It failed.")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["episodes"] == [
        {"episode": 1, "outcome": "live", "steps_ms": {"fault": 0.0, "lost": 1000.0}}
    ]
    assert report["proofs"][0] == {
        "before": 100,
        "after": 160,
        "away_s": 1.0,
        "missing": 59,
        "continued": True,
    }
    assert report["failure"] == "It failed."
    (line,) = (tmp_path / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    assert from_line(line) == records[0]


def test_a_report_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(RejoinError, match=r"The report could not be written: .*\.$"):
        demo._write(tmp_path, [], (), (), CLOSED, Options(), None)


def test_what_was_recorded_is_drained() -> None:
    records: queue.SimpleQueue[Record] = queue.SimpleQueue()
    for at in (1.0, 2.0):
        records.put(of_fault("silence", at))
    assert [record.at for record in demo._drain(records)] == [1.0, 2.0]
    assert records.empty()
