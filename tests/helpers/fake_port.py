"""A `StreamPort` that a test controls: what the window reads and calls, without a stream."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache

import numpy as np
from av.video.frame import VideoFrame

from rejoin.core.events import Event
from rejoin.core.model import ConnectionNumber, Snapshot
from rejoin.core.play_report import PlayReport
from rejoin.input_events.events import (
    Button,
    InputEvent,
    PointerButton,
    PointerMove,
    View,
    Wheel,
)
from rejoin.input_events.held import Held
from rejoin.input_events.wishes import PointerLockWish, Wish
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.runtime.microphone import no_microphone
from rejoin.runtime.stream_limits import StreamLimits


class FakeClock:
    """Boot time that a test sets."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakePort:
    """Records what the window calls, and returns what the test sets.

    `locks_pointer`: like `resources/web/protocol.js`, its input module wants the mouse at a click.
    """

    def __init__(self, *, locks_pointer: bool = True) -> None:
        self.slot = PictureSlot()
        self.locks_pointer = locks_pointer
        self.events: list[Event] = []
        self.inputs: list[InputEvent] = []
        """Without views."""
        self.views: list[View] = []
        self.held: list[Held] = []
        """What is held after each of `inputs`."""
        self.wish_listeners: list[Callable[[Wish], None]] = []
        self.choices: list[SoundChoice] = []
        self.silenced: list[bool] = []
        self.limits: list[StreamLimits] = []
        self.listeners: list[Callable[[Snapshot], None]] = []
        self.problem_text: str | None = None
        self.microphone = no_microphone()
        self.kept: list[Picture] = []
        self.current_statistics: StreamStatistics | None = None
        self.current_play: PlayReport | None = None

    def post(self, event: Event) -> None:
        self.events.append(event)

    def send_input(self, event: InputEvent) -> None:
        if isinstance(event, View):
            self.views.append(event)
            return
        self.inputs.append(event)
        self.held.append((self.held[-1] if self.held else Held()).after(event))
        left = isinstance(event, PointerButton) and event.button is Button.LEFT and event.pressed
        if left and self.locks_pointer and not self.views[-1].captured:
            self.wish(PointerLockWish(True))

    def subscribe_wishes(self, listener: Callable[[Wish], None]) -> Callable[[], None]:
        self.wish_listeners.append(listener)
        return lambda: self.wish_listeners.remove(listener)

    def wish(self, wish: Wish) -> None:
        """The input module wishes something, on a thread that is not Qt's."""
        on_another_thread(lambda: [listener(wish) for listener in tuple(self.wish_listeners)])

    @property
    def codes(self) -> frozenset[str]:
        """The keys that the game believes to be held."""
        return self.held[-1].codes if self.held else frozenset()

    @property
    def travel(self) -> tuple[float, float]:
        """How far the pointer has moved in all."""
        moves = [event for event in self.inputs if isinstance(event, PointerMove)]
        return sum(move.dx for move in moves), sum(move.dy for move in moves)

    @property
    def wheel(self) -> int:
        """How far the wheel was turned away from the player in all."""
        return sum(event.turn_y for event in self.inputs if isinstance(event, Wheel))

    def sound(self) -> SoundChoice:
        return self.choices[-1] if self.choices else SoundChoice()

    def set_sound(self, choice: SoundChoice) -> None:
        self.choices.append(choice)

    def silence(self, silent: bool) -> None:
        self.silenced.append(silent)

    def use_limits(self, limits: StreamLimits) -> None:
        self.limits.append(limits)

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def statistics(self) -> StreamStatistics | None:
        return self.current_statistics

    def play_report(self) -> PlayReport | None:
        return self.current_play

    def keep_picture(self, picture: Picture) -> None:
        self.kept.append(picture)

    def problem(self) -> str | None:
        return self.problem_text

    def publish(self, snapshot: Snapshot) -> None:
        """Call the listeners with a snapshot from a thread that is not Qt's, as the engine does."""
        on_another_thread(lambda: [listener(snapshot) for listener in tuple(self.listeners)])

    def show(self, picture: Picture) -> None:
        """Put a picture into the slot from a thread that is not Qt's, as the decoder does."""
        on_another_thread(lambda: self.slot.put(picture))


def on_another_thread(work: Callable[[], object]) -> None:
    """Run it on another thread and wait until it has ended."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def picture(
    width: int,
    height: int,
    *,
    decoded_at: float = 1000.0,
    bgr: tuple[int, int, int] | None = None,
    on_failed: Callable[[], None] = lambda: None,
) -> Picture:
    """A picture of one colour, or a landscape; in BGRA, so that its colours are exact."""
    pixels = np.empty((height, width, 4), dtype=np.uint8)
    pixels[:] = _landscape(width, height) if bgr is None else np.array((*bgr, 255), dtype=np.uint8)
    return Picture(
        connection=ConnectionNumber(1),
        frame=VideoFrame.from_ndarray(pixels, format="bgra"),
        decoded_at=decoded_at,
        received_at=decoded_at,
        rtp_timestamp=0,
        on_failed=on_failed,
    )


@cache
def _landscape(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A game-like scene with bright and dark parts, so that a person can judge contrast."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = x / width, y / height
    sky = np.stack((235 - 120 * v, 170 - 60 * v, 90 + 120 * v), axis=-1)
    sun = np.exp(-(((u - 0.72) * width / height) ** 2 + (v - 0.3) ** 2) * 60)[..., None]
    sky = sky + sun * np.array((120, 200, 255), dtype=np.float32)
    far = v > 0.58 + 0.06 * np.sin(u * 9) + 0.02 * np.sin(u * 31)
    near = v > 0.74 + 0.05 * np.sin(u * 5 + 2)
    tiles = ((x // (width / 24)).astype(int) + (y // (width / 24)).astype(int)) % 2 == 0
    made = np.where(far[..., None], np.array((96, 84, 52), dtype=np.float32), sky)
    grass = np.where(
        tiles[..., None],
        np.array((58, 104, 54), dtype=np.float32),
        np.array((50, 90, 46), dtype=np.float32),
    )
    made = np.where(near[..., None], grass, made)
    alpha = np.full((height, width, 1), 255, dtype=np.float32)
    pixels = np.concatenate((made, alpha), axis=-1)
    return np.asarray(np.clip(pixels, 0, 255), dtype=np.uint8)
