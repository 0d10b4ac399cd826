"""Tests for the sandbox as the runtime uses it: our module and another play in a real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.leaves_nothing import leaves_nothing
from helpers.module_sandbox import PATIENT, Heard, begin, connect, sandbox
from helpers.waiting import eventually
from rejoin.emulator.service.protocol_script import protocol_script
from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_events.wishes import VibrationWish
from rejoin.input_module import commands, outbox
from rejoin.input_module.limits import Limits
from rejoin.input_module.port import (
    Channel,
    ChannelState,
    InputModulePort,
    ModuleOptions,
    ModuleProblem,
    Reports,
)
from rejoin.input_module.sandbox import Failed, Sandbox
from rejoin.input_protocol import controls
from rejoin.interpreter import loop_factory

LISTENING = (Path(__file__).parent.parent / "data/input_modules/listening.js").read_text()

W_DOWN, W_UP = KeyEvent("KeyW", "w", pressed=True), KeyEvent("KeyW", "w", pressed=False)
PRESS = PointerButton(Button.LEFT, True, 640, 360, buttons=1)
RELEASE = PointerButton(Button.LEFT, False, 640, 360)


def port(reports: Reports) -> InputModulePort:
    """mypy compares the sandbox with its port."""
    return Sandbox(reports)


def decoded(messages: list[bytes | str]) -> list[controls.Message]:
    assert all(isinstance(message, bytes) for message in messages)
    return [controls.decode(message) for message in messages if isinstance(message, bytes)]


def controls_in(heard: Heard) -> list[controls.ControlsMessage]:
    """What our module said is held, in order."""
    messages = decoded(heard.bytes_on(Channel.INPUT))
    return [message for message in messages if isinstance(message, controls.ControlsMessage)]


def states(heard: Heard) -> list[tuple[int, tuple[int, ...]]]:
    """Buttons and keys that our module said are held, without repeats."""
    pairs = [(each.controls.buttons, tuple(each.controls.keys)) for each in controls_in(heard)]
    return [pair for at, pair in enumerate(pairs) if at == 0 or pairs[at - 1] != pair]


def protobuf(message: bytes | str) -> tuple[int, dict[int, int | bytes]]:
    """The kind and the fields of one message of the listening module."""
    assert isinstance(message, bytes)
    [(kind, content)] = _fields(message).items()
    assert isinstance(content, bytes)
    return kind, _fields(content)


def _fields(data: bytes) -> dict[int, int | bytes]:
    fields: dict[int, int | bytes] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 2:
            size = varint()
            fields[tag >> 3] = data[at : at + size]
            at += size
        else:
            fields[tag >> 3] = varint()
    return fields


# --- our module, byte for byte what a browser gets ---


@leaves_nothing
async def test_our_module_makes_the_bytes_of_the_specification() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script())
        events: list[InputEvent] = [W_DOWN, PointerMove(5, -2, 10, 10), PRESS]
        for event in [*events, Wheel(0, 240, 10, 10), W_UP, RELEASE]:
            box.dispatch(event)
            await box.settle()
        frames = [data for data in heard.bytes_on(Channel.INPUT) if data[2:3] != b"\x06"]
        wheel = round(2 * commands.NOTCH_PX * 1.2)
        head = bytes.fromhex("520102 00")
        rest = [
            (0, 0, 0, 0, []),
            (0, 0, 0, 0, [0x1A]),
            (0, 5, 2**32 - 2, 0, [0x1A]),
            (1, 5, 2**32 - 2, 0, [0x1A]),
            (1, 5, 2**32 - 2, wheel, [0x1A]),
            (1, 5, 2**32 - 2, wheel, []),
            (0, 5, 2**32 - 2, wheel, []),
        ]
        assert _without_repeats(frames) == [
            head
            + struct.pack("!5IB", at, *values, len(keys))
            + b"".join(struct.pack("!H", key) for key in keys)
            for at, (*values, keys) in enumerate(rest, 1)
        ]
        limits = [
            data
            for data in decoded(heard.bytes_on(Channel.INPUT))
            if isinstance(data, controls.Limits)
        ]
        assert set(limits) == {controls.Limits(8000, 720)}
        assert heard.problems == []
        assert box.facts.missing == ()


def _without_repeats(frames: list[bytes | str]) -> list[bytes | str]:
    kept: list[bytes | str] = []
    for frame in frames:
        if not kept or kept[-1] != frame:
            kept.append(frame)
    return kept


@leaves_nothing
async def test_our_module_answers_the_host_that_has_heard_nothing() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script())
        await eventually(lambda: len(heard.bytes_on(Channel.INPUT)) >= 6)  # with its repeats
        sent = len(heard.bytes_on(Channel.INPUT))
        box.channel_message(Channel.INPUT, controls.encode(controls.Hello(controls.VERSION)))
        await box.settle()
        state, limits = decoded(heard.bytes_on(Channel.INPUT)[sent:])
        assert isinstance(state, controls.ControlsMessage)
        assert limits == controls.Limits(8000, 720)


@leaves_nothing
async def test_our_module_reads_gamepads_and_what_the_host_says() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script())
        box.dispatch(PadState(0, True, "pad", (0.0, 1.0), (0.5, -1.0, 0.0, 0.0)))
        await eventually(
            lambda: any(data[2:3] == b"\x04" for data in heard.bytes_on(Channel.INPUT))
        )
        pads = [
            message.gamepad
            for message in decoded(heard.bytes_on(Channel.INPUT))
            if isinstance(message, controls.GamepadMessage)
        ]
        assert pads[0].buttons == 2
        head = bytes.fromhex("5201 0500 00000000")
        load = json.dumps({"timestamp": 5, "applicationCpuNormalized": 0.5}).encode()
        box.channel_message(Channel.MESSAGES, head + load)
        box.channel_message(Channel.MESSAGES, b"a game's own message")
        box.channel_message(Channel.MESSAGES, bytes.fromhex("5201 0300 00000000") + b"terminated")
        await box.settle()
        kinds = [controls.Kind.PERFORMANCE, controls.Kind.DISCONNECT]
        assert [int(kind) for kind in kinds] == [5, 3], "the bytes above"
        assert heard.said == [
            ("performance", 1, {"timestamp": 5, "applicationCpuNormalized": 0.5}),
            ("message", 1, b"a game's own message"),
            ("disconnected", 1, "terminated"),
        ]


@leaves_nothing
async def test_it_plays_when_it_is_called_instead_of_listening() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script(), automatic=False)
        for event in (W_DOWN, PRESS, RELEASE, W_UP):
            box.dispatch(event)
        await box.settle()
        assert states(heard) == [(0, ()), (0, (26,)), (1, (26,)), (0, (26,)), (0, ())]


# --- a module in the other style ---


@leaves_nothing
async def test_a_module_that_only_listens_plays_too() -> None:
    async with sandbox() as (box, heard):
        box.dispatch(
            View(left=100, top=100, width=1000, height=500, window_width=1200, window_height=700)
        )
        await begin(box, LISTENING)
        for event in (W_DOWN, PointerMove(1, 1, 500, 250), PRESS, Wheel(0, -120, 5, 5), W_UP):
            box.dispatch(event)
        await box.settle()
        assert ("pointer lock", 1, True) in heard.said
        box.dispatch(View(captured=True))
        box.dispatch(PointerMove(-3, 7, 500, 250))
        box.dispatch(RELEASE)
        await box.settle()
        messages = [protobuf(data) for data in heard.bytes_on(Channel.INPUT)]
        assert [each for each in messages if each[0] != 6] == [
            (1, {1: b"KeyW", 2: 1, 3: 87}),
            (2, {1: 10_000, 2: 10_000, 3: 0}),
            (3, {1: 0, 2: 1}),
            (4, {1: 2 * commands.NOTCH_PX}),
            (1, {1: b"KeyW", 2: 0, 3: 87}),
            (2, {1: 5, 2: 14, 3: 1}),
            (3, {1: 0, 2: 0}),
        ]
        assert ("cursor", 1, "none") in heard.said
        await eventually(lambda: protobuf(heard.bytes_on(Channel.INPUT)[-1])[0] == 6)
        assert box.facts.missing == ()
        assert box.facts.events == box.facts.events_with_bytes == 7


@leaves_nothing
async def test_it_hears_and_sends_messages_of_the_game() -> None:
    async with sandbox() as (box, heard):
        await begin(box, LISTENING)
        box.channel_message(Channel.MESSAGES, '{"type": "app", "text": "hé"}')
        box.channel_message(Channel.MESSAGES, b'{"type": "load", "cpu": 1.5}')
        box.channel_message(Channel.MESSAGES, '{"type": "bye", "reason": "idle"}')
        box.send_application_message(b"\x00\x01")
        await box.settle()
        assert heard.said == [
            ("message", 1, "hé".encode()),
            ("performance", 1, {"cpu": 1.5}),
            ("disconnected", 1, "idle"),
        ]
        assert heard.bytes_on(Channel.MESSAGES) == [b"\x00\x01"]


@leaves_nothing
async def test_gamepads_are_polled_by_animation_frames() -> None:
    async with sandbox() as (box, heard):
        await begin(box, LISTENING)
        box.dispatch(PadState(2, True, "pad", (0.0, 0.0), ()))
        await box.settle()
        box.dispatch(PadState(2, True, "pad", (0.0, 1.0), ()))
        await eventually(
            lambda: (5, {1: 2, 2: 2}) in [protobuf(each) for each in heard.bytes_on(Channel.INPUT)]
        )


@leaves_nothing
async def test_a_state_that_lies_keeps_its_place_among_all_that_is_said() -> None:
    """Neither the release of everything nor a pad's coming and going is overtaken."""
    async with sandbox() as (box, heard):
        await begin(box, protocol_script())
        pad = PadState(0, True, "pad", (0.0, 1.0), (0.0,) * 4)
        box.dispatch(replace(pad, connected=False))
        box.dispatch(pad)
        events = box.facts.events
        box.dispatch(replace(pad, buttons=(1.0, 1.0)))
        box.dispatch(ReleaseAll())
        box.dispatch(replace(pad, buttons=(1.0, 0.0)))

        def last() -> int | None:
            found = [
                message.gamepad.buttons
                for message in decoded(heard.bytes_on(Channel.INPUT))
                if isinstance(message, controls.GamepadMessage)
            ]
            return found[-1] if found else None

        await eventually(lambda: last() == 1)
        box.dispatch(replace(pad, buttons=(0.0, 1.0)))
        box.dispatch(replace(pad, connected=False))
        box.dispatch(pad)
        box.dispatch(replace(pad, buttons=(1.0, 1.0)))
        await eventually(lambda: last() == 3)
        assert box.facts.events == events + 2, "of pads their coming and going alone is an event"
        assert heard.problems == []


