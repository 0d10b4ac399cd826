"""A realm of the sandbox's browser in this process, for tests of what a module sees there."""

from __future__ import annotations

import json
from typing import Any

from rejoin.input_events.events import InputEvent, View
from rejoin.input_module import commands, outbox
from rejoin.input_module.browser_source import browser_source
from rejoin.input_module.outbox import Answer
from rejoin.input_module.port import Channel, ChannelState, ModuleOptions, PeerState
from rejoin.input_module.quickjs_engine import QuickJS
from rejoin.input_module.sandbox_process import GO_ON, SILENT

RECORDER = """
globalThis.log = [];
globalThis.GameCastInputModule = { GameCastInput: class {
  constructor(options) { globalThis.options = options; }
  attach() { log.push("attach"); }
  detach() { log.push("detach"); }
  processKeyboardEvent(event) { log.push(`key ${event.type} ${event.code}`); return true; }
  processMouseEvent(event) { log.push(`mouse ${event.type} ${event.buttons}`); return true; }
  processGamepadEvent(event) { log.push(`pad ${event.type} ${event.gamepad}`); }
  pollTrackedGamepads() { log.push(`poll ${navigator.getGamepads()[0]?.buttons[0].value}`); }
  sendApplicationMessage(bytes) { log.push(`send ${[...bytes]}`); }
}};
"""
"""A module that writes down what it is asked for."""


_CLOCK, _STILL_CLOCK = "performance.now.bind(performance)", "() => clock"


class Realm:
    """Runs scripts and commands as the sandbox's process does, without a process.

    `still_clock`: time passes by `wait_ms` alone.
    """

    def __init__(self, script: str = RECORDER, *, still_clock: bool = False) -> None:
        browser = browser_source()
        if still_clock:
            assert browser.count(_CLOCK) == 1
            browser = f"(globalThis.clock = 0, {browser.replace(_CLOCK, _STILL_CLOCK)})"
        self._engine = QuickJS(browser)
        self.due = -1.0
        """As the process is told when it has to wake up."""
        self._engine.evaluate(script)
        self._engine.run_jobs()

    def run(self, command: str = "", *numbers: float) -> Answer:
        """The answer to one command, or to waking up; `numbers`: states of gamepads."""
        text = self._engine.call(command, *numbers)
        while self._engine.run_jobs() or text == "1":
            text = self._engine.call(GO_ON)
        self.due = float(text.split("\n")[1]) if isinstance(text, str) else text
        return outbox.parse(text if isinstance(text, str) else SILENT)

    def wait_ms(self, ms: float) -> Answer:
        """Let time pass, and wake up."""
        self._engine._context.eval(f"clock += {ms}")
        return self.run()

    def evaluate(self, script: str) -> None:
        self._engine.evaluate(script)
        self._engine.run_jobs()

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives, through JSON."""
        text = self._engine._context.eval(f"JSON.stringify({expression})")
        return None if text is None else json.loads(text)

    def make(self, instance: int = 1, *, automatic: bool = True, is_open: bool = True) -> Answer:
        """Construct the module's object, with open channels, and attach it."""
        state = ChannelState("open" if is_open else "connecting")
        options = ModuleOptions('{"signal": 1}', 8000, 720, automatic)
        channels = dict.fromkeys(Channel, state)
        peer = PeerState("connected", "connected", {"transport": {"bytesSent": 5}})
        made = self.run(commands.instance_command(instance, options, channels, peer))
        self.run(commands.ATTACH)
        return made

    def dispatch(self, event: InputEvent) -> Answer:
        return self.run(commands.event_command(event))

    def show(self, **members: Any) -> Answer:
        return self.dispatch(View(**members))

    def logged(self) -> list[str]:
        """What the script has put into its global `log` since the last call."""
        entries: list[str] = self.value("log.splice(0)")
        return entries
