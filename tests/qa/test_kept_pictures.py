"""Pictures around a drop: written for the episode that they belong to, after the play."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from conftest import LogRecords
from helpers.h264_streams import x264
from rejoin.core.model import ConnectionNumber, Snapshot, Stage
from rejoin.core.trace import Step, Timeline
from rejoin.media.receive.access_units import AccessUnits
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.qa.kept_pictures import KeptPictures

EPISODE = Timeline(
    3, (Step("last media", 109.1), Step("lost", 110.0), Step("live again", 112.0)), "live"
)


class Game:
    """A game whose time is set by hand, with 5 frames a second."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slot = PictureSlot()
        self.kept = KeptPictures(lambda: self.slot, clock=lambda: self.now)
        stream = AccessUnits()
        self._units = [unit for each in x264(100, "keyint=5") if (unit := stream.add(each))]
        self._next = 0

    def play(self, seconds: float, number: int = 1) -> None:
        until = self.now + seconds
        while self.now < until - 1e-6:
            unit = self._units[self._next]
            time = self._next * 18_000
            frame = EncodedFrame(unit.data, time, unit.key, False, received_at=self.now)
            self.kept.on_frame(ConnectionNumber(number), frame)
            self.show(number)
            self._next += 1
            self.now += 0.2

    def show(self, number: int = 1) -> None:
        self.slot.put(
            Picture(ConnectionNumber(number), VideoFrame(64, 36, "yuv420p"), self.now, 0, self.now)
        )

    def stage(self, stage: Stage) -> None:
        self.kept.on_snapshot(Snapshot(stage=stage))


async def test_a_drop_has_a_clip_and_the_pictures_around_it(tmp_path: Path) -> None:
    game = Game()
    game.stage(Stage.LIVE)
    game.play(9.0)
    game.now = 110.0
    game.stage(Stage.LOST)
    game.now = 112.0
    game.play(0.4, 2)
    game.stage(Stage.LIVE)
    game.play(1.0, 2)
    game.kept.finish()
    game.stage(Stage.ENDING)
    game.play(1.0, 2)
    game.kept.finish()
    written = game.kept.write(tmp_path, "0000-a", [EPISODE])
    assert written[3].files == {
        "clip 3": "pictures/0000-a-drop-3.mp4",
        "before 3": "pictures/0000-a-drop-3-before.png",
        "after 3": "pictures/0000-a-drop-3-after.png",
    }
    assert written[3].drop_s == 9.1
    for name in ("before", "after"):
        assert (tmp_path / written[3].files[f"{name} 3"]).read_bytes().startswith(b"\x89PNG")
    clip = (tmp_path / written[3].files["clip 3"]).read_bytes()
    with av.open(io.BytesIO(clip), "r") as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert len(times) == 45 + 7
    assert times[45] == pytest.approx(12.0)


async def test_the_picture_after_a_drop_is_taken_a_second_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_logs: LogRecords
) -> None:
    monkeypatch.setattr("rejoin.qa.kept_pictures.SETTLED_S", 0.0)
    game = Game()
    for stage in (Stage.STARTING, Stage.LIVE, Stage.RECONNECTING, Stage.RECONNECTING, Stage.LIVE):
        game.now += 3
        game.show()
        game.stage(stage)
    await asyncio.sleep(0.01)
    game.kept.finish()
    episode = Timeline(1, (Step("lost", 109.0), Step("live again", 115.0)), "live")
    [written] = game.kept.write(tmp_path, "a", [episode]).values()
    assert sorted(written.files) == ["after 1", "before 1"]
    assert written.drop_s is None
    assert len(expected_logs.records) == 1


async def test_a_client_that_is_replaced_has_dropped(tmp_path: Path) -> None:
    game = Game()
    game.stage(Stage.LIVE)
    game.play(9.0)
    game.kept.client_replaced()
    game.slot = PictureSlot()
    game.stage(Stage.RECONNECTING)
    game.play(1.0)
    game.stage(Stage.LIVE)
    game.kept.finish()
    episode = Timeline(1, (Step("lost", 109.0), Step("live again", 110.0)), "live")
    [written] = game.kept.write(tmp_path, "a", [episode]).values()
    assert sorted(written.files) == ["after 1", "before 1", "clip 1"]
    other = Timeline(2, (Step("lost", 150.0),), "open")
    assert game.kept.write(tmp_path, "a", [other])[2].files == {}


async def test_what_cannot_be_written_is_left_out(
    tmp_path: Path, expected_logs: LogRecords
) -> None:
    game = Game()
    game.show()
    game.stage(Stage.LIVE)
    game.stage(Stage.LOST)
    game.kept.finish()
    (tmp_path / "pictures").touch()
    episode = Timeline(1, (Step("lost", 100.0),), "open")
    assert game.kept.write(tmp_path, "a", [episode])[1].files == {}
    messages = [record.getMessage() for record in expected_logs.records]
    assert messages[0].startswith("1 drops have no clip")
    assert messages[1].startswith("a-drop-1-before.png could not be written")