@pytest.mark.skipif(sys.platform == "win32", reason="nothing lies there")
@leaves_nothing
async def test_on_any_thread_a_state_is_laid_down_for_a_module_that_looks_for_it() -> None:
    async with sandbox() as (box, heard):
        pad = PadState(0, True, "pad", (0.0, 0.0), (0.0,) * 4)
        assert not box.lay_down(pad), "there is no module"
        await begin(box, protocol_script())
        assert not box.lay_down(pad), "it does not know this pad"
        box.dispatch(pad)
        await box.settle()
        events = box.facts.events
        assert await asyncio.to_thread(box.lay_down, replace(pad, buttons=(1.0, 1.0)))
        await eventually(
            lambda: any(
                isinstance(message, controls.GamepadMessage) and message.gamepad.buttons == 3
                for message in decoded(heard.bytes_on(Channel.INPUT))
            )
        )
        assert box.facts.events == events
        for news in ({"connected": False}, {"name": "other"}, {"rumbles": True}):
            assert not box.lay_down(replace(pad, **news)), "only what is held can lie"


SHAKING = """
globalThis.GameCastInputModule = { GameCastInput: class {
  attach() {
    addEventListener("gamepadconnected", ({ gamepad }) => gamepad.vibrationActuator
      .playEffect("dual-rumble", { duration: 250, strongMagnitude: 1, weakMagnitude: 0.5 }));
  }
  detach() {}
}};
"""


