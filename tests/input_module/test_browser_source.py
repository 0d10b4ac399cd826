"""Tests for the sandbox's browser: what a module finds there, and the events that it gets."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from helpers.js_realm import RECORDER, Realm
from rejoin import assets
from rejoin.input_events.events import (
    Button,
    KeyEvent,
    Location,
    Modifiers,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_module import commands, outbox
from rejoin.input_module.browser_source import FILES, browser_source
from rejoin.input_module.outbox import Missing, Sent, Status
from rejoin.input_module.port import Channel, ChannelState, ModuleOptions, PeerState

WRITE_DOWN = """
globalThis.log = [];
const shown = (target) => target === window ? "window" : target.nodeName.toLowerCase();
for (const [target, types] of [
  [window, "keydown keyup keypress focus blur resize gamepadconnected gamepaddisconnected"],
  [document, "visibilitychange pointerlockchange pointerlockerror fullscreenchange"],
  [window, "mousemove mousedown mouseup click auxclick dblclick contextmenu wheel"],
  [window, "pointermove pointerdown pointerup"],
]) {
  for (const type of types.split(" ")) {
    target.addEventListener(type, (e) => {
      log.push(`${e.type}@${shown(e.target)}${e.isTrusted ? "" : " untrusted"}`);
      globalThis.last = e;
    });
  }
}
"""


@pytest.fixture
def realm() -> Realm:
    return Realm()


@pytest.fixture
def page() -> Realm:
    """A page that writes down the events of the player."""
    return Realm(RECORDER + WRITE_DOWN)


def test_every_file_of_the_browser_is_used_and_none_is_long() -> None:
    folder = assets.path("web/browser/realm.js").parent
    assert {file.stem for file in folder.glob("*.js")} == set(FILES)
    assert all(len(file.read_text().splitlines()) <= 500 for file in folder.glob("*.js"))


def test_its_own_names_stay_in_its_scope(realm: Realm) -> None:
    assert browser_source().startswith("(() => {")
    assert (
        realm.value(
            '["outbox", "say", "entropy", "parents", "stateOf"].filter((n) => n in globalThis)'
        )
        == []
    )


# --- the module ---


def test_the_constructor_gets_what_the_web_sdk_gives_it(realm: Realm) -> None:
    assert realm.make(7).status is Status.OK
    assert realm.value("Object.keys(options)") == [
        *("webSdkVersion", "signalResponse", "videoElement", "inputConfiguration", "clientRtc"),
        *("debugLog", "onServerDisconnect", "onApplicationMessageReceived"),
        *("onPerformanceStatsReceived", "bitrateMaxKilobits", "maximumResolution"),
    ]
    assert realm.value("[options.webSdkVersion, options.signalResponse]") == [
        "1.2.0",
        '{"signal": 1}',
    ]
    assert realm.value("[options.bitrateMaxKilobits, options.maximumResolution]") == [8000, "720p"]
    assert realm.value("options.inputConfiguration") == {
        "setCursor": "visibility",
        "autoPointerLock": True,
        "resetOnDetach": True,
        "trackWindowFocus": True,
        "autoKeyboard": True,
        "autoMouse": True,
        "autoGamepad": True,
    }
    assert realm.value("Object.entries(options.clientRtc).map(([k, v]) => [k, v.label])") == [
        ["rtcPeerConnection", None],
        ["rtcDataChannel", "inputChannel"],
        ["rtcClientMessageChannel", "clientMessageChannel"],
    ]
    assert realm.value("options.videoElement instanceof HTMLVideoElement")
    assert realm.value("options.clientRtc.rtcPeerConnection instanceof RTCPeerConnection")
    assert realm.value("options.clientRtc.rtcDataChannel instanceof RTCDataChannel")


def test_without_limits_of_the_player_there_are_none() -> None:
    realm = Realm()
    options = ModuleOptions("{}")
    channels = {channel: ChannelState() for channel in Channel}
    realm.run(commands.instance_command(1, options, channels, PeerState()))
    assert realm.value('"bitrateMaxKilobits" in options || "maximumResolution" in options') is False


def test_what_the_module_hears_is_reported_in_order(realm: Realm) -> None:
    realm.make(3)
    realm.evaluate("""
        options.onServerDisconnect("terminated\\nI3 00");
        options.onApplicationMessageReceived(new Uint8Array([1, 255]));
        options.onPerformanceStatsReceived({
          timestamp: new Date(1000), load: 0.5, name: "x", deep: {}, list: [1], none: null,
        });
        options.debugLog("a secret");
        options.videoElement.style.cursor = "url(data:image/png;base64,AAAA) 3 4, none";
    """)
    assert realm.run().said == (
        outbox.Disconnected(3, "terminated\nI3 00"),
        outbox.ApplicationMessage(3, b"\x01\xff"),
        outbox.Performance(3, {"timestamp": 1000, "load": 0.5, "name": "x"}),
        outbox.CursorChanged(3, "none"),
    )


def test_a_script_without_the_module_is_seen_at_once() -> None:
    assert Realm("1 + 1").run('["e"]').status is Status.NO_MODULE
    assert Realm().run('["e"]').status is Status.OK


def test_a_constructor_or_attach_that_throws_makes_the_module_unusable() -> None:
    for where in ("constructor", "attach"):
        realm = Realm(RECORDER.replace(f"{where}(", f"{where}(...x) {{ throw 1; }} old(", 1))
        options = ModuleOptions("{}")
        channels = {channel: ChannelState() for channel in Channel}
        answers = [
            realm.run(commands.instance_command(1, options, channels, PeerState())),
            realm.run(commands.ATTACH),
        ]
        assert Status.THREW in [answer.status for answer in answers], where
        assert sum(answer.errors for answer in answers) >= 1


def test_a_new_instance_detaches_the_last_one_and_closes_its_channels(realm: Realm) -> None:
    realm.make(1)
    realm.evaluate(
        "globalThis.old = options;"
        "options.clientRtc.rtcDataChannel.onclose = () => log.push('closed')"
    )
    realm.make(2)
    assert realm.logged() == ["attach", "detach", "closed", "attach"]
    assert realm.value("old.clientRtc.rtcDataChannel.readyState") == "closed"
    realm.evaluate("options.clientRtc.rtcDataChannel.send(new Uint8Array([9]))")
    assert realm.run().said == (Sent(2, Channel.INPUT, b"\x09"),)


def test_a_studios_message_goes_to_an_attached_module_alone(realm: Realm) -> None:
    realm.make()
    realm.run(commands.application_command(b"\x01\x02"))
    realm.run(commands.DETACH)
    realm.run(commands.application_command(b"\x03"))
    assert realm.logged() == ["attach", "send 1,2", "detach"]


# --- keys ---


def test_a_key_goes_down_types_repeats_and_goes_up(page: Realm) -> None:
    page.dispatch(KeyEvent("KeyZ", "y", pressed=True, modifiers=Modifiers.CAPS_LOCK))
    assert page.logged() == ["keydown@body", "keypress@body"]
    page.dispatch(KeyEvent("KeyZ", "y", pressed=True, repeat=True))
    assert page.value("[last.type, last.repeat]") == ["keypress", True]
    page.dispatch(KeyEvent("KeyZ", "y", pressed=False))
    assert page.value(
        "[last.type, last.code, last.key, last.keyCode, last.which, last.charCode]"
    ) == [
        *("keyup", "KeyZ", "y", 89, 89, 0),
    ]
    assert (
        page.value("[last.bubbles, last.cancelable, last.composed, last.view === window]")
        == [True] * 4
    )


def test_modifiers_are_those_of_the_event(page: Realm) -> None:
    every = Modifiers.SHIFT | Modifiers.ALT_GRAPH | Modifiers.NUM_LOCK | Modifiers.META
    page.dispatch(KeyEvent("ShiftRight", "Shift", True, Location.RIGHT, every))
    assert page.value(
        "[last.shiftKey, last.ctrlKey, last.altKey, last.metaKey, last.location]"
    ) == [
        *(True, False, False, True, 2),
    ]
    names = ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "NumLock", "Fn"]
    held = [page.value(f"last.getModifierState('{name}')") for name in names]
    assert held == [True, False, False, True, True, False, True, False]


@pytest.mark.parametrize(
    ("code", "key", "number"),
    [
        ("KeyQ", "a", 65),
        ("Digit1", "!", 49),
        ("Semicolon", ";", 186),
        ("Numpad7", "7", 103),
        ("Numpad7", "Home", 36),
        ("NumpadDecimal", "Delete", 46),
        ("NumpadDecimal", ".", 110),
        ("F12", "F12", 123),
        ("AltRight", "AltGraph", 225),
        ("ArrowLeft", "ArrowLeft", 37),
        ("KeyA", "ф", 65),
        ("Unknown", "Unidentified", 0),
    ],
)
def test_a_key_has_its_old_number_too(page: Realm, code: str, key: str, number: int) -> None:
    page.dispatch(KeyEvent(code, key, pressed=False))
    assert page.value("last.keyCode") == number


def test_a_key_whose_default_is_prevented_types_nothing(page: Realm) -> None:
    page.evaluate("addEventListener('keydown', (e) => e.preventDefault())")
    page.dispatch(KeyEvent("KeyA", "a", pressed=True))
    assert page.logged() == ["keydown@body"]
    assert page.value("last.defaultPrevented")


def test_control_and_a_key_type_nothing(page: Realm) -> None:
    page.dispatch(KeyEvent("KeyA", "a", pressed=True, modifiers=Modifiers.CONTROL))
    assert page.logged() == ["keydown@body"]
    page.dispatch(KeyEvent("KeyQ", "@", True, modifiers=Modifiers.CONTROL | Modifiers.ALT_GRAPH))
    assert page.logged() == ["keydown@body", "keypress@body"]


def test_what_a_promise_does_happens_before_the_next_event(page: Realm) -> None:
    page.evaluate("addEventListener('keydown', async () => { await null; log.push('later'); })")
    page.dispatch(KeyEvent("KeyA", "a", pressed=True))
    assert page.logged() == ["keydown@body", "later", "keypress@body"]


# --- the pointer ---


def test_a_movement_is_reported_where_the_picture_is(page: Realm) -> None:
    page.show(left=100, top=50, width=800, height=450, window_width=1000, window_height=550)
    page.dispatch(PointerMove(3, -4, 10.6, 20.4, buttons=1))
    assert page.logged() == ["resize@window", "pointermove@video", "mousemove@video"]
    assert page.value("[last.clientX, last.clientY]") == [110, 70]
    assert page.value("[last.offsetX, last.offsetY]") == [10, 20]
    assert page.value("[last.movementX, last.movementY, last.buttons]") == [3, -4, 1]
    page.dispatch(PointerMove(0, 0, -20, 5))
    assert "mousemove@body" in page.logged()
    page.dispatch(PointerMove(0, 0, -200, 5))
    assert "mousemove@html" in page.logged()


def test_no_fraction_of_a_movement_is_lost(page: Realm) -> None:
    page.evaluate(
        "globalThis.sum = 0; addEventListener('mousemove', (e) => { sum += e.movementX; })"
    )
    for _ in range(10):
        page.dispatch(PointerMove(0.7, -0.3, 0, 0))
    assert page.value("sum") == 7
    assert page.value("Number.isInteger(last.movementX)")


def test_a_click_is_a_press_a_release_and_a_click(page: Realm) -> None:
    page.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    assert page.logged() == ["pointerdown@video", "mousedown@video"]
    assert page.value("[last.button, last.buttons, last.detail, last.which]") == [0, 1, 1, 1]
    page.dispatch(PointerButton(Button.LEFT, False, 5, 5, buttons=0, clicks=2))
    assert page.logged() == ["pointerup@video", "mouseup@video", "click@video", "dblclick@video"]


def test_a_second_button_is_no_second_pointerdown(page: Realm) -> None:
    page.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    page.logged()
    page.dispatch(PointerButton(Button.RIGHT, True, 5, 5, buttons=3))
    assert page.logged() == ["pointermove@video", "mousedown@video", "contextmenu@video"]
    page.dispatch(PointerButton(Button.RIGHT, False, 5, 5, buttons=1))
    assert page.logged() == ["pointermove@video", "mouseup@video", "auxclick@video"]


def test_a_prevented_pointerdown_keeps_the_mouse_events_away(page: Realm) -> None:
    page.evaluate("addEventListener('pointerdown', (e) => e.preventDefault())")
    page.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    page.dispatch(PointerMove(1, 1, 6, 6, buttons=1))
    page.dispatch(PointerButton(Button.LEFT, False, 6, 6, buttons=0))
    page.dispatch(PointerMove(1, 1, 7, 7))
    assert page.logged() == [
        *("pointerdown@video", "pointermove@video", "pointerup@video", "click@video"),
        *("pointermove@video", "mousemove@video"),
    ]


def test_a_notch_of_the_wheel_is_as_many_pixels_as_in_chromium(
    page: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "NOTCH_PX", 100)
    page.dispatch(Wheel(0, 120, 5, 5))
    assert page.logged() == ["wheel@video"]
    assert page.value("[last.deltaX, last.deltaY, last.deltaMode, last.wheelDelta]") == [
        0,
        -100,
        0,
        120,
    ]
    page.dispatch(Wheel(-60, 0, 5, 5))
    assert page.value("[last.deltaX, last.deltaY, last.wheelDeltaX]") == [-50, 0, 60]


def test_the_pointer_enters_and_leaves(realm: Realm) -> None:
    realm.evaluate("""
      for (const type of ["mouseover", "mouseenter", "mouseout", "mouseleave"])
        options_video().addEventListener(type, (e) => log.push(`${e.type} ${e.bubbles}`));
      function options_video() { return document.querySelector("video"); }
    """)
    realm.dispatch(PointerMove(1, 1, 5, 5))
    realm.dispatch(PointerMove(1, 1, 6, 5))
    realm.show(left=100, width=100)
    realm.dispatch(PointerMove(1, 1, -5, 5))
    assert realm.logged() == [
        *("mouseover true", "mouseenter false", "mouseout true", "mouseleave false"),
    ]


# --- releases ---


def test_everything_held_goes_up_as_if_the_player_let_go(page: Realm) -> None:
    page.dispatch(KeyEvent("KeyW", "w", pressed=True))
    page.dispatch(KeyEvent("ShiftLeft", "Shift", True, Location.LEFT))
    page.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    page.dispatch(PointerButton(Button.RIGHT, True, 5, 5, buttons=3))
    page.dispatch(PadState(0, True, "pad", (1.0,), (0.5, 0.0)))
    page.logged()
    page.dispatch(ReleaseAll())
    assert [entry for entry in page.logged() if "key" in entry or "mouse" in entry] == [
        *("keyup@body", "keyup@body", "mouseup@video", "mouseup@video"),
    ]
    assert page.value("[last.buttons, navigator.getGamepads()[0].buttons[0].pressed]") == [0, False]
    page.dispatch(ReleaseAll())
    assert page.logged() == []


def test_after_focus_is_lost_nothing_is_left_to_release(page: Realm) -> None:
    page.dispatch(KeyEvent("KeyW", "w", pressed=True))
    page.logged()
    page.show(focused=False)
    page.dispatch(ReleaseAll())
    assert page.logged() == ["blur@window"]
    assert page.value("document.hasFocus()") is False


# --- the page that hands the events in itself ---


def test_a_module_that_does_not_listen_is_called(realm: Realm) -> None:
    realm.make(automatic=False)
    assert realm.value("options.inputConfiguration.autoKeyboard") is False
    realm.dispatch(KeyEvent("KeyW", "w", pressed=True))
    realm.dispatch(PointerMove(1, 1, 5, 5))
    realm.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    realm.dispatch(PointerButton(Button.LEFT, False, 500_000, 5, buttons=0))
    realm.dispatch(Wheel(0, 120, 5, 5))
    realm.dispatch(PadState(0, True, "pad", (0.5,), ()))
    realm.dispatch(PadState(0, True, "pad", (1.0,), ()))
    realm.dispatch(PadState(0, False))
    assert realm.logged() == [
        *("attach", "key keydown KeyW", "mouse mousemove 0", "mouse mousedown 1"),
        *("mouse mouseup 0", "mouse wheel 0", "pad gamepadconnected 0", "poll 0.5", "poll 1"),
        *("pad gamepaddisconnected 0", "poll undefined"),
    ]
    realm.run(commands.DETACH)
    realm.dispatch(KeyEvent("KeyW", "w", pressed=False))
    assert realm.logged() == ["detach"]


def test_a_pad_that_is_there_already_is_announced(realm: Realm) -> None:
    realm.dispatch(PadState(2, True, "pad", (), ()))
    realm.make(automatic=False)
    assert realm.logged() == ["pad gamepadconnected 2", "attach"]


# --- gamepads ---


def test_a_pad_has_the_standard_layout(page: Realm) -> None:
    page.dispatch(PadState(1, True, "Pad", (0.0, 1.0, 0.05), (0.25, -1.0)))
    assert page.logged() == ["gamepadconnected@window"]
    assert page.value("navigator.getGamepads().map((pad) => pad && pad.index)") == [
        None,
        1,
        None,
        None,
    ]
    pad = page.value("navigator.getGamepads()[1]")
    assert (pad["id"], pad["mapping"], pad["connected"]) == ("Pad", "standard", True)
    assert pad["axes"] == [0.25, -1.0]
    assert [button["pressed"] for button in pad["buttons"]] == [False, True, False]
    page.dispatch(PadState(1, False))
    assert page.logged() == ["gamepaddisconnected@window"]
    page.dispatch(PadState(9, True, "no such place", (), ()))
    assert page.logged() == []


def test_states_that_lay_there_are_as_if_they_had_been_told(page: Realm) -> None:
    pad = PadState(1, True, "Pad", (0.0, 1.0), (0.25, -1.0))
    page.dispatch(pad)
    page.dispatch(replace(pad, index=3))
    page.evaluate("log.length = 0; var first = navigator.getGamepads()[1]")
    page.run("", 1, 2, 2, 0.5, 0.0, -0.25, 1.0, 3, 1, 0, 1.0, 0, 1, 0, 1.0)
    pads = page.value("navigator.getGamepads()")
    assert pads[0] is None, "it is not there"
    assert [button["value"] for button in pads[1]["buttons"]] == [0.5, 0.0]
    assert (pads[1]["id"], pads[1]["axes"]) == ("Pad", [-0.25, 1.0])
    assert ([each["value"] for each in pads[3]["buttons"]], pads[3]["axes"]) == ([1.0], [])
    assert page.value("navigator.getGamepads()[1].timestamp > first.timestamp")
    assert page.value("first.buttons[1].value") == 1
    assert page.logged() == []


def test_a_snapshot_is_the_same_until_something_changes(page: Realm) -> None:
    pad = PadState(0, True, "Pad", (0.0, 1.0), (0.25,))
    page.dispatch(pad)
    page.evaluate("var first = navigator.getGamepads()[0]")
    assert page.value("navigator.getGamepads()[0] === first") is True
    page.dispatch(replace(pad, buttons=(1.0, 0.5)))
    assert page.value("navigator.getGamepads()[0] === first") is False
    assert page.value("[first, navigator.getGamepads()[0]].map((p) => p.buttons[0].value)") == [
        0,
        1,
    ]
    page.dispatch(ReleaseAll())
    assert page.value("navigator.getGamepads()[0].buttons.map((b) => b.value)") == [0, 0]
    page.dispatch(PadState(0, False))
    assert page.value("navigator.getGamepads()[0]") is None


POLL = "setInterval(() => {{ const [pad] = navigator.getGamepads(); {} }}, 16);"
LOG_PAD = "log.push(`${pad.buttons.map((b) => b.value)} ${pad.axes}`);"
PAD = PadState(0, True, "Pad", (0.0, 0.0), (0.5,))


def polling(does: str = LOG_PAD, *, poll: str = POLL) -> Realm:
    """A module that has looked at a pad, which has not changed since, at 16 ms by its clock."""
    realm = Realm(still_clock=True)
    realm.make()
    realm.dispatch(PAD)
    realm.evaluate(poll.format(does))
    realm.wait_ms(16)
    realm.logged()
    return realm


def test_a_timer_that_reads_pads_waits_for_news_of_them() -> None:
    realm = polling()
    assert realm.due == -2 - 50, "50 ms, or a state"
    realm.wait_ms(20)
    assert realm.logged() == [], "there is nothing to be found out"
    assert realm.due == -2 - 30
    realm.run("", 0, 0, 1, 0.75)
    assert realm.logged() == ["0,0 0.75"], "at once, as it is due"
    realm.run("", 0, 0, 1, 0.25)
    assert realm.logged() == []
    assert realm.due == 10, "not before its time, but for 2 ms"
    realm.wait_ms(10)
    assert realm.logged() == ["0,0 0.25"]
    realm.wait_ms(49)
    assert realm.logged() == []
    realm.wait_ms(1)
    assert realm.logged() == ["0,0 0.25"], "it does not wait for ever"
    realm.wait_ms(20)
    realm.dispatch(KeyEvent("KeyA", "a", pressed=True))
    assert realm.logged()[-1] == "0,0 0.25", "whatever happens may be news for it"


def test_frames_that_read_pads_wait_for_news_of_them() -> None:
    poll = """
      const look = () => {{
        const [pad] = navigator.getGamepads(); {}
        requestAnimationFrame(look);
      }};
      requestAnimationFrame(look);
    """
    realm = polling(poll=poll)
    realm.wait_ms(16)
    assert realm.logged() == ["0,0 0.5"], "frames have their own times"
    assert realm.due == -2 - 50
    realm.wait_ms(20)
    assert realm.logged() == []
    realm.run("", 0, 0, 1, 0.75)
    assert realm.logged() == ["0,0 0.75"]
    realm.wait_ms(50)
    assert realm.logged() == ["0,0 0.75"]


def test_a_timer_that_says_something_without_news_keeps_its_times() -> None:
    """It counts its runs, or repeats what it has sent."""
    realm = polling("log.push('tick'); options.clientRtc.rtcDataChannel.send('alive')")
    for _ in range(3):
        realm.wait_ms(50)
    assert realm.due in range(17), "it is known now"
    realm.logged()
    for _ in range(10):
        realm.wait_ms(16)
    assert realm.logged() == ["tick"] * 10


def test_a_timer_that_says_what_is_news_goes_on_waiting() -> None:
    realm = polling("log.push('tick'); if (pad.axes[0]) options.clientRtc.rtcDataChannel.send('!')")
    realm.run("", 0, 0, 1, 0.0)
    realm.wait_ms(50)
    for number in range(1, 10):
        realm.wait_ms(17)
        realm.run("", 0, 0, 1, number / 10)
        realm.wait_ms(17)
        realm.run("", 0, 0, 1, 0.0)
    realm.wait_ms(50)
    assert realm.due == -2 - 50


def test_a_timer_that_reads_no_pads_keeps_its_times() -> None:
    realm = Realm(still_clock=True)
    realm.make()
    realm.evaluate("setInterval(() => log.push('tick'), 50)")
    realm.wait_ms(0)
    assert realm.due == 50
    for _ in range(4):
        realm.wait_ms(50)
    assert realm.logged() == ["attach", *["tick"] * 4]


def test_a_long_interval_shares_a_wake_with_one_that_reads_pads() -> None:
    realm = polling()
    realm.evaluate("setInterval(() => log.push(`long ${clock}`), 40)")
    realm.wait_ms(40)  # at 56 its first time, before it is known
    assert realm.logged() == ["long 56"]
    assert realm.due == -2 - 10, "at 66 pads have to be looked at"
    realm.wait_ms(10)
    assert realm.logged() == ["0,0 0.5"]
    realm.wait_ms(29)
    assert realm.logged() == []
    assert realm.due == -2 - 11, "at 96 it may run, and at 106 it has to"
    realm.run("", 0, 0, 1, 0.75)
    assert realm.logged() == ["0,0 0.75"], "it shares this wake, but for its time"
    realm.wait_ms(3)
    assert realm.logged() == ["long 98"]
    realm.wait_ms(38)
    assert realm.logged()[-1:] == ["long 136"], "its times do not drift"


def test_an_interval_that_is_put_off_can_be_cleared() -> None:
    realm = polling()
    realm.evaluate("for (let id = 0; id < 100; id += 1) clearInterval(id)")
    realm.wait_ms(60)
    assert realm.due == -1
    assert realm.logged() == []


def test_a_press_between_two_looks_is_seen() -> None:
    realm = polling()
    realm.run("", 0, 2, 1, 1.0, 0.0, 0.5)
    realm.run("", 0, 2, 1, 0.0, 0.0, 0.5)
    realm.run("", 0, 0, 1, 0.75)
    for _ in range(3):
        realm.wait_ms(16)
    assert realm.logged()[:2] == ["1,0 0.5", "0,0 0.75"], "in order, and the newest sticks"


def test_a_press_that_lay_with_its_release_is_seen_too() -> None:
    realm = polling()
    realm.run("", *(0, 2, 1, 1.0, 0.0, 0.5), *(0, 2, 1, 0.0, 0.0, 0.5), *(0, 2, 1, 1.0, 1.0, 0.5))
    for _ in range(4):
        realm.wait_ms(16)
    assert realm.logged()[:3] == ["1,0 0.5", "0,0 0.5", "1,1 0.5"]


def test_a_trigger_that_moves_keeps_nobody_waiting() -> None:
    realm = polling()
    for number in range(2, 6):
        realm.run("", 0, 2, 1, number / 10, 0.0, 0.5)
    realm.wait_ms(16)
    assert realm.logged() == ["0.5,0 0.5"]


def test_what_a_module_has_not_looked_at_for_long_is_not_made_up_for() -> None:
    realm = Realm(still_clock=True)
    realm.make()
    realm.dispatch(PAD)
    for number in range(8):
        realm.run("", 0, 2, 1, float(number % 2), 0.0, 0.5)
        realm.wait_ms(100)
    realm.evaluate(POLL.format(LOG_PAD))
    for _ in range(20):
        realm.wait_ms(16)
    values = [entry[:3] for entry in realm.logged() if entry != "attach"]
    assert values[-1] == "1,0"
    assert sum(one != other for one, other in pairwise(values)) <= 3


def test_everything_let_go_leaves_no_press_to_be_seen() -> None:
    realm = polling()
    realm.run("", *(0, 2, 1, 1.0, 0.0, 0.5), *(0, 2, 1, 0.0, 0.0, 0.5), *(0, 2, 1, 1.0, 1.0, 0.5))
    realm.dispatch(ReleaseAll())
    for _ in range(4):
        realm.wait_ms(16)
    assert set(realm.logged()) == {"0,0 0"}


# --- vibration ---

PLAYED = """
  var played = [];
  const shake = (effect, parameters) =>
    navigator.getGamepads()[1].vibrationActuator.playEffect(effect, parameters)
      .then((how) => played.push(how), (error) => played.push(error.name));
