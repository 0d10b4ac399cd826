"""Runs the home window until it is closed."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtGui import QGuiApplication

from rejoin.clock import boot_s
from rejoin.errors import BadInputError
from rejoin.gui.guest.place import KeptPlace, restore
from rejoin.gui.home.controller import HomeController
from rejoin.gui.home.home_parts import HomeParts
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.preloading import load_beside
from rejoin.gui.home.window import HomeWindow
from rejoin.gui.qt_application import INTERRUPTED, LINKS_ARE_EVENTS, make_application, qt_log
from rejoin.gui.renderer_choice import Choice, OnCard, OnProcessor, Renderer, begin_on_card, chosen
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.window_size import open_on
from rejoin.runtime.place_file import PlaceFile, place_path
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.renderer_memory import RendererMemory

if TYPE_CHECKING:
    from rejoin.gui.home.played_game import MakeParts
    from rejoin.gui.input import PlayerPads
    from rejoin.gui.surface_choice import PictureOptions, SurfaceUse
    from rejoin.runtime.instance import Instance

_log = logging.getLogger("rejoin.home")

_CHECK_EVERY_MS: Final = 200
_SEE_PLACE_EVERY_MS: Final = 500
LOADING_SWITCH_S: Final = 0.0005
"""How long the thread that loads may hold the interpreter while the window waits for it."""


def run(
    settings: Callable[[], PlayerSettings],
    make_parts: MakeParts,
    *,
    make_pads: Callable[[], PlayerPads] | None = None,
    link: str | None = None,
    instance: Instance | None = None,
) -> int:
    """Show the home window until it is closed; blocks the main thread. 0, or 130 after Ctrl+C.

    `settings`: the player's, as they are now. `make_parts`: composes a game. `make_pads`: the
    gamepads of the home itself. `instance`: the claim on the home; second ones are answered. Raises
    NoDisplayError, AssetMissingError, BadInputError.
    """
    collected = gc.isenabled()
    with qt_log(), _Interrupts() as interrupts:
        at_first = settings()
        application = make_application(appearance_of(at_first))
        drawing = _Drawing(at_first)
        window = HomeWindow(drawing.choice)
        place = _restored(window, at_first.screen)
        drawing.on_fall_back = window.release_card
        jobs = Jobs(before=lambda: _load(jobs, controller))
        parts = HomeParts(
            make_parts,
            drawing.make_use,
            drawing.fell_back,
            settings,
            make_pads,
        )
        controller = HomeController(window, parts, jobs)
        controller.gone.connect(application.quit)
        window.first_painted.connect(partial(_begin, jobs, controller, instance))
        controller.all_loaded.connect(partial(_watch_updates, window, jobs, settings))
        interrupts.close_by(controller)
        if link is not None:
            controller.open_link(link)
        if LINKS_ARE_EVENTS:
            from rejoin.gui.home.link_events import LinkApplication

            if isinstance(application, LinkApplication):
                application.link_opened.connect(controller.open_link)
        window.show()
        try:
            application.exec()
        finally:
            interrupts.restore()
            if place is not None:
                place.close()
            jobs.close()
            drawing.close()
            window.deleteLater()
            QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
            if collected:  # as before, if the window was closed while all was being loaded
                gc.enable()
        return INTERRUPTED if interrupts.seen else 0


def _restored(window: HomeWindow, on_screen: str | None) -> KeptPlace | None:
    """Put the window where it was, and keep where it is from now on."""
    try:
        file = PlaceFile(place_path())
    except BadInputError:  # there is no home folder
        return None
    before = file.read()
    if before is not None:
        restore(window, before, on_screen=on_screen)
    if on_screen is not None and not open_on(window, on_screen):
        _log.info("there is no screen of the name that was chosen")
    kept = KeptPlace(file)
    timer = QTimer(window)
    timer.timeout.connect(lambda: kept.update(window, boot_s()))
    timer.start(_SEE_PLACE_EVERY_MS)
    return kept


def _load(jobs: Jobs, controller: HomeController) -> None:
    """On the background thread, after the first paint."""
    load_beside()
    jobs.later(controller.loaded)


def _begin(jobs: Jobs, controller: HomeController, instance: Instance | None) -> None:
    """The window is there: load what a game needs, and answer second instances.

    Until all is loaded there is no garbage collection: nothing of it is garbage, and a collection
    stops every thread for up to 80 ms (`freeze_startup_objects`)."""
    gc.disable()
    sys.setswitchinterval(LOADING_SWITCH_S)
    controller.all_loaded.connect(_freeze)
    jobs.start()
    if instance is None:
        return
    own = instance

    async def serve() -> None:
        import asyncio

        try:
            await own.serve(
                lambda activation: jobs.later(partial(controller.activated, activation))
            )
        except OSError as error:
            _log.info("second instances cannot be answered: %s", type(error).__name__)
            return
        try:
            await asyncio.Event().wait()  # until the jobs are closed
        finally:
            await own.close()

    jobs.run(serve, lambda _: None, lambda error: None)


def _watch_updates(window: HomeWindow, jobs: Jobs, settings: Callable[[], PlayerSettings]) -> None:
    """Long after the first paint."""
    from rejoin.gui.home.newer_version import watch_updates

    watch_updates(window, jobs, settings)


def _freeze() -> None:
    from rejoin.interpreter import freeze_startup_objects

    freeze_startup_objects()


class _Drawing:
    """What draws in this window: decided before it shows, and for all its games."""

    def __init__(self, settings: PlayerSettings) -> None:
        """After the QApplication was made."""
        self._memory = RendererMemory()
        renderer = Renderer(settings.renderer)
        crashed = renderer is not Renderer.SOFTWARE and self._memory.has_crashed()
        platform = QGuiApplication.platformName()
        self.choice: Choice = chosen(renderer, platform, self._memory.verdict(), crashed=crashed)
        self.on_fall_back: Callable[[], None] = lambda: None
        self._uses: list[SurfaceUse] = []
        if isinstance(self.choice, OnCard):
            begin_on_card(self._memory, vsync=settings.vsync)

    def make_use(self, options: PictureOptions) -> SurfaceUse:
        from rejoin.gui.surface_choice import SurfaceUse

        choice = self.choice
        if options.renderer is Renderer.SOFTWARE and isinstance(choice, OnCard):
            choice = OnProcessor("it was asked for")  # since the window was made for the card
        use = SurfaceUse(options, self._memory, choice=choice)
        self._uses.append(use)
        return use

    def fell_back(self, choice: Choice) -> None:
        """The card cannot draw any more: the window is the processor's from now on."""
        self.choice = choice
        self.on_fall_back()

    def close(self) -> None:
        for use in self._uses:
            use.close()
        self._memory.end_drawing()


class _Interrupts:
    """Ctrl+C and SIGTERM close the window, as its own button does.

    Noted before there is a window: Qt drops an exception that is raised in an event of it.
    """

    def __init__(self) -> None:
        self.seen = False
        self._before = signal.signal(signal.SIGINT, self._note)

    def __enter__(self) -> _Interrupts:
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

    def close_by(self, controller: HomeController) -> None:
        """From now on close this one, also for what came before."""
        timer = QTimer(controller)
        timer.timeout.connect(lambda: self._check(controller))
        timer.start(_CHECK_EVERY_MS)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.seen = True

    def _check(self, controller: HomeController) -> None:
        if self.seen:
            controller.close()

    def restore(self) -> None:
        signal.signal(signal.SIGINT, self._before)