@leaves_nothing
async def test_a_module_makes_a_gamepad_vibrate() -> None:
    async with sandbox() as (box, heard):
        await begin(box, SHAKING)
        box.dispatch(PadState(2, True, "pad", (0.0,), (), rumbles=True))
        await box.settle()
        assert heard.said == [("vibration", 1, VibrationWish(2, 1.0, 0.5, 0.25))]


# --- attaching, releasing, silence ---


@leaves_nothing
async def test_detaching_says_the_releases_or_nothing() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script())
        box.dispatch(W_DOWN)
        await box.settle()
        box.detach(say_releases=True)
        await box.settle()
        [*_, last] = controls_in(heard)
        assert not last.controls.keys
        box.attach()
        box.dispatch(W_DOWN)
        await box.settle()
        box.detach(say_releases=False)
        before = len(heard.sent)
        box.dispatch(W_UP)
        await box.settle()
        await asyncio.sleep(0.1)
        assert len(heard.sent) == before
        box.attach()
        box.dispatch(W_UP)
        box.dispatch(W_DOWN)
        await box.settle()
        assert len(heard.sent) > before


@leaves_nothing
async def test_a_new_connection_gets_a_new_instance_and_the_old_one_is_not_heard() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script(), instance=1)
        box.dispatch(W_DOWN)
        connect(box, instance=2)
        await box.settle()
        assert {instance for instance, _, _ in heard.sent} <= {1, 2}
        before = [instance for instance, _, _ in heard.sent]
        assert before == sorted(before)
        [*_, last] = controls_in(heard)
        assert not last.controls.keys, "a key held over the drop counts when it is pressed again"