"""
RUMBLING = PadState(1, True, "Pad", (0.0,) * 17, (0.0,) * 4, rumbles=True)


@pytest.fixture
def shaken(realm: Realm) -> Realm:
    """A module that is attached, and has a pad that vibrates."""
    realm.make()
    realm.dispatch(RUMBLING)
    realm.evaluate(PLAYED)
    return realm


def vibrations(realm: Realm, script: str) -> list[outbox.Vibrated]:
    """What the script said of vibration."""
    realm.evaluate(script)
    return [said for said in realm.run().said if isinstance(said, outbox.Vibrated)]


def test_a_pad_that_can_vibrate_has_an_actuator(page: Realm) -> None:
    page.dispatch(PadState(1, True, "Pad"))
    assert page.value("navigator.getGamepads()[1].vibrationActuator") is None
    page.dispatch(RUMBLING)
    assert page.value("navigator.getGamepads()[1].vibrationActuator.effects") == ["dual-rumble"]


def test_an_effect_is_said_once_and_ends_by_itself(shaken: Realm) -> None:
    effect = "{duration: 1, strongMagnitude: 1, weakMagnitude: 0.25}"
    assert vibrations(shaken, f'shake("dual-rumble", {effect})') == [
        outbox.Vibrated(1, 1, 1.0, 0.25, 0.001)
    ]
    while not shaken.value("played"):
        shaken.run()
    assert shaken.value("played") == ["complete"]


def test_a_new_effect_takes_the_place_of_the_last_one(shaken: Realm) -> None:
    said = vibrations(
        shaken,
        """shake("dual-rumble", {duration: 5000, weakMagnitude: 1});
           shake("dual-rumble", {duration: 4000, startDelay: 1000});
           shake("dual-rumble", {duration: 3000, strongMagnitude: 1});
           navigator.getGamepads()[1].vibrationActuator.reset();""",
    )
    assert said == [
        outbox.Vibrated(1, 1, 0.0, 1.0, 5.0),
        outbox.Vibrated(1, 1, 1.0, 0.0, 3.0),
        outbox.Vibrated(1, 1, 0.0, 0.0, 0.0),
    ]
    assert shaken.value("played") == ["preempted"] * 3


@pytest.mark.parametrize(
    ("effect", "parameters", "told"),
    [
        ("dual-rumble", "{duration: 5001}", "invalid-parameter"),
        ("dual-rumble", "{duration: 5000, startDelay: 1}", "invalid-parameter"),
        ("dual-rumble", "{duration: -1}", "invalid-parameter"),
        ("dual-rumble", "{duration: 10, weakMagnitude: 1.5}", "invalid-parameter"),
        ("dual-rumble", "{duration: 10, strongMagnitude: NaN}", "invalid-parameter"),
        ("trigger-rumble", "{duration: 10}", "NotSupportedError"),
    ],
)
def test_an_effect_that_cannot_be_is_refused(
    shaken: Realm, effect: str, parameters: str, told: str
) -> None:
    assert vibrations(shaken, f'shake("{effect}", {parameters})') == []
    assert shaken.value("played") == [told]


def test_a_module_that_is_detached_shakes_nothing(shaken: Realm) -> None:
    shaken.run(commands.DETACH)
    assert vibrations(shaken, 'shake("dual-rumble", {duration: 10, weakMagnitude: 1})') == []


# --- the window ---


def test_the_view_is_what_the_page_measures(page: Realm) -> None:
    page.show(
        left=10.5,
        top=20,
        width=640,
        height=360,
        window_width=661,
        window_height=400,
        screen_width=2560,
        device_pixel_ratio=1.5,
    )
    assert page.logged() == ["resize@window"]
    assert page.value("document.querySelector('video').getBoundingClientRect()") == {
        "x": 10.5,
        "y": 20,
        "width": 640,
        "height": 360,
        "top": 20,
        "right": 650.5,
        "bottom": 380,
        "left": 10.5,
    }
    assert page.value("[innerWidth, innerHeight, devicePixelRatio, screen.width]") == [
        661,
        400,
        1.5,
        2560,
    ]
    assert page.value("[video => 0, document.body.clientWidth].at(-1)") == 661


def test_visibility_focus_and_size_are_said_as_they_change(page: Realm) -> None:
    page.show(visible=False, focused=False)
    assert page.logged() == ["visibilitychange@#document", "blur@window"]
    assert page.value("[document.hidden, document.visibilityState]") == [True, "hidden"]
    page.show()
    assert page.logged() == ["visibilitychange@#document", "focus@window"]
    page.show()
    assert page.logged() == []


def test_the_size_of_the_stream_is_the_videos(realm: Realm) -> None:
    realm.evaluate("document.querySelector('video').onresize = () => log.push('resize')")
    realm.run(commands.size_command(1920, 1080))
    realm.run(commands.size_command(1920, 1080))
    assert realm.logged() == ["resize"]
    assert realm.value(
        "[document.querySelector('video').videoWidth, document.querySelector('video').videoHeight]"
    ) == [1920, 1080]


def test_a_resize_observer_hears_the_first_size_and_changes(realm: Realm) -> None:
    realm.evaluate("""
      new ResizeObserver(([entry]) => log.push(`${entry.contentRect.width}`))
        .observe(document.querySelector("video"));
    """)
    realm.show(width=640)
    realm.show(width=640, left=3)
    assert realm.logged() == ["1280", "640"]


def test_frames_are_asked_for_while_a_callback_waits(realm: Realm) -> None:
    realm.evaluate("""
      const video = document.querySelector("video");
      video.requestVideoFrameCallback((at, { mediaTime }) => log.push(`${mediaTime}`));
    """)
    assert realm.run().said == (outbox.FramesAsked(True),)
    assert realm.run(commands.frame_command(1.5)).said == (outbox.FramesAsked(False),)
    assert realm.logged() == ["1.5"]


# --- pointer lock and full screen ---

LOCK = """
  document.querySelector("video").requestPointerLock()
    .then(() => log.push("locked"), (error) => log.push(error.name));
