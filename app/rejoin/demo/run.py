"""Puts the demo together: studio, player, window and script, then the report."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator
from dataclasses import replace

from rejoin.core.trace import Record, timelines
from rejoin.demo import report, without_window
from rejoin.demo.continuity import PictureRecorder
from rejoin.demo.drops import Drops
from rejoin.demo.options import DemoOptions
from rejoin.demo.script import Script
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.errors import NoDisplayError, RejoinError, ServiceError
from rejoin.media.video.hardware import chosen
from rejoin.parts import explanation, loading
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.statistics_file import StatisticsFile
from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio.address import Studio
from rejoin.studio.process import studio_process


def run(options: DemoOptions, *, print_line: Callable[[str], None] = print) -> int:
    """Play the demonstration: 0 when it succeeded, 130 when it was interrupted.

    It succeeds when every drop ended with the same game live again; with `FaultKind.KILL` when the
    game ended and the service's reason was shown. Raises RejoinError when it failed (a plain one,
    after the report) and when it could not start.
    """
    if options.headless:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    window_missing = _why_no_window(options.headless)
    if window_missing is None:
        from rejoin.gui import displays, platform_plugin

        try:
            displays.check_display()
        except NoDisplayError as error:
            raise NoDisplayError(f"{error} Without one: `rejoin demo --headless`.") from None
        platform_plugin.check()
    else:
        print_line(f"No screenshots: {window_missing}")
    if options.out is not None:
        report.make_folder(options.out)
    with studio_process(
        notice_silent_client_s=options.notice_silent_client_s,
        connection_timeout_s=options.connection_timeout_s,
        on_wait=lambda waited_s: print_line(
            f"The emulated service is still being loaded ({waited_s:.0f} s) ..."
        ),
    ) as there:
        return _play(options, there, print_line, has_window=window_missing is None)


def _why_no_window(headless: bool) -> str | None:
    """Why a headless demo has no window to take screenshots of; None when Qt can be loaded.

    Raises ImportError where a window has to be shown and cannot be.
    """
    try:
        with loading():
            import rejoin.gui.application  # noqa: F401
    except ImportError as error:
        sentence = explanation(error, ("player",))
        if sentence is None or not headless:
            raise
        return sentence
    return None


def _play(
    options: DemoOptions, there: Studio, print_line: Callable[[str], None], *, has_window: bool
) -> int:
    records: queue.SimpleQueue[Record] = queue.SimpleQueue()
    recorder = PictureRecorder()
    control = BlockingEmulatorControl(there.control_url, there.control_token)
    player = _player(options, there, recorder, records.put)
    drops = Drops(options.fault, control, records.put)
    script = Script(options if has_window else replace(options, out=None), drops)
    thread = StreamThread(player.run)
    thread.start()
    try:
        if has_window:
            code = _in_window(options, player, drops, script)
        else:
            code = without_window.run(player, script.on_refresh)
    finally:
        drops.wait()
        ending = thread.join(END_TIMEOUT_S)
    if ending is None:
        raise ServiceError("The player's client did not end. This is a bug in Rejoin.")
    found = tuple(sorted(_drain(records), key=lambda record: record.at))
    episodes = timelines(found)
    continuity = recorder.continuity()
    failure = script.failure or report.failure_of(options, episodes, continuity, ending)
    result = report.DemoResult(
        options, found, episodes, continuity, ending, tuple(script.screenshots), failure
    )
    for line in report.lines(result):
        print_line(line)
    if options.out is not None:
        report.write(options.out, result)
    if code != 0:
        return code
    if failure is not None:
        raise RejoinError(failure)
    return 0


def _player(
    options: DemoOptions,
    there: Studio,
    recorder: PictureRecorder,
    on_record: Callable[[Record], None],
) -> Player:
    profile = StudioProfile(there.backend_url, there.player_token, NetworkRules(loopback_only=True))
    return Player(
        profile,
        PlayerOptions(
            slot=recorder,
            on_record=on_record,
            statistics_file=None if options.stats is None else StatisticsFile(options.stats),
            hardware=chosen(options.decoder),
        ),
    )


def _in_window(options: DemoOptions, player: Player, drops: Drops, script: Script) -> int:
    from rejoin.core.model import Snapshot, Stage
    from rejoin.gamepads.choices import PadChoices
    from rejoin.gamepads.reader import Gamepads
    from rejoin.gui import application
    from rejoin.gui.input import NoPads
    from rejoin.gui.renderer_choice import Renderer
    from rejoin.gui.surface_choice import PictureOptions
    from rejoin.gui.window_options import WindowOptions

    pads = Gamepads(PadChoices())
    player.subscribe_wishes(pads.on_wish)
    return application.run(
        player,
        WindowOptions(
            title="Rejoin demo",
            reduced_motion=options.headless,
            smooth=options.frame_pacing,
            drop_again=drops.drop,
            before_start=Snapshot(Stage.STARTING),
            first_size=(1280, 720) if options.headless else None,
            picture=PictureOptions(Renderer(options.renderer)),
            pads=NoPads() if options.headless else pads,
        ),
        after_refresh=script.on_refresh,
    )


def _drain(records: queue.SimpleQueue[Record]) -> Iterator[Record]:
    """Everything that is in the queue now."""
    while True:
        try:
            yield records.get_nowait()
        except queue.Empty:
            return
