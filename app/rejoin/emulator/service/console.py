"""The terminal view of a running studio: sessions and faults live, and commands typed below them.

Everything shown comes from the control API. Without a terminal it prints plain lines, one for each
change.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from rich.console import Console
from rich.live import Live

from rejoin.emulator.service.console_charts import Charts
from rejoin.emulator.service.console_commands import carry_out, parse
from rejoin.emulator.service.console_view import State, changes, view
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.keyboard import Keyboard
from rejoin.errors import RejoinError
from rejoin.printable import printable
from rejoin.tasks import cancel, spawn

_REFRESH_S: Final = 0.5


async def run(
    control: EmulatorControl,
    *,
    source: TextIO | None = None,
    console: Console | None = None,
    refresh_s: float = _REFRESH_S,
) -> None:
    """Show the state and carry out commands until `quit` is typed, also after the end of input.

    Raises ServiceError when the control API is gone.
    """
    console = console or Console()
    with Keyboard(source or sys.stdin) as keyboard:
        if console.is_terminal:
            await _run_live(control, console, keyboard, refresh_s)
        else:
            await _run_plain(control, console, keyboard, refresh_s)


def _printable(document: Any) -> Any:
    """A state document whose texts, some of which a client or a page chose, control no terminal."""
    match document:
        case str():
            return printable(document)
        case dict():
            return {printable(key): _printable(value) for key, value in document.items()}
        case list():
            return [_printable(value) for value in document]
        case _:
            return document


async def _run_live(
    control: EmulatorControl, console: Console, keyboard: Keyboard, refresh_s: float
) -> None:
    shown: State | None = None
    message = ""
    charts = Charts()
    with Live(console=console, auto_refresh=False) as live:

        def draw() -> None:
            if shown is not None:
                blocks = not console.options.ascii_only
                drawn = charts.lines(shown, console.width, blocks=blocks)
                picture = view(shown, message, keyboard.typing, drawn)
                live.update(picture, refresh=True)

        def show(_before: State | None, state: State) -> None:
            nonlocal shown
            shown = state
            charts.add(state)
            draw()

        def report(sentence: str) -> None:
            nonlocal message
            message = sentence
            draw()

        keyboard.on_change = draw
        try:
            await _run(control, keyboard, refresh_s, show, report)
        finally:
            keyboard.on_change = lambda: None


async def _run_plain(
    control: EmulatorControl, console: Console, keyboard: Keyboard, refresh_s: float
) -> None:
    def report(sentence: str) -> None:
        if sentence:
            console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def show(before: State | None, state: State) -> None:
        for line in changes(before, state):
            report(line)

    await _run(control, keyboard, refresh_s, show, report)


async def _run(
    control: EmulatorControl,
    keyboard: Keyboard,
    refresh_s: float,
    show: Callable[[State | None, State], None],
    report: Callable[[str], None],
) -> None:
    before: State | None = None
    over = asyncio.Event()

    async def read_commands() -> None:
        while (line := await keyboard.next()) is not None:
            try:
                command = parse(line)
                sentence = "" if command is None else await carry_out(command, control)
            except RejoinError as error:
                sentence = str(error)
            if sentence is None:
                over.set()
                return
            report(printable(sentence))

    reading = spawn(read_commands(), name="console:commands")
    try:
        while not over.is_set():
            state = _printable(await control.state())
            show(before, state)
            before = state
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(refresh_s):
                    await over.wait()
    finally:
        await cancel(reading)