@leaves_nothing
async def test_everything_is_let_go() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script())
        box.dispatch(W_DOWN)
        box.dispatch(PRESS)
        box.dispatch(ReleaseAll())
        await box.settle()
        assert (1, (26,)) in states(heard)
        assert states(heard)[-1] == (0, ())


@leaves_nothing
async def test_nothing_is_sent_before_the_channel_is_open() -> None:
    async with sandbox() as (box, heard):
        await box.prepare(protocol_script())
        box.make_instance(1, ModuleOptions("{}"))
        box.attach()
        box.dispatch(W_DOWN)
        await box.settle()
        assert heard.sent == []
        facts = box.facts
        assert (facts.events, facts.events_with_bytes, facts.events_without_bytes_in_a_row) == (
            1,
            0,
            1,
        )
        box.channel_state(Channel.INPUT, ChannelState("open"))
        await eventually(lambda: heard.sent != [])


# --- movements ---


@leaves_nothing
async def test_movements_are_joined_and_a_button_flushes_them() -> None:
    now = 0.0
    async with sandbox(clock=lambda: now) as (box, heard):
        await begin(box, LISTENING)
        box.dispatch(View(captured=True))
        for _ in range(5):
            box.dispatch(PointerMove(2, 3, 0, 0))
        box.dispatch(PRESS)
        await box.settle()
        kinds = [protobuf(data) for data in heard.bytes_on(Channel.INPUT)]
        assert [each for each in kinds if each[0] != 6] == [
            (2, {1: 4, 2: 6, 3: 1}),
            (2, {1: 16, 2: 24, 3: 1}),
            (3, {1: 0, 2: 1}),
        ]


