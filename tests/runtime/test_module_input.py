"""The input module and the connections: made for each answer, silent while lost, gone before the
goodbye."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from helpers.fake_module import SCRIPT_URL, FakeModule, FakeSandbox
from helpers.fake_world import FakePeer, FakeWorld
from helpers.running_engine import RunningEngine, play
from rejoin import tasks
from rejoin.core import events
from rejoin.core.model import ConnectionNumber, HardEvidence, NoInput, Stage
from rejoin.input_events.events import KeyEvent, PadState, PointerMove, ReleaseAll, View
from rejoin.input_events.wishes import CursorWish, FullScreenWish, PointerLockWish, VibrationWish
from rejoin.input_module.port import Channel, ChannelState, ModuleProblem
from rejoin.media.statistics import StreamStatistics
from rejoin.rtc import channels as rtc_channels
from rejoin.runtime import module_scripts
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.module_states import InputParts, Missing
from rejoin.runtime.waiting_messages import MAX_MESSAGES
from rejoin.service_model.status import Status
from rejoin.signaling.module_script import ScriptUnavailableError

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

ONE, TWO = ConnectionNumber(1), ConnectionNumber(2)
DOWN, UP = KeyEvent("KeyW", "w", pressed=True), KeyEvent("KeyW", "w", pressed=False)
INPUT, MESSAGES = Channel.INPUT, Channel.MESSAGES


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_scripts, "REFRESH_AFTER_S", 0.0)


def answer(url: object = SCRIPT_URL) -> str:
    return json.dumps({"type": "answer", "sdp": "v=0", "webSdkProtocolUrl": url})


class Bench:
    """A `ModuleInput` on fake peers, a fake sandbox and fake scripts."""

    def __init__(self, module: FakeModule | None = None, *, off: bool = False) -> None:
        self.module = module or FakeModule()
        self.world = FakeWorld(lambda: 0.0)
        self.posted: list[events.Event] = []
        self.connections = Connections()
        parts: InputParts | None = None if off else self.module.parts
        self.input = ModuleInput(self.connections, parts, self.posted.append)
        for number in (ONE, TWO):
            peer = self.world.make_peer(number, self.posted.append)
            peer.listen(self.input.listener(number))
            self.connections.add(number, peer)

    async def __aenter__(self) -> Bench:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.input.close()
        for number in (ONE, TWO):
            self.connections.close(number)
        await asyncio.gather(*self.connections.closing)
        assert not tasks.alive()
        assert all("close" in sandbox.calls for sandbox in self.module.sandboxes)

    async def live(self, number: ConnectionNumber = ONE, url: str = SCRIPT_URL) -> FakeSandbox:
        """The connection is live, with a module attached."""
        self.input.answered(number, answer(url))
        self.input.attach(number)
        await self.until(lambda: events.InputModuleKnown(number, None) in self.posted)
        return self.sandbox

    @property
    def sandbox(self) -> FakeSandbox:
        return self.module.sandboxes[-1]

    def peer(self, number: ConnectionNumber = ONE) -> FakePeer:
        return self.world.peers[number - 1]

    @property
    def missing(self) -> list[NoInput | None]:
        return [each.missing for each in self.posted if isinstance(each, events.InputModuleKnown)]

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(12_000):
            if true():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"not in time: {self.posted}, {self.input.state}")


# --- from the answer to live ----------------------------------------------------------------------


async def test_an_answer_makes_an_instance_and_live_attaches_it() -> None:
    async with Bench() as bench:
        bench.input.answered(ONE, answer())
        await bench.until(lambda: bool(bench.module.sandboxes and bench.sandbox.options))
        assert bench.sandbox.calls == ["start", "prepare script 1", "instance 1"]
        assert bench.sandbox.options[0].signal_response == answer()
        assert (bench.sandbox.options[0].max_kbps, bench.sandbox.options[0].max_height) == (
            None,
            720,
        )
        assert bench.sandbox.states == {each: ChannelState("open", 0) for each in Channel}
        bench.input.send_input(DOWN)
        assert bench.sandbox.events == [], "it is not live yet"
        bench.input.attach(ONE)
        assert bench.missing == [None]
        bench.input.send_input(DOWN)
        assert bench.sandbox.calls[3:] == ["attach", "KeyEvent"]
        assert bench.sandbox.peer_states[-1].connection_state == "new"


async def test_a_module_that_is_late_is_attached_as_soon_as_it_is_there() -> None:
    module = FakeModule()
    module.answers.clear()
    async with Bench(module) as bench:
        bench.input.answered(ONE, answer())
        bench.input.attach(ONE)
        await asyncio.sleep(0.05)
        assert bench.posted == [], "it is not known yet whether it can be played"
        module.answers.set()
        await bench.until(lambda: bench.missing == [None])
        assert bench.sandbox.calls[-1] == "attach"


async def test_a_module_that_comes_while_the_connection_is_lost_is_not_attached() -> None:
    module = FakeModule()
    module.answers.clear()
    async with Bench(module) as bench:
        bench.input.answered(ONE, answer())
        bench.input.attach(ONE)
        bench.input.suspend(ONE)
        module.answers.set()
        await bench.until(lambda: bool(module.sandboxes and bench.sandbox.options))
        assert "attach" not in bench.sandbox.calls
        bench.input.attach(ONE)
        assert bench.sandbox.calls[-1] == "attach"


async def test_views_and_gamepads_are_remembered_for_each_instance() -> None:
    async with Bench() as bench:
        view = View(width=640.0, height=360.0)
        pad = PadState(0, connected=True, name="pad", buttons=(1.0, 0.0), axes=(0.5, 0, 0, 0))
        bench.input.send_input(view)
        bench.input.send_input(pad)
        await bench.live()
        neutral = replace(pad, buttons=(0.0, 0.0), axes=(0.0, 0.0, 0.0, 0.0))
        assert bench.sandbox.events == [view, neutral], "what is held counts when pressed again"
        bench.input.suspend(ONE)
        hidden = replace(view, visible=False)
        bench.input.send_input(hidden)
        await bench.live(TWO)
        assert bench.sandbox.events[2:] == [hidden, hidden, neutral]


async def test_what_the_host_sends_before_the_instance_is_kept_in_order_and_bounded() -> None:
    module = FakeModule()
    module.answers.clear()
    async with Bench(module) as bench:
        bench.peer().hears(INPUT.value, b"hello")  # the answer is still being applied
        bench.input.answered(ONE, answer())
        for number in range(MAX_MESSAGES + 5):
            bench.peer().hears(MESSAGES.value, str(number))
        bench.peer(TWO).hears(INPUT.value, b"of another connection")
        module.answers.set()
        await bench.until(lambda: bool(module.sandboxes and bench.sandbox.options))
        heard = [call for call in bench.sandbox.calls if "Channel: " in call]
        assert heard[0] == "inputChannel: b'hello'"
        assert heard[1:] == [
            f"clientMessageChannel: '{number}'" for number in range(MAX_MESSAGES - 1)
        ]
        bench.peer().hears(MESSAGES.value, b"now")
        assert bench.sandbox.calls[-1] == "clientMessageChannel: b'now'"


@pytest.mark.usefixtures("expected_logs")
@pytest.mark.parametrize(
    ("response", "why"),
    [
        (answer(None), NoInput.NO_MODULE),
        (answer(""), NoInput.NO_MODULE),
        (answer(7), NoInput.NO_MODULE),
        ('{"type": "answer"}', NoInput.NO_MODULE),
        ("[]", NoInput.NO_MODULE),
        ("no JSON", NoInput.NO_MODULE),
        (answer("ftp://service.example/x.js"), NoInput.NOT_LOADED),
        (answer("javascript:alert(1)"), NoInput.NOT_LOADED),
    ],
)
async def test_an_answer_without_a_script_is_view_only(response: str, why: NoInput) -> None:
    async with Bench() as bench:
        bench.input.answered(ONE, response)
        bench.input.attach(ONE)
        bench.input.send_input(DOWN)
        assert bench.missing == [why]
        assert bench.module.fetched == []


async def test_with_the_setting_off_nothing_is_fetched_or_started() -> None:
    async with Bench(off=True) as bench:
        bench.input.answered(ONE, answer())
        bench.input.attach(ONE)
        bench.input.send_input(DOWN)
        bench.peer().hears(INPUT.value, b"hello")
        assert bench.missing == [NoInput.OFF]
        assert (bench.module.fetched, bench.module.sandboxes) == ([], [])


@pytest.mark.usefixtures("expected_logs")
async def test_a_script_that_is_refused_is_view_only_and_not_asked_for_again() -> None:
    module = FakeModule(scripts={SCRIPT_URL: ScriptUnavailableError("must come by https")})
    async with Bench(module) as bench:
        bench.input.answered(ONE, answer())
        await bench.until(lambda: bench.missing == [NoInput.NOT_LOADED])
        assert len(module.fetched) == 1


# --- one script, many URLs ------------------------------------------------------------------------


async def test_with_the_same_origin_and_path_the_last_script_is_used_at_once() -> None:
    async with Bench() as bench:
        await bench.live()
        bench.module.answers.clear()
        signed_anew = SCRIPT_URL.replace("CANARY-1", "CANARY-2")
        bench.module.scripts[signed_anew] = "script 1"
        bench.input.answered(TWO, answer(signed_anew))
        assert bench.sandbox.calls[-1] == "attach", "the picture goes first"
        bench.input.attach(TWO)
        assert bench.sandbox.calls[-2:] == ["instance 2", "attach"], "in the same turn of the loop"
        bench.module.answers.set()
        await bench.until(lambda: len(bench.module.fetched) == 2)
        assert bench.module.fetched == [SCRIPT_URL, signed_anew]
        await asyncio.sleep(0.02)
        assert len(bench.module.sandboxes) == 1, "it is the same script"


async def test_a_message_before_the_answer_is_applied_makes_the_instance_with_the_answer() -> None:
    async with Bench() as bench:
        await bench.live()
        bench.input.message_arrived(TWO, MESSAGES.value, b"hello")
        assert "instance 2" not in bench.sandbox.calls
        bench.input.answered(TWO, answer())
        assert bench.sandbox.calls[-2:] == ["instance 2", f"{MESSAGES.value}: b'hello'"]


@pytest.mark.usefixtures("expected_logs")
async def test_a_module_that_fails_before_the_picture_is_missing() -> None:
    async with Bench() as bench:
        await bench.live()
        bench.input.answered(TWO, answer())
        bench.posted.clear()
        bench.sandbox.reports.failed(ModuleProblem.HUNG)
        assert bench.missing == [NoInput.FAILED]


async def test_a_script_that_has_changed_is_ready_for_the_next_connection() -> None:
    async with Bench() as bench:
        first = await bench.live()
        signed_anew = SCRIPT_URL.replace("CANARY-1", "CANARY-2")
        bench.module.scripts[signed_anew] = "script 2"
        bench.input.answered(TWO, answer(signed_anew))
        bench.input.attach(TWO)
        await bench.until(lambda: len(bench.module.sandboxes) == 2)
        assert first.calls[-2:] == ["instance 2", "attach"], "this connection keeps the one it has"
        second = bench.sandbox
        await bench.until(lambda: second.calls == ["start", "prepare script 2"])
        bench.posted.clear()
        second.reports.send(TWO, INPUT, b"not yet")
        assert bench.peer(TWO).sent == []
        bench.input.answered(ConnectionNumber(3), answer(signed_anew))
        bench.input.message_arrived(ConnectionNumber(3), MESSAGES.value, b"hello")
        assert second.calls == [
            "start",
            "prepare script 2",
            "instance 3",
            f"{MESSAGES.value}: b'hello'",
        ]
        await bench.until(lambda: "close" in first.calls)


async def test_another_path_is_fetched_before_it_is_used() -> None:
    async with Bench() as bench:
        await bench.live()
        other = "https://service.example/v2.js"
        bench.module.scripts[other] = "script 2"
        await bench.live(TWO, other)
        assert bench.sandbox.calls[:3] == ["start", "prepare script 2", "instance 2"]


async def test_a_script_that_cannot_be_fetched_again_is_used_as_it_is() -> None:
    async with Bench() as bench:
        await bench.live()
        gone = SCRIPT_URL.replace("CANARY-1", "CANARY-2")
        bench.module.scripts[gone] = ScriptUnavailableError("could not be fetched")
        await bench.live(TWO, gone)
        bench.input.send_input(DOWN)
        assert bench.sandbox.calls[-2:] == ["attach", "KeyEvent"]
        assert NoInput.NOT_LOADED not in bench.missing


# --- silence --------------------------------------------------------------------------------------


async def test_nothing_leaves_while_the_connection_is_lost_and_healing_attaches_again() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        bench.input.send_input(DOWN)
        sandbox.reports.send(ONE, INPUT, b"w is down")
        bench.input.suspend(ONE)
        for channel in Channel:
            sandbox.reports.send(ONE, channel, b"w is still down")
        for event in (UP, ReleaseAll(), PointerMove(1, 1, 0, 0)):
            bench.input.send_input(event)
        bench.input.send_application_message(b"lost")
        assert bench.peer().sent == [(INPUT.value, b"w is down")]
        assert sandbox.events == [DOWN], "the module does not hear of it: it is detached later"
        bench.input.attach(ONE)
        assert sandbox.calls[-2:] == ["detach with releases", "attach"]
        sandbox.reports.send(ONE, INPUT, b"w is up")
        assert bench.peer().sent[1:] == [(INPUT.value, b"w is up")]
        assert bench.missing == [None, None]


async def test_a_message_of_the_host_is_read_while_the_connection_is_lost() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        bench.input.suspend(ONE)
        bench.peer().hears(MESSAGES.value, b"idle")
        assert sandbox.calls[-1] == "clientMessageChannel: b'idle'"
        sandbox.reports.server_disconnected(ONE, "idle")
        assert bench.posted[-1] == events.HardEvidenceSeen(
            ONE, HardEvidence.SERVER_DISCONNECTED, "idle"
        )


async def test_before_the_goodbye_of_a_lost_connection_it_is_detached_in_silence() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        bench.input.suspend(ONE)
        assert bench.input.leave(ONE) is None
        assert sandbox.calls[-1] == "detach without releases"
        sandbox.reports.send(ONE, INPUT, b"late")
        bench.input.attach(ONE)
        bench.input.send_input(DOWN)
        bench.peer().hears(MESSAGES.value, b"late")
        assert bench.peer().sent == []
        assert sandbox.calls[-1] == "detach without releases"
        assert bench.input.leave(ONE) is None, "the close comes after the goodbye"


async def test_the_end_of_a_live_connection_waits_for_the_releases() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        releases = bench.input.leave(ONE)
        assert sandbox.calls[-1] == "detach with releases"
        assert releases is not None
        sandbox.reports.send(ONE, INPUT, b"w is up")
        assert bench.peer().sent == [(INPUT.value, b"w is up")]
        await releases
        assert sandbox.calls[-1] == "settle"
        bench.input.send_input(DOWN)
        assert sandbox.events == []
        assert bench.input.leave(ONE) is None


@pytest.mark.usefixtures("expected_logs")
async def test_reports_of_an_older_connection_or_process_are_ignored() -> None:
    async with Bench() as bench:
        first = await bench.live()
        await bench.live(TWO, SCRIPT_URL)
        first.reports.send(ONE, INPUT, b"old instance")
        first.reports.server_disconnected(ONE, "terminated")
        assert (bench.peer(ONE).sent, bench.peer(TWO).sent) == ([], [])
        other = "https://service.example/v2.js"
        bench.module.scripts[other] = "script 2"
        bench.input.answered(TWO, answer(other))
        await bench.until(lambda: len(bench.module.sandboxes) == 2)
        bench.posted.clear()
        first.reports.failed(ModuleProblem.HUNG)
        first.reports.send(TWO, INPUT, b"old process")
        first.reports.application_message(TWO, b"old process")
        await bench.until(lambda: "instance 2" in bench.sandbox.calls)
        assert bench.posted == []
        assert bench.peer(TWO).sent == []


# --- evidence, messages, numbers, wishes ----------------------------------------------------------


async def test_a_disconnect_is_evidence_once_and_its_reason_is_printable() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        bench.posted.clear()
        for _ in range(3):
            sandbox.reports.server_disconnected(ONE, "idle\x1b[2J" + "x" * 100)
        (seen,) = bench.posted
        assert isinstance(seen, events.HardEvidenceSeen)
        assert seen.evidence is HardEvidence.SERVER_DISCONNECTED
        assert seen.detail.isprintable()
        assert seen.detail.startswith("idle")
        assert len(seen.detail) < 80


async def test_application_messages_are_recorded_by_their_size() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        bench.input.send_application_message(b"to the game")
        sandbox.reports.application_message(ONE, b"from it")
        assert sandbox.calls[-1] == "message b'to the game'"
        assert bench.module.messages == [b"from it"]
        assert bench.posted[-2:] == [events.MessageSent(ONE, 11), events.MessageReceived(ONE, 7)]
        sandbox.reports.application_message(ONE, bytes(65_537))
        assert bench.module.messages == [b"from it"]


async def test_a_receiver_of_messages_that_fails_does_not_end_the_game(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(data: bytes) -> None:
        raise RuntimeError("the studio's own")

    async with Bench() as bench:
        bench.input._parts = replace(bench.module.parts, on_message=fail)
        sandbox = await bench.live()
        sandbox.reports.application_message(ONE, b"from it")
        assert "application messages" in caplog.text
        caplog.clear()


async def test_the_hosts_load_is_part_of_the_statistics_of_its_connection() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        load = {"application": {"cpuUtilizationNormalized": 0.25}, "system": {"cpuUtilization": 1}}
        sandbox.reports.performance(ONE, load)
        numbers = StreamStatistics(ONE, width=640, height=360)
        shown = bench.input.with_host_load(ONE, numbers)
        assert (shown.host_application_cpu, shown.host_cpu, shown.host_gpu) == (0.25, 1.0, None)
        assert sandbox.calls[-1] == "video 640x360"
        assert bench.input.with_host_load(TWO, StreamStatistics(TWO)) == StreamStatistics(TWO)
        await bench.live(TWO)
        assert bench.input.with_host_load(TWO, StreamStatistics(TWO)).host_cpu is None


async def test_wishes_reach_the_window_while_the_module_is_attached() -> None:
    async with Bench() as bench:
        bench.input.answered(ONE, answer())
        await bench.until(lambda: bool(bench.module.sandboxes and bench.sandbox.options))
        bench.sandbox.reports.pointer_lock(ONE, wanted=True)
        assert bench.module.wishes == [CursorWish("default")], "a new instance begins with this"
        bench.input.attach(ONE)
        bench.sandbox.reports.pointer_lock(ONE, wanted=True)
        bench.sandbox.reports.full_screen(ONE, wanted=False)
        bench.sandbox.reports.cursor(ONE, "none")
        bench.sandbox.reports.vibration(ONE, VibrationWish(0, 1.0, 0.5, 0.1))
        bench.sandbox.reports.vibration(TWO, VibrationWish(0, 1.0, 0.5, 0.1))
        assert bench.module.wishes[1:] == [
            PointerLockWish(True),
            FullScreenWish(False),
            CursorWish("none"),
            VibrationWish(0, 1.0, 0.5, 0.1),
        ]
        bench.input.suspend(ONE)
        bench.sandbox.reports.vibration(ONE, VibrationWish(0, 1.0, 0.5, 0.1))
        assert len(bench.module.wishes) == 5, "a lost connection shakes nothing"


async def test_a_module_that_waits_for_the_next_frame_is_told_of_it() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        wants = [bench.input.wants_frames]
        sandbox.wants_frames = True
        assert [*wants, bench.input.wants_frames] == [False, True]
        for connection in (ONE, TWO):
            bench.input.frame_shown(connection, 2.0)
        assert sandbox.frames == [2.0]


async def test_a_process_that_was_started_before_takes_the_first_script() -> None:
    async with Bench() as bench:
        bench.input.begin()
        assert len(bench.module.sandboxes) == 1
        await bench.until(lambda: bench.module.prepared == 1)
        await bench.live()
        assert len(bench.module.sandboxes) == 1
        assert bench.sandbox.calls[:3] == ["start", "prepare script 1", "instance 1"]


async def test_the_module_hears_of_a_channel_that_closes_and_of_nothing_old() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        sandbox.states.clear()
        listener = bench.peer().listener
        assert listener is not None
        listener.state(INPUT.value)
        assert sandbox.states == {}, "it knows that it is open"
        bench.peer().channel_states[INPUT.value] = rtc_channels.ChannelState("closed", 0)
        listener.state(INPUT.value)
        assert sandbox.states == {INPUT: ChannelState("closed", 0)}


async def test_the_module_hears_of_what_is_stuck_until_it_is_gone() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        sandbox.states.clear()
        bench.peer().channel_states[INPUT.value] = rtc_channels.ChannelState("open", 5)
        sandbox.reports.send(ONE, INPUT, b"bytes")
        assert sandbox.states == {}, "at most once in a while"
        await bench.until(lambda: sandbox.states == {INPUT: ChannelState("open", 5)})
        bench.peer().channel_states[INPUT.value] = rtc_channels.ChannelState("open", 0)
        await bench.until(lambda: sandbox.states == {INPUT: ChannelState("open", 0)})


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("expected_logs")
@pytest.mark.parametrize("problem", list(ModuleProblem))
async def test_a_module_that_fails_is_view_only_until_the_next_connection(
    problem: ModuleProblem,
) -> None:
    async with Bench() as bench:
        first = await bench.live()
        first.reports.failed(problem)
        first.reports.failed(problem)
        assert bench.missing == [None, NoInput.FAILED]
        assert bench.input.state == Missing(ONE, NoInput.FAILED)
        bench.input.send_input(DOWN)
        first.reports.send(ONE, INPUT, b"after its end")
        assert bench.peer().sent == []
        bench.input.suspend(ONE)
        assert len(bench.module.sandboxes) == 2, "another one stands ready for the next connection"
        await bench.live(TWO)
        assert bench.sandbox.calls == ["start", "prepare script 1", "instance 2", "attach"]


@pytest.mark.usefixtures("expected_logs")
async def test_a_script_that_throws_is_view_only() -> None:
    module = FakeModule(holds=True)
    async with Bench(module) as bench:
        bench.input.answered(ONE, answer())
        bench.input.attach(ONE)
        await bench.until(lambda: bool(module.sandboxes))
        bench.sandbox.fails = ModuleProblem.SCRIPT_THREW
        bench.sandbox.goes_on.set()
        await bench.until(lambda: bench.missing == [NoInput.FAILED])
        assert "instance 1" not in bench.sandbox.calls


@pytest.mark.usefixtures("expected_logs")
async def test_a_newer_script_that_fails_leaves_the_one_in_use_alone() -> None:
    async with Bench() as bench:
        first = await bench.live()
        signed_anew = SCRIPT_URL.replace("CANARY-1", "CANARY-2")
        bench.module.scripts[signed_anew] = "script 2"
        await bench.live(TWO, signed_anew)
        await bench.until(lambda: len(bench.module.sandboxes) == 2)
        bench.sandbox.reports.failed(ModuleProblem.SCRIPT_THREW)
        bench.input.send_input(DOWN)
        assert first.calls[-1] == "KeyEvent"
        assert NoInput.FAILED not in bench.missing


@pytest.mark.usefixtures("expected_logs")
async def test_the_facts_of_a_module_outlive_it() -> None:
    async with Bench() as bench:
        sandbox = await bench.live()
        sandbox.facts = replace(sandbox.facts, events=7, missing=("WebTransport",))
        sandbox.reports.failed(ModuleProblem.TOO_MUCH)
        assert bench.input.facts.events == 7
        assert bench.input.facts.missing == ("WebTransport",)


# --- with the engine ------------------------------------------------------------------------------


def test_over_a_drop_and_a_rejoin_every_connection_has_its_own_instance() -> None:
    modules: list[FakeModule] = []

    def made() -> InputParts:
        modules.append(FakeModule())
        return modules[0].parts

    async def script(it: RunningEngine) -> None:
        await it.stage(Stage.LIVE)
        await it.until(lambda: it.snapshot.input_open)
        await asyncio.to_thread(it.engine.send_input, DOWN)
        (sandbox,) = modules[0].sandboxes
        await it.until(lambda: DOWN in sandbox.events)
        it.world.silent = True
        it.world.status_now = Status("CONNECTED")
        await it.stage(Stage.LOST)
        sandbox.reports.send(ONE, INPUT, b"repeat")
        assert it.world.peers[0].sent == []
        it.world.silent = False
        it.world.status_now = Status("PENDING_CLIENT_RECONNECTION")
        it.engine.post(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
        await it.stage(Stage.LIVE, episode=1)
        await it.until(lambda: it.snapshot.input_open)
        it.engine.send_input(UP)
        it.engine.send_application_message(b"hello")
        await it.until(lambda: "message b'hello'" in sandbox.calls)
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script, parts=made, answers_url=SCRIPT_URL)
    (sandbox,) = modules[0].sandboxes
    wanted = [
        "start",
        "prepare script 1",
        "instance 1",
        "attach",
        "KeyEvent",
        "instance 2",
        "attach",
        "KeyEvent",
        "message b'hello'",
        "detach with releases",
        "settle",
        "close",
    ]
    assert [call for call in sandbox.calls if call != "detach without releases"] == wanted
    assert it.world.peers[1].actions[-2:] == ["close", "closed"]
    assert [record.data for record in it.events("MessageSent")] == [{"connection": 2, "size": 5}]


def test_a_pad_wakes_nothing_unless_something_before_it_is_on_its_way() -> None:
    modules: list[FakeModule] = []
    moved = [PadState(0, True, "pad", (0.0,), (at / 8,)) for at in range(4)]

    def made() -> InputParts:
        modules.append(FakeModule())
        return modules[0].parts

    async def script(it: RunningEngine) -> None:
        it.engine.send_input(moved[0])  # nothing is attached that could look for it
        await it.stage(Stage.LIVE)
        await it.until(lambda: it.snapshot.input_open)
        (sandbox,) = modules[0].sandboxes
        sandbox.lays_down = True
        await asyncio.to_thread(it.engine.send_input, moved[1])
        assert sandbox.laid_down == [moved[1]], "at once"
        it.engine.send_input(ReleaseAll())
        it.engine.send_input(moved[2])
        assert sandbox.laid_down == [moved[1]], "it would overtake the release"
        await it.until(lambda: moved[2] in sandbox.events)
        assert sandbox.events[-2:] == [ReleaseAll(), moved[2]]
        it.engine.send_input(moved[3])
        assert sandbox.laid_down == [moved[1], moved[3]]
        it.engine.post(events.CloseForNowRequested())

    it, _ = play(script, parts=made, answers_url=SCRIPT_URL)
    it.engine.send_input(moved[0])
    assert modules[0].sandboxes[0].laid_down == [moved[1], moved[3]], "it has ended"
