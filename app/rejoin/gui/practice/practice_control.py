"""Carries out what a tester chooses by menu or key: a drop after a countdown, *Lift*, a marker."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rejoin.clock import Clock
from rejoin.core.model import Stage
from rejoin.gui.practice import texts
from rejoin.gui.practice.marker_page import MarkerPage
from rejoin.gui.practice.practice_frame import PracticeFrame
from rejoin.gui.practice.practice_options import PracticeOptions
from rejoin.gui.practice.practice_page import ChosenDrop, PracticePage
from rejoin.gui.saving import pictures_folder, stamp
from rejoin.language import tr
from rejoin.media.video.picture import Picture
from rejoin.media.video.png import png_of
from rejoin.runtime.new_file import NotSaved, Saved
from rejoin.runtime.practice_port import MOST_SEED, Held, PracticeState

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow

COUNTDOWN_S: Final = 3.0
_FIRST_FAULT: Final = "cut_3s"


def practice_of(
    window: RejoinWindow,
    options: PracticeOptions | None,
    say: Callable[[str], None],
    clock: Clock,
) -> PracticeControl | None:
    """The control of a window; None if it has no practice drops. `say`: for screen readers."""
    return None if options is None else PracticeControl(window, options, say, clock)


class PracticeControl:
    """The practice drops of one window. The window's tick refreshes them."""

    def __init__(
        self,
        window: RejoinWindow,
        options: PracticeOptions,
        say: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._window = window
        self._say = say
        self.port = options.port
        self._clock = clock
        first = _FIRST_FAULT if _FIRST_FAULT in self.port.faults else self.port.faults[0]
        self.chosen = ChosenDrop(first, random.randint(1, MOST_SEED))
        self.frame = PracticeFrame(window.layers)
        self._begins_at: float | None = None
        """When the countdown ends and the drop begins."""
        self._was_on = ""
        self._page: PracticePage | None = None
        window.refreshed.connect(self.show)

    @property
    def state(self) -> PracticeState:
        return self.port.state()

    @property
    def fault_on(self) -> str:
        """The fault that is on, as it is named; "" for none."""
        return texts.fault_on(self.state)

    # --- what a tester does ---------------------------------------------------------------------

    def open_page(self) -> None:
        """Show the page in the open menu."""
        keeps, keys = self.port.keeps_pictures, self._window.keys
        menu = self._window.layers.menu
        page = PracticePage(self.port.faults, self.chosen, keys, keeps_pictures=keeps, parent=menu)
        page.show_state(self.state)
        page.chosen.connect(self._choose)
        page.started.connect(self._start_from_page)
        page.held.connect(self._hold)
        page.lifted.connect(self.lift)
        page.marker_wanted.connect(self.mark)
        page.left.connect(self._leave_page)
        self._page = page
        menu.show_page(page)

    def toggle(self) -> None:
        """By key: lift the fault that is on or counted down, or else begin the chosen drop."""
        if self._begins_at is not None or self.state.is_on:
            self.lift()
        elif self._window.snapshot.stage is Stage.LIVE:
            self._begins_at = self._clock() + COUNTDOWN_S
            self._window.refresh()

    def lift(self) -> None:
        """End every fault, and the countdown."""
        if self._begins_at is not None:
            self._begins_at = None
            self._say(tr(texts.CANCELLED))
        self.port.lift()
        self._window.refresh()

    def mark(self) -> None:
        """Mark this moment. Where the menu can be opened, it asks for a note; if the tester leaves
        it without *Save*, there is no marker."""
        at, picture = self._clock(), self._window.layers.view.picture
        if not self.port.keeps_pictures:
            picture = None
        if self._window.snapshot.stage is not Stage.LIVE:
            self._save_marker(at, picture, "")
            return
        was_open = self._window.menu.is_open
        if not was_open:
            self._window.menu.toggle()
        page = MarkerPage(self._window.keys, keeps_picture=picture is not None)
        saved = False

        def leave() -> None:
            if was_open:
                self.open_page()
            else:
                self._window.menu.resume()

        def save(note: str) -> None:
            nonlocal saved
            if not saved:
                saved = True
                self._save_marker(at, picture, note)
                leave()

        page.saved.connect(save)
        page.left.connect(leave)
        self._window.layers.menu.show_page(page)

    # --- what follows ---------------------------------------------------------------------------

    def show(self) -> None:
        """Called at each tick of the window."""
        now = self._clock()
        text = ""
        if self._begins_at is not None:
            if self._window.snapshot.stage is not Stage.LIVE:
                self._begins_at = None
            elif now >= self._begins_at:
                self._begins_at = None
                self.port.begin(self.chosen.fault, self.chosen.seed)
            else:
                left = math.ceil(self._begins_at - now)
                text = texts.counting(self.chosen.fault, left)
        state = self.state
        self.frame.show(on=state.is_on, text=text or texts.label(state))
        self._follow(texts.fault_on(state), now)
        if self._page is not None and self._window.layers.menu.page is not self._page:
            self._page = None
        if self._page is not None:
            self._page.show_state(state)

    def _follow(self, on: str, now: float) -> None:
        """Tell charts and screen readers that a fault began or ended."""
        before, self._was_on = self._was_on, on
        if on == before:
            return
        self._window.layers.history.fault(bool(on), now)
        self._say(texts.begun(on) if on else texts.lifted(before))

    def _start_from_page(self) -> None:
        self._window.menu.resume()
        self._begins_at = self._clock() + COUNTDOWN_S
        self._window.refresh()

    def _choose(self, chosen: ChosenDrop) -> None:
        self.chosen = chosen

    def _hold(self, held: Held) -> None:
        self.port.hold(held, self.chosen.seed)
        self._window.refresh()

    def _leave_page(self) -> None:
        self._page = None
        self._window.layers.menu.leave_page()

    def _save_marker(self, at: float, picture: Picture | None, note: str) -> None:
        """The trace names the picture only once its file is there."""
        self._window.layers.history.mark(at)
        now = datetime.now().astimezone()
        name = f"Rejoin marker {stamp(now)}.{now.microsecond // 1000:03}.png"

        def written(outcome: Saved | NotSaved) -> None:
            self.port.mark(at, note, name if isinstance(outcome, Saved) else "")

        saving = self._window.files.saving
        if picture is None or not saving.save(
            pictures_folder(), name, lambda: png_of(picture), written
        ):
            self.port.mark(at, note, "")  # there is none, or another one is being saved
        self._say(tr(texts.MARKER_SET))