@leaves_nothing
async def test_the_last_movement_comes_by_itself() -> None:
    async with sandbox() as (box, heard):
        await begin(box, LISTENING)
        box.dispatch(View(captured=True))
        for _ in range(4):
            box.dispatch(PointerMove(1, 0, 0, 0))

        def travelled() -> int:
            moves = [
                protobuf(data)[1] for data in heard.bytes_on(Channel.INPUT) if data[:1] == b"\x12"
            ]
            return sum(int(fields[1]) // 2 for fields in moves)

        await eventually(lambda: travelled() == 4)


# --- the process ---


async def restarted(box: Sandbox, heard: Heard, starts: int) -> None:
    await eventually(lambda: box.facts.starts == starts or bool(heard.problems))


@leaves_nothing
async def test_a_process_that_dies_is_replaced_and_goes_on_where_it_was() -> None:
    async with sandbox() as (box, heard):
        await begin(box, protocol_script(), instance=4)
        box.dispatch(View(captured=True))
        first = box.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: box.facts.starts == 2)
        await box.settle()
        assert box.pid != first
        heard.sent.clear()
        box.dispatch(W_DOWN)
        await box.settle()
        assert [instance for instance, _, _ in heard.sent] != []
        assert heard.sent[0][0] == 4
        assert heard.problems == []


@leaves_nothing
async def test_the_third_end_within_a_minute_is_the_last() -> None:
    now = 0.0
    async with sandbox(clock=lambda: now) as (box, heard):
        await begin(box, protocol_script())
        for starts, later in ((2, 0.0), (3, 61.0), (4, 0.0), (5, 0.0)):
            now += later
            assert box.pid is not None
            os.kill(box.pid, signal.SIGKILL)
            await restarted(box, heard, starts)
            await box.settle()
        assert heard.problems == [ModuleProblem.TOO_MUCH]
        assert box.facts.starts == 4
        assert box.pid is None
        box.dispatch(W_DOWN)
        box.attach()
        box.make_instance(2, ModuleOptions("{}"))
        await box.prepare(protocol_script())
        await box.settle()
        assert heard.problems == [ModuleProblem.TOO_MUCH]


@leaves_nothing
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_the_process_has_three_pipes_no_environment_and_no_privileges() -> None:
    secret = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        async with sandbox() as (box, _):
            await begin(box, protocol_script())
            process = Path(f"/proc/{box.pid}")
            descriptors = sorted((process / "fd").iterdir())
            assert [each.name for each in descriptors] == ["0", "1", "2"]
            flags = (process / "fdinfo" / "2").read_text()
            assert int(flags.split("flags:")[1].split()[0], 8) & os.O_ACCMODE == os.O_RDONLY
            assert (process / "environ").read_bytes() == b""
            status = dict(
                line.split(":\t", 1) for line in (process / "status").read_text().splitlines()
            )
            assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
            limits = (process / "limits").read_text()
            assert "268435456            268435456" in limits
    finally:
        os.close(secret)


def test_it_works_on_the_loop_of_the_stream_thread() -> None:
    """uvloop, where it is installed: its transports and pipes are its own."""

    async def play() -> None:
        async with sandbox() as (box, heard):
            await begin(box, protocol_script())
            assert box.pid is not None
            os.kill(box.pid, signal.SIGKILL)
            await restarted(box, heard, 2)
            box.dispatch(W_DOWN)
            await box.settle()
            assert (0, (26,)) in states(heard)
            entries = Path(f"/proc/{box.pid}/fd")
            if sys.platform == "linux":
                assert sorted(entry.name for entry in entries.iterdir()) == ["0", "1", "2"]

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(play())


@leaves_nothing
async def test_preparing_again_with_the_same_script_does_nothing() -> None:
    async with sandbox() as (box, _):
        await box.start()
        await box.start()
        await box.prepare(protocol_script())
        await box.prepare(protocol_script())
        assert box.facts.starts == 1
        await box.prepare(LISTENING)
        assert box.facts.starts == 2
        connect(box)
        await box.settle()


