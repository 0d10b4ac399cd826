"""Opens and closes the menu of one window, and carries out its entries.

While it is open the game takes no input. Back in the game, the mouse is captured again if the game
had it. A drop covers the menu with its card; once the connection is back, the menu is still open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rejoin.core.events import EndGameRequested, ReconnectRequested
from rejoin.core.model import Snapshot, Stage
from rejoin.gui import hand
from rejoin.gui.bridge import Bridge
from rejoin.gui.menu import texts
from rejoin.gui.menu.entries import MenuAction, MenuState
from rejoin.gui.menu.menu_layer import MenuLayer
from rejoin.gui.mouse_capture import Captured, FreedByKeys, MouseCapture
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.settings.following import playing_in
from rejoin.gui.settings.rows import Playing
from rejoin.language import tr
from rejoin.media.audio.volume import SoundChoice

if TYPE_CHECKING:
    from rejoin.gui.announcer import Announcer
    from rejoin.gui.controls import Controls
    from rejoin.gui.main_window import RejoinWindow
    from rejoin.gui.note_keeper import NoteKeeper
    from rejoin.gui.practice.practice_control import PracticeControl


class MenuWindow(Protocol):
    """The menu's interface to its window."""

    @property
    def snapshot(self) -> Snapshot: ...

    def refresh(self) -> None:
        """Update everything shown."""

    def capture_mouse(self) -> None: ...

    def close(self) -> bool:
        """Close the game for now."""


def menu_of(
    window: RejoinWindow,
    settings: FollowedSettings,
    controls: Controls,
    notes: NoteKeeper,
    announcer: Announcer,
) -> MenuControl:
    """The menu of a game's window."""
    parts = MenuParts(
        bridge=window.bridge,
        full_screen=controls.full_screen.toggle,
        is_full_screen=lambda: window.window().isFullScreen(),
        choose_sound=notes.change_sound,
        say=announcer.say,
        settings=settings,
        playing=lambda: playing_in(window),
        practice=window.practice,
    )
    made = MenuControl(window, window.layers.menu, controls.mouse, parts)
    window.layers.menu_tab.clicked.connect(made.toggle)
    return made


@dataclass(frozen=True, slots=True)
class MenuParts:
    """What entries act on. `full_screen`: toggles it; `is_full_screen`. `choose_sound`: changes the
    volume. `say`: announces. `settings`: the page has this file, None of it: no page. `playing`:
    what that page says of the game. `practice`: None: there are no practice drops."""

    bridge: Bridge
    full_screen: Callable[[], None]
    is_full_screen: Callable[[], bool]
    choose_sound: Callable[[SoundChoice], None]
    say: Callable[[str], None]
    settings: FollowedSettings
    playing: Callable[[], Playing | None]
    practice: PracticeControl | None = None


class MenuControl:
    """Of one window."""

    def __init__(
        self, window: MenuWindow, layer: MenuLayer, mouse: MouseCapture, parts: MenuParts
    ) -> None:
        self._window = window
        self._layer = layer
        self._mouse = mouse
        self._parts = parts
        self._had_mouse = False
        """The game had the mouse when the menu was opened."""
        self._does: dict[MenuAction, Callable[[], None]] = {
            MenuAction.RESUME: self.resume,
            MenuAction.FULL_SCREEN: self._toggle_full_screen,
            MenuAction.SOUND: lambda: self._choose_sound(parts.bridge.sound().toggled()),
            MenuAction.MICROPHONE: self._toggle_microphone,
            MenuAction.RECONNECT: self._reconnect,
            MenuAction.STATISTICS: self._toggle_statistics,
            MenuAction.PRACTICE: self._open_practice,
            MenuAction.SETTINGS: self._open_settings,
            MenuAction.CLOSE: self._close,
            MenuAction.END: self._end,
        }
        layer.shut.connect(self.resume)
        layer.panel.chosen.connect(self._do)
        layer.panel.sound_chosen.connect(self._choose_sound)

    @property
    def is_open(self) -> bool:
        """The player has opened it, though a card may cover it."""
        return self._layer.is_open

    def toggle(self) -> None:
        """Open it, or go back to the game; nothing while there is no picture to go back to."""
        if self._window.snapshot.stage is not Stage.LIVE:
            return
        if self.is_open:
            self.resume()
        else:
            self._had_mouse = isinstance(self._mouse.state, Captured | FreedByKeys)
            self._layer.open()
            self._parts.bridge.microphone.in_menu(True)
            self._window.refresh()
            self._parts.say(tr(texts.OPENED))

    def resume(self) -> None:
        """Back to the game, which gets the mouse if it had it."""
        if not self.is_open:
            return
        self._layer.close_menu()
        self._parts.bridge.microphone.in_menu(False)
        self._window.refresh()
        had_mouse, self._had_mouse = self._had_mouse, False
        if had_mouse and self._window.snapshot.stage is Stage.LIVE:
            self._window.capture_mouse()
        self._parts.say(tr(texts.RESUMED))

    def follow(self, snapshot: Snapshot) -> None:
        """There is a new snapshot: a game that is over has no menu."""
        over = snapshot.stage not in (Stage.LIVE, Stage.LOST, Stage.RECONNECTING)
        if self.is_open and over:
            self._forget()

    def show(self, trouble: str) -> None:
        """Show the current state, while it is open. `trouble`: the problem, in a sentence."""
        if self.is_open:
            snapshot, microphone = self._window.snapshot, self._parts.bridge.microphone
            practice = self._parts.practice
            self._layer.show_state(
                MenuState(
                    full_screen=self._parts.is_full_screen(),
                    sound=self._parts.bridge.sound(),
                    microphone=not microphone.muted if microphone.offered else None,
                    statistics=self._layer.shows_statistics,
                    can_reconnect=snapshot.can_reconnect,
                    can_end=snapshot.can_terminate,
                    has_settings=self._parts.settings.path is not None,
                    practice=None if practice is None else practice.fault_on,
                    trouble=trouble,
                    resume_key=hand.back_label(),
                )
            )

    def _forget(self) -> None:
        self._had_mouse = False
        self._layer.close_menu()
        self._parts.bridge.microphone.in_menu(False)

    # --- what entries do ------------------------------------------------------------------------

    def _do(self, action: MenuAction) -> None:
        self._does[action]()
        self._window.refresh()

    def _toggle_full_screen(self) -> None:
        self._parts.full_screen()

    def _choose_sound(self, choice: SoundChoice) -> None:
        self._parts.choose_sound(choice)
        self._window.refresh()

    def _toggle_microphone(self) -> None:
        microphone = self._parts.bridge.microphone
        microphone.set_muted(not microphone.muted)

    def _reconnect(self) -> None:
        self._parts.bridge.post(ReconnectRequested())

    def _toggle_statistics(self) -> None:
        self._layer.show_statistics(not self._layer.shows_statistics)

    def _open_practice(self) -> None:
        if self._parts.practice is not None:
            self._parts.practice.open_page()

    def _open_settings(self) -> None:
        from rejoin.gui.settings.page import SettingsPage  # when it is opened first

        settings = self._parts.settings
        if settings.path is None:
            return
        page = SettingsPage(
            settings.path,
            sound=self._parts.bridge,
            playing=self._parts.playing,
            fixed=settings.fixed_values(),
            parent=self._layer,
        )
        page.left.connect(self._layer.leave_page)
        self._layer.show_page(page)

    def _close(self) -> None:
        self._forget()
        self._window.close()

    def _end(self) -> None:
        self._forget()
        self._parts.bridge.post(EndGameRequested())