"""


def test_the_pointer_is_locked_after_a_click(page: Realm) -> None:
    page.make()
    page.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    page.evaluate(LOCK)
    assert outbox.PointerLockAsked(1, True) in page.run().said
    page.logged()
    page.show(captured=True)
    assert page.logged() == ["pointerlockchange@#document", "locked"]
    assert page.value("document.pointerLockElement.tagName") == "VIDEO"
    page.evaluate("document.exitPointerLock()")
    assert page.run().said == (outbox.PointerLockAsked(1, False),)
    page.show(captured=False)
    assert page.value("document.pointerLockElement") is None


def test_without_a_click_nothing_is_asked_of_the_window(page: Realm) -> None:
    page.make()
    page.evaluate(LOCK)
    assert page.run().said == ()
    assert "NotAllowedError" in page.logged()
    page.dispatch(KeyEvent("Escape", "Escape", pressed=True))
    page.evaluate(LOCK)
    assert page.run().said == ()


def test_a_window_that_refuses_is_heard(page: Realm) -> None:
    page.make()
    page.dispatch(PointerButton(Button.LEFT, True, 5, 5, buttons=1))
    page.evaluate(LOCK)
    page.run()
    page.logged()
    page.run(commands.REFUSE_LOCK)
    assert page.logged() == ["pointerlockerror@#document", "NotAllowedError"]
    page.evaluate(LOCK)
    page.run()
    page.show(width=700)
    assert page.logged() == []
    page.show(width=700)
    assert page.logged() == ["pointerlockerror@#document", "NotAllowedError"]


def test_while_locked_the_pointer_moves_over_the_locked_element(page: Realm) -> None:
    page.show(left=100, captured=True)
    page.logged()
    page.dispatch(PointerMove(5, 5, -50, 5))
    assert page.logged() == ["pointermove@video", "mousemove@video"]


def test_full_screen_is_the_windows_answer(page: Realm) -> None:
    page.make()
    page.dispatch(KeyEvent("KeyF", "f", pressed=True))
    page.evaluate(
        "document.querySelector('video').requestFullscreen().then(() => log.push('full'))"
    )
    assert outbox.FullScreenAsked(1, True) in page.run().said
    page.logged()
    page.show(full_screen=True)
    assert page.logged() == ["fullscreenchange@video", "full"]
    assert page.value("document.fullscreenElement.contains(document.querySelector('video'))")
    page.show(full_screen=False)
    assert page.value("document.fullscreenElement") is None


# --- WebRTC ---


def test_channels_open_receive_and_count_what_waits(realm: Realm) -> None:
    realm.make(is_open=False)
    realm.evaluate("""
      const input = globalThis.input = options.clientRtc.rtcDataChannel;
      input.onopen = () => log.push("open");
      input.addEventListener("bufferedamountlow", () => log.push("low"));
      input.onmessage = ({ data }) =>
        log.push(typeof data === "string" ? data : [...new Uint8Array(data)].join());
      try { input.send("x"); } catch (error) { log.push(error.name); }
    """)
    realm.run(commands.channel_command(Channel.INPUT, ChannelState("open", 0)))
    realm.evaluate(
        "input.send(new Uint8Array(10)); input.send('é'); log.push(`${input.bufferedAmount}`)"
    )
    assert realm.run().said == (
        Sent(1, Channel.INPUT, bytes(10)),
        Sent(1, Channel.INPUT, "é"),
    )
    realm.run(commands.channel_command(Channel.INPUT, ChannelState("open", 12)))
    realm.run(commands.channel_command(Channel.INPUT, ChannelState("open", 0)))
    realm.run(commands.message_command(Channel.INPUT, b"\x00\x01"))
    realm.run(commands.message_command(Channel.INPUT, "a\0b"))
    assert realm.logged() == ["attach", "InvalidStateError", "open", "12", "low", "0,1", "a\0b"]


SEND = "globalThis.input = options.clientRtc.rtcDataChannel; input.send(new Uint8Array({}));"


def test_what_is_sent_counts_as_gone_with_the_next_step() -> None:
    realm = Realm(still_clock=True)
    realm.make()
    realm.evaluate(SEND.format(4096))
    assert realm.value("input.bufferedAmount") == 4096
    realm.run()
    assert realm.value("input.bufferedAmount") == 0
    realm.evaluate("input.send(new Uint8Array(4097))")
    realm.run()
    assert realm.value("input.bufferedAmount") == 4097, "that much may be stuck"
    realm.run(commands.channel_command(Channel.INPUT, ChannelState("open", 0)))
    assert realm.value("input.bufferedAmount") == 0


def test_a_module_that_waits_for_a_channel_hears_soon_that_it_is_free() -> None:
    realm = Realm(still_clock=True)
    realm.make()
    realm.evaluate(SEND.format(10) + "input.onbufferedamountlow = () => log.push('low');")
    realm.evaluate("input.send(new Uint8Array(10)); log.length = 0;")
    realm.run()
    realm.evaluate("input.send(new Uint8Array(10))")
    realm.run()
    realm.wait_ms(5)
    assert realm.logged() == ["low"]


def test_a_message_of_the_other_channel_is_not_mixed_up(realm: Realm) -> None:
    realm.make()
    realm.evaluate(
        "options.clientRtc.rtcClientMessageChannel.send(new DataView(new ArrayBuffer(2)))"
    )
    assert realm.run().said == (Sent(1, Channel.MESSAGES, bytes(2)),)


def test_the_peer_shows_states_and_statistics_alone(realm: Realm) -> None:
    realm.make()
    realm.evaluate("""
      const peer = globalThis.peer = options.clientRtc.rtcPeerConnection;
      peer.onconnectionstatechange = () => log.push(peer.connectionState);
      peer.getStats().then((report) => {
        for (const { type, bytesSent } of report.values()) log.push(`${type} ${bytesSent}`);
      });
    """)
    realm.run(commands.peer_command(PeerState("failed", "disconnected", {})))
    assert realm.logged() == ["attach", "transport 5", "failed"]
    assert realm.value("[peer.localDescription, peer.getSenders()]") == [None, []]


def test_a_module_makes_no_connection_of_its_own(realm: Realm) -> None:
    realm.evaluate("try { new RTCPeerConnection(); } catch (error) { log.push(error.name); }")
    realm.evaluate("try { new RTCDataChannel(); } catch (error) { log.push(error.name); }")
    assert realm.logged() == ["NotSupportedError", "TypeError"]


# --- events and targets ---


def test_events_go_down_and_up_the_tree(realm: Realm) -> None:
    realm.evaluate("""
      const video = document.querySelector("video");
      const note = (name) => (e) => log.push(`${name} ${e.eventPhase}`);
      window.addEventListener("keydown", note("window down"), true);
      window.addEventListener("keydown", note("window up"));
      document.body.addEventListener("keydown", note("body"));
      document.body.addEventListener("keydown", { handleEvent: note("object") });
      document.onkeydown = note("handler");
    """)
    realm.dispatch(KeyEvent("KeyA", "a", pressed=True))
    assert realm.logged() == ["window down 1", "body 2", "object 2", "handler 3", "window up 3"]


def test_listeners_can_end_themselves_and_the_way(realm: Realm) -> None:
    realm.evaluate("""
      const controller = new AbortController();
      const again = () => log.push("again");
      addEventListener("keyup", () => log.push("once"), { once: true });
      addEventListener("keyup", () => log.push("signal"), { signal: controller.signal });
      addEventListener("keyup", again);
      addEventListener("keyup", again);
      addEventListener("keyup", (e) => { e.stopImmediatePropagation(); controller.abort(); });
      addEventListener("keyup", () => log.push("never"));
    """)
    for _ in range(2):
        realm.dispatch(KeyEvent("KeyA", "a", pressed=False))
    assert realm.logged() == ["once", "signal", "again", "again"]


def test_events_of_the_module_are_not_trusted_and_do_not_change_ours(realm: Realm) -> None:
    realm.evaluate("""
      addEventListener("keydown", (e) => {
        log.push(`${e.isTrusted} ${e.detail ?? e.code}`);
        try { Object.defineProperty(e, "isTrusted", { value: true }); }
        catch { log.push("refused"); }
      });
      dispatchEvent(new KeyboardEvent("keydown", { code: "KeyQ" }));
      const target = new EventTarget();
      target.addEventListener("mine", (e) => log.push(`${e.detail}`));
      target.dispatchEvent(new CustomEvent("mine", { detail: 5 }));
    """)
    assert realm.logged() == ["false 0", "refused", "5"]


def test_a_listener_that_throws_is_counted_and_the_others_go_on(realm: Realm) -> None:
    realm.evaluate("addEventListener('keyup', () => { throw new Error('secret'); })")
    realm.evaluate("addEventListener('keyup', () => log.push('next'))")
    answer = realm.dispatch(KeyEvent("KeyA", "a", pressed=False))
    assert (answer.errors, realm.logged()) == (1, ["next"])


# --- timers ---


def test_timers_run_in_order_and_not_before_their_time(realm: Realm) -> None:
    realm.evaluate("""
      const from = performance.now();
      setTimeout((a, b) => log.push(`late ${a}${b} ${performance.now() - from >= 20}`), 20, 1, 2);
      setTimeout(() => log.push("soon"), 0);
      const gone = setTimeout(() => log.push("never"), 1);
      clearTimeout(gone);
      queueMicrotask(() => log.push("at once"));
      requestAnimationFrame((at) => log.push(`frame ${at > 0}`));
    """)
    realm.value(
        "(() => { const end = performance.now() + 60; while (performance.now() < end); })()"
    )
    realm.run()
    entries = realm.logged()
    assert entries[:2] == ["at once", "soon"]
    assert sorted(entries[2:]) == ["frame true", "late 12 true"]


def test_an_interval_goes_on_until_it_is_cleared(realm: Realm) -> None:
    realm.evaluate("""
      let count = 0;
      const every = setInterval(() => {
        log.push("tick");
        if (++count === 3) clearInterval(every);
      }, 1);
    """)
    for _ in range(100):
        realm.value(
            "(() => { const end = performance.now() + 6; while (performance.now() < end); })()"
        )
        realm.run()
    assert realm.logged() == ["tick"] * 3


def test_no_frames_are_drawn_where_nobody_sees_them(realm: Realm) -> None:
    realm.show(visible=False)
    realm.evaluate("requestAnimationFrame(() => log.push('frame'))")
    realm.value(
        "(() => { const end = performance.now() + 40; while (performance.now() < end); })()"
    )
    realm.run()
    assert realm.logged() == []


# --- values ---


@pytest.mark.parametrize("text", ["", "abc", "é", "€", "😀", "a\0b", "\uffff"])
def test_text_becomes_bytes_and_text_again(realm: Realm, text: str) -> None:
    realm.evaluate(f"globalThis.text = {json.dumps(text)}")
    assert realm.value("[...new TextEncoder().encode(text)]") == list(text.encode())
    assert realm.value("new TextDecoder().decode(new TextEncoder().encode(text))") == text


@pytest.mark.parametrize(
    "digits",
    ["ff", "c3", "e282", "f09f98", "c0af", "eda080", "f4908080", "61c3b1ff62", "e28261", "80"],
)
def test_bytes_that_are_no_text_are_decoded_as_python_does(realm: Realm, digits: str) -> None:
    data = bytes.fromhex(digits)
    assert realm.value(f"new TextDecoder().decode(new Uint8Array({list(data)}))") == data.decode(
        "utf-8", "replace"
    )


def test_text_comes_in_pieces(realm: Realm) -> None:
    realm.evaluate("globalThis.decoder = new TextDecoder()")
    pieces = [[0xE2], [0x82], [0xAC, 0x41]]
    texts = [
        realm.value(f"decoder.decode(new Uint8Array({piece}), {{ stream: true }})")
        for piece in pieces
    ]
    assert texts == ["", "", "€A"]


def test_a_decoder_can_be_strict(realm: Realm) -> None:
    realm.evaluate("""
      try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])); }
      catch (error) { log.push(error.name); }
      try { new TextDecoder("shift-jis"); } catch (error) { log.push(error.name); }
    """)
    assert realm.logged() == ["TypeError", "RangeError"]
    assert Missing("TextDecoder shift-jis") in realm.run().said


def test_random_values_are_random_and_bounded(realm: Realm) -> None:
    assert (
        realm.value(
            "new Set(Array.from({ length: 8 }, () =>"
            " crypto.getRandomValues(new Uint32Array(2)).join())).size"
        )
        == 8
    )
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4.*", realm.value("crypto.randomUUID()"))
    realm.evaluate(
        "try { crypto.getRandomValues(new Uint8Array(65537)); } catch (e) { log.push(e.name); }"
    )
    assert realm.logged() == ["QuotaExceededError"]


def test_copies_are_deep_and_keep_their_shape(realm: Realm) -> None:
    realm.evaluate("""
      const source = { list: [1, new Date(5)], map: new Map([["a", new Set([1])]]) };
      source.bytes = new Uint8Array([1, 2]);
      source.self = source;
      globalThis.copy = structuredClone(source);
      source.bytes[0] = 9;
      try { structuredClone(() => 0); } catch (error) { log.push(error.name); }
    """)
    assert realm.value(
        "[copy.self === copy, copy.list[1].getTime(), copy.map.get('a').has(1), copy.bytes[0],"
        " copy.bytes instanceof Uint8Array]"
    ) == [True, 5, True, 1, True]
    assert realm.logged() == ["DataCloneError"]


@pytest.mark.parametrize(
    ("url", "base", "href"),
    [
        ("https://Example.com:443/a/../b?x=1#y", None, "https://example.com/b?x=1#y"),
        ("../c", "https://e.com/a/b/d?q", "https://e.com/a/c"),
        ("/c", "https://e.com:8443/a/b", "https://e.com:8443/c"),
        ("?z", "https://e.com/a/b?x#h", "https://e.com/a/b?z"),
        ("#z", "https://e.com/a/b?x#h", "https://e.com/a/b?x#z"),
        ("//f.com/x", "http://e.com/a", "http://f.com/x"),
        ("https://u:p@e.com/ä b", None, "https://u:p@e.com/%C3%A4%20b"),
        ("blob:abc", None, "blob:abc"),
        ("http://[::1]:80/", None, "http://[::1]/"),
    ],
)
def test_urls_are_read_as_browsers_do(realm: Realm, url: str, base: str | None, href: str) -> None:
    arguments = json.dumps([url] if base is None else [url, base])
    assert realm.value(f"new URL(...{arguments}).href") == href


@pytest.mark.parametrize(
    "url", ["", "nothing", "http://", "https://a b/", "http://x:99999/", "//x"]
)
def test_what_is_no_url_is_refused(realm: Realm, url: str) -> None:
    assert realm.value(f"URL.canParse({json.dumps(url)})") is False


def test_the_query_of_a_url_can_be_read_and_changed(realm: Realm) -> None:
    realm.evaluate("""
      globalThis.url = new URL("https://e.com/?a=1&b=2+3&a=%C3%A9");
      log.push(url.searchParams.getAll("a").join(), url.searchParams.get("b"));
      url.searchParams.set("a", "x y");
      url.searchParams.delete("b");
      log.push(url.href, url.origin);
    """)
    assert realm.logged() == ["1,é", "2 3", "https://e.com/?a=x+y", "https://e.com"]


# --- what is missing ---


def test_what_is_asked_for_and_missing_is_recorded_by_name(realm: Realm) -> None:
    realm.make()
    realm.run()
    realm.evaluate("""
      typeof WebAssembly; "Intl" in globalThis; window.SharedWorker; "loop" in options.videoElement;
      try { Worker; } catch {}
      navigator.keyboard; document.fonts; options.videoElement.canPlayType;
      options.clientRtc.rtcDataChannel.priority; crypto.subtle; performance.mark;
      addEventListener("touchstart", () => 0);
      matchMedia("(pointer: coarse)");
    """)
    assert {said.name for said in realm.run().said if isinstance(said, Missing)} == {
        *("WebAssembly", "Intl", "SharedWorker", "Worker", "navigator.keyboard", "document.fonts"),
        *("video.canPlayType", "channel.priority", "crypto.subtle", "performance.mark"),
        *("event touchstart", "matchMedia (pointer: coarse)", "in loop"),
    }
    realm.evaluate("typeof WebAssembly")
    assert realm.run().said == ()


def test_what_the_module_defines_itself_is_not_missing(realm: Realm) -> None:
    realm.evaluate("if (!globalThis.polyfill) globalThis.polyfill = 1; undeclared = 2;")
    assert realm.run().said == ()


def test_nothing_of_the_machine_can_be_reached(realm: Realm) -> None:
    names = "process require module fetch XMLHttpRequest WebSocket Worker std os scriptArgs print"
    for name in names.split():
        assert realm.value(f"typeof {name}") == "undefined", name
    realm.evaluate("import('os').catch((error) => log.push(error.name))")
    assert len(realm.logged()) == 1


def test_a_view_that_is_a_default_changes_nothing(page: Realm) -> None:
    page.dispatch(View())
    assert page.logged() == []


def test_a_page_can_list_the_members_of_an_event(page: Realm) -> None:
    page.dispatch(KeyEvent("KeyW", "w", pressed=True))
    names = page.value(
        "(() => { const all = []; for (const name in last) all.push(name); return all })()"
    )
    assert {"type", "target", "timeStamp", "defaultPrevented", "which", "key", "view"} <= set(names)
    assert "constructor" not in names


def test_which_is_the_button_or_one_that_is_held(page: Realm) -> None:
    found = []
    for event in (
        PointerMove(1, 0, 5, 5),
        PointerButton(Button.RIGHT, True, 5, 5, 2),
        PointerMove(1, 0, 6, 5, 2),
        PointerButton(Button.RIGHT, False, 6, 5),
        Wheel(0, 120, 6, 5),
    ):
        page.dispatch(event)
        found.append(page.value("[last.type, last.which]"))
    assert found == [
        ["mousemove", 0],
        ["contextmenu", 3],
        ["mousemove", 3],
        ["auxclick", 3],
        ["wheel", 0],
    ]


def test_what_comes_of_a_press_is_of_no_pointer_and_while_locked_a_click(page: Realm) -> None:
    def right() -> object:
        page.dispatch(PointerButton(Button.RIGHT, True, 5, 5, 2))
        page.dispatch(PointerButton(Button.RIGHT, False, 5, 5))
        return page.value("[last.type, last.pointerType, last.isPrimary, last.pressure]")

    assert right() == ["auxclick", "mouse", False, 0]
    page.dispatch(View(captured=True))
    page.logged()
    assert right() == ["click", "", False, 0]
    assert "contextmenu@video" not in page.logged()


def test_of_two_buttons_at_once_the_first_that_goes_up_has_clicked(page: Realm) -> None:
    page.dispatch(PointerButton(Button.RIGHT, True, 5, 5, 2))
    page.dispatch(PointerButton(Button.MIDDLE, True, 5, 5, 6))
    page.dispatch(PointerButton(Button.RIGHT, False, 5, 5, 4))
    page.logged()
    page.dispatch(PointerButton(Button.MIDDLE, False, 5, 5))
    assert page.logged() == ["pointerup@video", "mouseup@video"]
    assert page.value("last.detail") == 0


# --- answers ---


def test_jobs_after_the_last_step_belong_to_its_answer_and_nothing_is_said_twice(
    realm: Realm,
) -> None:
    realm.run()
    realm.evaluate(
        "setTimeout(() => { document.one; Promise.resolve().then(() => document.two); }, 0)"
    )
    assert realm.run().said == (Missing("document.one"), Missing("document.two"))
    realm.evaluate("document.three")
    assert realm.run().said == (Missing("document.three"),)
    realm.evaluate("""
      setTimeout(() => {
        Promise.resolve().then(() => setTimeout(() => { throw 1; }, 0));
        throw 2;
      }, 0)
    """)
    assert realm.run().errors == 2
    assert realm.run() == outbox.Answer(Status.OK)
