"""The thread: from the devices through the gate, and back for vibration."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.virtual_pads import A, VirtualPad
from helpers.waiting import wait_until
from rejoin.gamepads.changes import AxisMoved, ButtonChanged, Change, Plugged, Unplugged, Vibration
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.in_hand import NoPad, PadInHand, PadNews
from rejoin.gamepads.navigation import MENU, REST_S, PadPress
from rejoin.gamepads.pad_mouse import PadButton, PadIsMouse, PadMoved
from rejoin.gamepads.reader import Gamepads
from rejoin.gamepads.sdl_library import GamepadsUnavailableError
from rejoin.gamepads.talk_button import MISC
from rejoin.input_events.events import Button, PadState
from rejoin.input_events.wishes import CursorWish, VibrationWish


class FakeSource:
    """Devices of a test."""

    def __init__(self) -> None:
        self.waiting: deque[Change] = deque()
        self.vibrations: list[tuple[int, Vibration]] = []
        self.closed = False
        self.made_on: threading.Thread | None = None

    def __call__(self, mappings: Path | None) -> FakeSource:
        self.made_on = threading.current_thread()
        return self

    def poll(self) -> list[Change]:
        found = []
        while self.waiting:
            found.append(self.waiting.popleft())
        return found

    def vibrate(self, instance: int, vibration: Vibration) -> None:
        self.vibrations.append((instance, vibration))

    def close(self) -> None:
        self.closed = True


class Player:
    """Gamepads with a fake source, and what they sent."""

    def __init__(self, choices: PadChoices | None = None) -> None:
        self.source = FakeSource()
        self.pads = Gamepads(choices or PadChoices(), make_source=self.source)
        self.sent: list[PadState] = []
        self.pads.connect(self.sent.append)
        self.pads.focus(True)

    def does(self, *changes: Change) -> None:
        self.source.waiting.extend(changes)

    def until_sent(self, count: int) -> list[PadState]:
        wait_until(lambda: len(self.sent) >= count)
        return self.sent


@pytest.fixture
def player() -> Iterator[Player]:
    made = Player()
    yield made
    made.pads.stop()


PLUGGED, IN_HAND = Plugged(5, "Pad", True), PadInHand()
DOWN, UP = ButtonChanged(5, 0, True), ButtonChanged(5, 0, False)


def test_nothing_is_read_before_the_game_takes_input(player: Player) -> None:
    assert player.source.made_on is None
    player.pads.close()
    player.pads.stop()
    assert player.source.made_on is None


def test_what_a_pad_does_is_sent_from_a_thread_of_its_own(player: Player) -> None:
    player.does(PLUGGED, DOWN, UP)
    player.pads.open()
    sent = player.until_sent(3)
    assert [pad.buttons[0] for pad in sent] == [0.0, 1.0, 0.0]
    assert player.source.made_on is not threading.main_thread()
    player.pads.stop()
    assert player.source.closed


def test_while_input_is_closed_nothing_is_held_and_it_opens_again(player: Player) -> None:
    player.does(PLUGGED, DOWN)
    player.pads.open()
    player.until_sent(2)
    player.pads.close()
    assert player.sent[-1].buttons[0] == 0.0
    player.pads.open()
    player.does(UP, DOWN)
    assert player.until_sent(4)[-1].buttons[0] == 1.0


def test_a_window_that_is_not_active_is_sent_nothing(player: Player) -> None:
    player.does(PLUGGED, DOWN)
    player.pads.open()
    player.until_sent(2)
    player.pads.focus(False)
    assert player.until_sent(3)[-1].buttons[0] == 0.0
    player.pads.focus(True)
    player.does(UP, DOWN)
    assert player.until_sent(4)[-1].buttons[0] == 1.0


def test_after_a_release_of_everything_a_button_counts_when_it_is_pressed_again(
    player: Player,
) -> None:
    player.does(PLUGGED, DOWN)
    player.pads.open()
    player.until_sent(2)
    player.pads.released()
    player.does(UP, DOWN)
    assert [pad.buttons[0] for pad in player.until_sent(3)] == [0.0, 1.0, 1.0]


def test_a_wish_makes_the_right_pad_vibrate_until_input_closes(player: Player) -> None:
    player.does(Plugged(3, "other"), PLUGGED)
    player.pads.open()
    player.until_sent(2)
    player.pads.on_wish(VibrationWish(1, 1.0, 0.25, 0.5))
    player.pads.on_wish(VibrationWish(3, 1.0, 0.25, 0.5))
    player.pads.on_wish(CursorWish("none"))
    wait_until(lambda: len(player.source.vibrations) == 1)
    assert player.source.vibrations == [(5, Vibration(1.0, 0.25, 0.5))]
    player.pads.close()
    player.pads.on_wish(VibrationWish(1, 1.0, 0.25, 0.5))
    wait_until(lambda: len(player.source.vibrations) == 3)
    still = Vibration(0.0, 0.0, 0.0)
    assert player.source.vibrations[1:] == [(3, still), (5, still)]


def test_a_player_who_wants_no_vibration_gets_none() -> None:
    player = Player(PadChoices(rumble=False))
    try:
        player.does(PLUGGED)
        player.pads.open()
        player.until_sent(1)
        player.pads.on_wish(VibrationWish(0, 1.0, 1.0, 1.0))
        player.does(DOWN)
        player.until_sent(2)
        assert player.source.vibrations == []
    finally:
        player.pads.stop()


@pytest.mark.usefixtures("expected_logs")
def test_without_sdl_the_game_is_played_without_pads() -> None:
    def fails(mappings: Path | None) -> FakeSource:
        raise GamepadsUnavailableError("Gamepads cannot be read: odd.")

    pads = Gamepads(PadChoices(), make_source=fails)
    pads.open()
    wait_until(lambda: pads.problem is not None)
    assert pads.problem == "Gamepads cannot be read: odd."
    pads.close()
    pads.stop()


@pytest.mark.usefixtures("expected_logs")
def test_a_source_that_fails_ends_the_reading_with_a_sentence(player: Player) -> None:
    player.does("nonsense")  # type: ignore[arg-type]
    player.pads.open()
    wait_until(lambda: player.source.closed)
    assert player.pads.problem == "Gamepads are no longer read. This is a bug in Rejoin."


def test_a_real_pad_is_read_by_sdl() -> None:
    sent: list[PadState] = []
    pads = Gamepads(PadChoices())
    pads.connect(sent.append)
    pads.focus(True)
    pads.open()
    try:
        ready = threading.Event()
        wait_until(lambda: ready.is_set() or _sdl_is_in_use(ready))
        pad = VirtualPad()

        def mine() -> list[PadState]:
            return [each for each in list(sent) if each.name == "Virtual pad"]

        wait_until(lambda: bool(mine()))
        pad.press(A)
        wait_until(lambda: mine()[-1].buttons[0] == 1.0)
        pad.unplug()
        wait_until(lambda: not mine()[-1].connected)
    finally:
        pads.stop()


def _sdl_is_in_use(ready: threading.Event) -> bool:
    from rejoin.gamepads import sdl_library

    library = sdl_library.load()
    if library.SDL_WasInit(sdl_library.INIT_GAMECONTROLLER):
        ready.set()
    return ready.is_set()


def test_sdl_is_not_loaded_by_the_window() -> None:
    """It is no part of the start: the first input of the game loads it."""
    program = """if True:
        import sys
        import rejoin.cli.play, rejoin.gui.application, rejoin.runtime.player
        from rejoin.gamepads.choices import PadChoices
        from rejoin.gamepads.reader import Gamepads
        pads = Gamepads(PadChoices())
        pads.focus(True)
        pads.stop()
        loaded = {name for name in sys.modules if "sdl" in name}
        print(*sorted(loaded))
        print(*(line for line in open("/proc/self/maps") if "SDL" in line))
    """
    if sys.platform != "linux":
        program = program.replace('open("/proc/self/maps")', "()")
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["rejoin.gamepads.sdl_library"]


def test_an_unplugged_pad_is_said_to_be_gone(player: Player) -> None:
    player.does(PLUGGED, Unplugged(5))
    player.pads.open()
    assert [pad.connected for pad in player.until_sent(2)] == [True, False]


# --- for Rejoin's own cards ---------------------------------------------------------------------


def test_who_listens_hears_presses_while_the_game_takes_no_input(player: Player) -> None:
    heard: list[PadNews] = []
    player.pads.listen(heard.append)
    player.does(PLUGGED)
    wait_until(lambda: player.sent != [])
    player.does(DOWN)
    wait_until(lambda: heard == [replace(IN_HAND, pressed=False), IN_HAND, PadPress.PRESS])
    player.does(UP)
    player.pads.open()
    wait_until(lambda: not any(player.sent[-1].buttons))
    count = len(player.sent)
    player.does(DOWN)
    player.until_sent(count + 1)
    assert heard[3:] in ([], [IN_HAND]), "that one was for the game"
    player.pads.listen(None)


def test_a_stick_that_was_tilted_for_the_game_presses_nothing_on_a_card(player: Player) -> None:
    """While pads play, cards hear of no movement, and afterwards of the last one."""
    heard: list[PadNews] = []
    player.pads.listen(heard.append)
    player.pads.open()
    player.does(PLUGGED)
    player.until_sent(1)
    player.does(AxisMoved(5, 0, 32767))
    wait_until(lambda: player.sent[-1].axes[0] == 1.0)
    player.pads.close()
    time.sleep(3 * REST_S)
    player.does(AxisMoved(5, 0, 32000))
    wait_until(lambda: not player.source.waiting)
    time.sleep(0.1)
    assert not _presses(heard), "it has not been let go"
    player.does(AxisMoved(5, 0, 0))
    wait_until(lambda: not player.source.waiting)
    time.sleep(3 * REST_S)
    player.does(AxisMoved(5, 0, 32767))
    wait_until(lambda: _presses(heard) == [PadPress.RIGHT])


def _presses(heard: list[PadNews]) -> list[PadPress]:
    """Those on cards; the reader also says which pad is in hand."""
    return [each for each in heard if isinstance(each, PadPress)]


def test_choices_that_change_count_at_once(player: Player) -> None:
    player.pads.open()
    player.does(PLUGGED, DOWN)
    player.until_sent(2)
    assert player.sent[-1].buttons[:2] == (1.0, 0.0)
    player.pads.choose(PadChoices(swap_ab=True))
    wait_until(lambda: player.sent[-1].buttons[:2] == (0.0, 1.0))
    player.pads.choose(PadChoices(background=True))
    wait_until(lambda: player.sent[-1].buttons[:2] == (1.0, 0.0))
    player.pads.focus(False)
    assert player.pads.choices.background
    assert any(player.sent[-1].buttons), "they reach the game in the background now"


def test_switched_off_the_game_sees_none_and_switched_on_it_sees_them_again() -> None:
    player = Player(PadChoices(enabled=False))
    try:
        player.pads.open()
        assert not player.pads.reading
        player.pads.choose(PadChoices())
        player.does(PLUGGED)
        player.until_sent(1)
        assert player.sent[-1].connected
        player.pads.choose(PadChoices(enabled=False))
        wait_until(lambda: not player.sent[-1].connected)
        assert not player.pads.reading
        assert player.source.closed
    finally:
        player.pads.stop()


def test_stopped_for_good_nothing_begins_again(player: Player) -> None:
    player.pads.open()
    player.pads.stop()
    player.pads.listen(lambda press: None)
    player.pads.choose(PadChoices(background=True))
    assert not player.pads.reading


def test_a_pad_that_is_a_mouse_is_at_rest_for_the_game() -> None:
    player = Player(PadChoices(mouse=True))
    heard: list[PadNews] = []
    try:
        player.pads.listen(heard.append)
        player.pads.open()
        player.does(PLUGGED)
        player.until_sent(1)
        player.does(ButtonChanged(5, 6, True))
        wait_until(lambda: any(isinstance(each, PadIsMouse) for each in heard))
        wait_until(lambda: not any(player.sent[-1].buttons))
        player.does(ButtonChanged(5, 6, False), AxisMoved(5, 0, 32767))
        wait_until(lambda: any(isinstance(each, PadMoved) for each in heard))
        assert player.sent[-1].axes == (0.0,) * 4
        assert max(each.buttons[MENU] for each in player.sent) == 1.0, "until it was a mouse"
    finally:
        player.pads.stop()


def test_the_microphones_button_is_heard_while_pads_pass_and_always_let_go() -> None:
    source, talks = FakeSource(), list[bool]()
    pads = Gamepads(PadChoices(), make_source=source, on_talk=talks.append)
    pads.connect(lambda state: None)
    pads.focus(True)
    try:
        source.waiting.extend((PLUGGED, ButtonChanged(5, MISC, True)))
        pads.open()
        wait_until(lambda: talks == [True])
        pads.close()  # the connection is lost while it is held
        source.waiting.extend((ButtonChanged(5, MISC, False), ButtonChanged(5, MISC, True)))
        wait_until(lambda: not source.waiting and talks == [True, False])
    finally:
        pads.stop()
    assert talks == [True, False]


def test_the_microphones_button_is_let_go_when_gamepads_are_switched_off() -> None:
    source, talks = FakeSource(), list[bool]()
    pads = Gamepads(PadChoices(), make_source=source, on_talk=talks.append)
    pads.connect(lambda state: None)
    pads.focus(True)
    try:
        source.waiting.extend((PLUGGED, ButtonChanged(5, MISC, True)))
        pads.open()
        wait_until(lambda: talks == [True])
        pads.choose(PadChoices(enabled=False))
        wait_until(lambda: talks == [True, False])
    finally:
        pads.stop()
    assert talks == [True, False]


def test_switched_off_a_pad_that_is_a_mouse_lets_go_of_its_buttons() -> None:
    player = Player(PadChoices(mouse=True))
    heard: list[PadNews] = []
    try:
        player.pads.listen(heard.append)
        player.pads.open()
        player.does(PLUGGED, ButtonChanged(5, 6, True))
        wait_until(lambda: any(isinstance(each, PadIsMouse) for each in heard))
        player.does(ButtonChanged(5, 6, False), DOWN)
        wait_until(lambda: PadButton(Button.LEFT, True) in heard)
        player.pads.choose(PadChoices(mouse=True, enabled=False))
        wait_until(lambda: heard[-2:] == [PadButton(Button.LEFT, False), NoPad()])
        assert not player.sent[-1].connected
    finally:
        player.pads.stop()


@pytest.mark.usefixtures("expected_logs")
def test_after_a_failure_the_game_keeps_nothing_of_what_pads_held() -> None:
    player = Player(PadChoices(mouse=True))
    heard: list[PadNews] = []
    try:
        player.pads.listen(heard.append)
        player.pads.open()
        player.does(PLUGGED, Plugged(6, "other"), ButtonChanged(5, 6, True))
        wait_until(lambda: any(isinstance(each, PadIsMouse) for each in heard))
        player.does(ButtonChanged(5, 6, False), DOWN, ButtonChanged(6, 1, True))
        wait_until(lambda: PadButton(Button.LEFT, True) in heard)
        wait_until(lambda: player.sent[-1].buttons[1] == 1.0)
        player.does("nonsense")  # type: ignore[arg-type]
        wait_until(lambda: player.source.closed)
        assert heard[-2:] == [PadButton(Button.LEFT, False), NoPad()]
        assert {(pad.index, pad.connected) for pad in player.sent[-2:]} == {(0, False), (1, False)}
    finally:
        player.pads.stop()


def test_a_button_that_was_the_mouses_is_not_pressed_for_the_game_afterwards() -> None:
    player = Player(PadChoices(mouse=True))
    heard: list[PadNews] = []
    try:
        player.pads.listen(heard.append)
        player.pads.open()
        player.does(PLUGGED, ButtonChanged(5, 6, True))
        wait_until(lambda: any(isinstance(each, PadIsMouse) for each in heard))
        player.does(ButtonChanged(5, 6, False), DOWN)
        wait_until(lambda: PadButton(Button.LEFT, True) in heard)
        before = len(player.sent)
        player.pads.choose(PadChoices())
        player.does(ButtonChanged(5, 1, True))
        wait_until(lambda: player.sent[-1].buttons[1] == 1.0)
        assert not any(pad.buttons[0] for pad in player.sent[before:])
        player.does(UP, DOWN)
        wait_until(lambda: player.sent[-1].buttons[0] == 1.0)
    finally:
        player.pads.stop()


def test_vibration_that_is_switched_off_stops_at_once(player: Player) -> None:
    player.does(PLUGGED)
    player.pads.open()
    player.until_sent(1)
    player.pads.on_wish(VibrationWish(0, 1.0, 1.0, 5.0))
    wait_until(lambda: player.source.vibrations == [(5, Vibration(1.0, 1.0, 5.0))])
    player.pads.choose(PadChoices(rumble=False))
    wait_until(lambda: player.source.vibrations[1:] == [(5, Vibration(0.0, 0.0, 0.0))])