@leaves_nothing
async def test_a_program_that_does_not_start_is_a_failure() -> None:
    for command in (["/no/such/program"], [sys.executable, "-c", "raise SystemExit(3)"]):
        async with sandbox() as (box, heard):
            box._command = tuple(command)
            await box.prepare(protocol_script())
            assert heard.problems == [ModuleProblem.CANNOT_START]


@leaves_nothing
async def test_without_the_engine_there_is_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.input_module.sandbox.engine_is_installed", lambda: False)
    async with sandbox() as (box, heard):
        await box.prepare(protocol_script())
        assert heard.problems == [ModuleProblem.NO_ENGINE]
        assert isinstance(box._state, Failed)


@leaves_nothing
async def test_a_script_is_tried_twice() -> None:
    for script, problem in (
        ("throw new Error('secret')", ModuleProblem.SCRIPT_THREW),
        ("this is no script", ModuleProblem.SCRIPT_THREW),
        ("a\0b", ModuleProblem.SCRIPT_THREW),
        ("1", ModuleProblem.NO_MODULE),
        ("globalThis.GameCastInputModule = { GameCastInput: 5 }", ModuleProblem.NO_MODULE),
    ):
        async with sandbox() as (box, heard):
            await box.prepare(script)
            assert (heard.problems, box.facts.starts) == ([problem], 2), script


@leaves_nothing
async def test_a_constructor_is_tried_twice() -> None:
    script = """
      globalThis.GameCastInputModule = { GameCastInput: class {
        constructor() { throw new Error(); }
      }};
    """
    async with sandbox() as (box, heard):
        await begin(box, script, settle=False)
        await eventually(lambda: heard.problems != [])
        assert (heard.problems, box.facts.starts) == ([ModuleProblem.SCRIPT_THREW], 2)


@leaves_nothing
async def test_pointer_lock_without_a_click_is_refused_by_the_parent_too() -> None:
    """The browser of the sandbox shares its realm with the module, so its word does not count."""
    now = 100.0
    async with sandbox(PATIENT, clock=lambda: now) as (box, heard):
        await begin(box, protocol_script())
        for age in (5.1, 4.9):
            box.dispatch(PRESS)
            now += age
            box._on_said(outbox.PointerLockAsked(1, True))
            box._on_said(outbox.FullScreenAsked(1, True))
        box.dispatch(View(focused=False))
        box._on_said(outbox.PointerLockAsked(1, True))
        box._on_said(outbox.PointerLockAsked(1, False))
        assert heard.said == [
            ("pointer lock", 1, True),
            ("full screen", 1, True),
            ("pointer lock", 1, False),
        ]


@leaves_nothing
async def test_frames_are_told_only_while_they_are_wanted() -> None:
    script = (
        protocol_script()
        + """
      const once = () => document.querySelector("video").requestVideoFrameCallback(() => {
        globalThis.seen = (globalThis.seen ?? 0) + 1;
      });
      addEventListener("keydown", once);
    """
    )
    async with sandbox() as (box, _):
        await begin(box, script)
        wanted = [box.wants_frames]
        box.dispatch(W_DOWN)
        await box.settle()
        wanted.append(box.wants_frames)
        box.video_frame(1.0)
        await box.settle()
        assert [*wanted, box.wants_frames] == [False, True, False]


@leaves_nothing
async def test_closing_while_it_starts_leaves_nothing() -> None:
    async with sandbox() as (box, heard):
        preparing = asyncio.ensure_future(box.prepare(protocol_script()))
        await asyncio.sleep(0)
        await box.close()
        await preparing
        assert heard.problems == []


@leaves_nothing
async def test_a_host_that_floods_loses_messages_and_not_memory() -> None:
    script = protocol_script().replace(
        "#received(data) {",
        "#received(data) { const end = performance.now() + 30; while (performance.now() < end); ",
    )
    async with sandbox(Limits(patience_s=60, start_s=60, cpu_share=100, unsent_bytes=200_000)) as (
        box,
        _,
    ):
        await begin(box, script)
        for _ in range(200):
            box.channel_message(Channel.MESSAGES, bytes(50_000))
        assert box._is_behind()
