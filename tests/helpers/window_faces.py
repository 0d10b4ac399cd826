"""Every face of the window as a named snapshot, for the tests and for the gallery."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from helpers.fake_port import FakeClock, FakePort, picture
from rejoin.core.model import (
    Doing,
    Ending,
    EndingKind,
    HardEvidence,
    HealthLevel,
    NoInput,
    Snapshot,
    Stage,
    Trouble,
    Turn,
)
from rejoin.core.play_report import Advice, Minute, PlayReport
from rejoin.core.verdict import Verdict
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.video_surface import MakeSurface
from rejoin.gui.window_options import WindowOptions
from rejoin.media.audio.volume import SoundChoice
from rejoin.media.video.picture import Picture
from rejoin.service_model.status import Status, StatusReason

NOW = 1000.0

LIVE = Snapshot(Stage.LIVE, input_open=True, status=Status("CONNECTED"))


def lost(**changes: object) -> Snapshot:
    """48 s after a drop, with a connection timeout of two minutes."""
    values: dict[str, object] = {
        "stage": Stage.RECONNECTING,
        "doing": Doing.CONNECTING,
        "health": HealthLevel.LOST,
        "dropped_at": NOW - 47.5,
        "shown_deadline_at": NOW + 72.5,
        "can_try_now": True,
        "episode": 1,
    }
    return Snapshot(**{**values, **changes})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Face:
    """A snapshot, and what else makes the face.

    `texts` must be readable, and `absent` must not be.
    """

    name: str
    snapshot: Snapshot
    texts: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    picture: bool = True
    captured: bool = False
    demo: bool = False
    question: bool = False
    problem: str | None = None
    sound: bool = False
    play: PlayReport | None = None
    """How the game went; with it the window can start another one."""
    report: bool = False
    """The page of the report is open."""
    idle_for_s: float = 0.0
    """So much later than the first snapshot."""
    before: tuple[Snapshot, ...] = field(default=())


def troubled(trouble: Trouble, for_s: float, **more: object) -> Snapshot:
    """Live, with this trouble for so long."""
    since_at = NOW - for_s
    values: dict[str, object] = {
        "input_open": True,
        "health": HealthLevel.DEGRADED,
        "trouble_since_at": since_at,
        "trouble": trouble,
    }
    return Snapshot(Stage.LIVE, **{**values, **more})  # type: ignore[arg-type]


def in_queue(turn: Turn, **more: object) -> Snapshot:
    """Lost, and waiting for its turn in the studio's queue."""
    return lost(doing=Doing.WAITING_FOR_TURN, turn=turn, can_try_now=False, **more)


def starting(doing: Doing, **more: object) -> Snapshot:
    """Before the first picture."""
    return Snapshot(Stage.STARTING, doing=doing, **more)  # type: ignore[arg-type]


def _ending(kind: EndingKind, reason: str | None = None, **more: object) -> Snapshot:
    return Snapshot(
        Stage.ENDED,
        ending=Ending(kind, StatusReason(reason) if reason else None, **more),  # type: ignore[arg-type]
    )


CALM_PLAY = PlayReport(
    played_s=2520.0,
    drops=0,
    returned=0,
    lost_s=0.0,
    frozen_s=0.0,
    loss=0.0,
    rtt_s=0.02,
    late=0.0,
    worst=None,
    verdicts=(),
    networks_changed=0,
)


VERDICTS: tuple[tuple[Verdict, Doing, dict[str, object], tuple[str, ...]], ...] = (
    (
        Verdict.NETWORK_GONE,
        Doing.WAITING_FOR_NETWORK,
        {"offline": True, "can_try_now": False},
        ("Your network is gone", "Trying again as soon as the network is back."),
    ),
    (
        Verdict.SERVICE_SILENT,
        Doing.WAITING_TO_RETRY,
        {"unreached": True, "next_try_at": NOW + 2.4},
        (
            "Your internet works, the studio's service does not answer.",
            "Next try in 3 s",
        ),
    ),
    (
        Verdict.PATH_BROKEN,
        Doing.WAITING_TO_RETRY,
        {"next_try_at": NOW + 2.4},
        ("The way to the game server is broken.", "Next try in 3 s"),
    ),
    (
        Verdict.HOST_SILENT,
        Doing.CONNECTING,
        {},
        ("The game server stopped sending.", "Connecting to your game..."),
    ),
    (
        Verdict.SIGN_IN_PAGE,
        Doing.WAITING_TO_RETRY,
        {"portal": True, "next_try_at": NOW + 2.4},
        ("This network wants a sign-in.", "Please sign in with your web browser."),
    ),
    (
        Verdict.PROXY_REFUSES,
        Doing.WAITING_TO_RETRY,
        {"unreached": True, "next_try_at": NOW + 2.4},
        (
            "Your proxy refuses the connection to the studio.",
            "Check the proxy settings of this computer, or try another network.",
        ),
    ),
)
"""Each verdict with what the engine does meanwhile, more of its snapshot, and what is read."""

FACES: tuple[Face, ...] = (
    Face("idle", Snapshot(Stage.IDLE), ("Ready to play", "Start"), picture=False),
    Face(
        "starting",
        Snapshot(Stage.STARTING, doing=Doing.PLACING),
        ("Starting your game", "Waiting for a free game server...", "Cancel"),
        picture=False,
    ),
    Face(
        "starting-cannot-end",
        Snapshot(Stage.STARTING, doing=Doing.PLACING, can_terminate=False),
        (
            "Starting your game",
            "Waiting for a free game server...",
            "If you close now, your game may keep running until its time is up.",
            "Close for now",
        ),
        absent=("Cancel",),
        picture=False,
    ),
    Face(
        "starting-portal",
        Snapshot(Stage.STARTING, doing=Doing.WAITING_TO_RETRY, portal=True),
        ("captive portal",),
        picture=False,
    ),
    Face(
        "starting-offline",
        starting(Doing.WAITING_FOR_NETWORK, offline=True, unreached=True),
        ("This computer is offline. Continuing as soon as the network is back.", "Cancel"),
        absent=("lost",),
        picture=False,
    ),
    Face(
        "starting-unanswered",
        starting(Doing.WAITING_TO_RETRY, next_try_at=NOW + 2.4, unreached=True),
        ("The studio's server did not answer. Next try in 3 s",),
        picture=False,
    ),
    Face(
        "starting-throttled",
        starting(Doing.WAITING_TO_RETRY, next_try_at=NOW + 2.4),
        ("The studio's server asks to wait. Next try in 3 s",),
        picture=False,
    ),
    Face(
        "starting-queue",
        starting(Doing.WAITING_FOR_TURN, turn=Turn(317, NOW + 38.2), next_try_at=NOW + 1.0),
        (
            "Starting your game",
            "Many players are starting. About 40 s. You are number 317 in line.",
            "Cancel",
        ),
        absent=("coming back", "Next try"),
        picture=False,
    ),
    Face(
        "starting-queue-place",
        starting(Doing.WAITING_FOR_TURN, turn=Turn(place=317)),
        ("Many players are starting. You are number 317 in line.",),
        picture=False,
    ),
    Face(
        "starting-not-connected",
        starting(Doing.WAITING_TO_RETRY, next_try_at=NOW + 2.4, episode=1),
        ("Starting your game", "No connection to the game yet. Next try in 3 s"),
        absent=("lost", "econnect"),
        picture=False,
    ),
    Face(
        "starting-firewall",
        starting(Doing.CONNECTING, episode=3, firewall=True),
        ("A firewall in this network may block the game's stream. Try another network.",),
        absent=("lost", "econnect"),
        picture=False,
    ),
    Face("live", LIVE),
    Face("live-captured", LIVE, ("Ctrl+Alt: free the mouse",), captured=True),
    Face("live-demo", LIVE, ("Ctrl+Alt+D: drop the connection",), demo=True, captured=True),
    Face("live-first", LIVE, ("Click to take control",), before=(Snapshot(Stage.STARTING),)),
    Face(
        "badge",
        Snapshot(
            Stage.LIVE,
            health=HealthLevel.STALLED,
            trouble_since_at=NOW - 0.6,
            input_open=True,
        ),
        ("Connection unstable",),
    ),
    Face(
        "badge-uplink",
        troubled(Trouble.UPLINK, 0.6),
        ("Your input does not reach the game",),
        absent=("Reconnect", "Connection unstable"),
        captured=True,
    ),
    Face(
        "badge-picture-lost",
        troubled(Trouble.PICTURE_LOST, 2.1),
        ("The picture is frozen: its data is lost on the way",),
        absent=("econnect",),
    ),
    Face(
        "reconnect-picture-lost",
        troubled(Trouble.PICTURE_LOST, 5.1, can_reconnect=True),
        (
            "The picture is frozen: its data is lost on the way",
            "Ctrl+Alt+R: reconnect",
            "Reconnect",
        ),
        captured=True,
        demo=True,
    ),
    Face(
        "reconnect-picture-stopped",
        troubled(Trouble.PICTURE_STOPPED, 30.0, can_reconnect=True),
        ("The picture is frozen. The game may be paused.", "Ctrl+Alt+R: reconnect", "Reconnect"),
        problem="No sound: this computer has no audio output.\n"
        "No way back after a crash: no space is left on the disk.",
        sound=True,
        demo=True,
    ),
    Face(
        "live-no-sound",
        LIVE,
        ("No sound: this computer has no audio output.",),
        problem="No sound: this computer has no audio output.",
    ),
    Face(
        "live-two-problems",
        LIVE,
        (
            "No sound: this computer has no audio output.",
            "No way back after a crash: no space is left on the disk.",
        ),
        problem="No sound: this computer has no audio output.\n"
        "No way back after a crash: no space is left on the disk.",
    ),
    Face("live-sound", LIVE, ("Volume 60 %", "60 %"), sound=True),
    Face(
        "live-sound-demo", LIVE, ("Ctrl+Alt+D: drop the connection", "60 %"), sound=True, demo=True
    ),
    Face(
        "checking",
        lost(
            stage=Stage.LOST,
            doing=Doing.CHECKING,
            dropped_at=NOW - 1.0,
            shown_deadline_at=NOW + 119.0,
        ),
        (
            "Checking your connection...",
            "The connection to the stream was lost. Your game may still be running.",
            "At least 1:59 to get back",
            "Try now",
            "Close for now",
            "End game",
        ),
    ),
    Face(
        "lost",
        lost(),
        (
            "Connection lost. Reconnecting...",
            "Your game may still be running.",
            "Connecting to your game...",
            "At least 1:12 to get back",
            "Try now",
            "Close for now",
            "End game",
        ),
    ),
    Face(
        "lost-asked",
        lost(cause=HardEvidence.PLAYER_ASKED),
        (
            "Reconnecting, as you asked...",
            "Your game may still be running.",
            "Connecting to your game...",
            "At least 1:12 to get back",
        ),
        absent=("Connection lost. Reconnecting...",),
    ),
    Face(
        "lost-frozen",
        lost(cause=HardEvidence.PICTURE_FROZEN, doing=Doing.PREPARING),
        ("The picture stopped. Reconnecting...", "Getting ready to reconnect..."),
        absent=("Connection lost. Reconnecting...",),
    ),
    Face(
        "lost-cannot-end",
        lost(can_terminate=False),
        (
            "Your game may keep running until its time is up.",
            "Try now",
            "Close for now",
        ),
        absent=("End game",),
    ),
    Face(
        "returning-cannot-end",
        lost(returning=True, can_terminate=False, can_try_now=False),
        (
            "Rejoin was closed while you played. Your game may keep running until its time is up.",
            "Close for now",
        ),
        absent=("End game",),
        picture=False,
    ),
    Face(
        "lost-next-try",
        lost(doing=Doing.WAITING_TO_RETRY, next_try_at=NOW + 2.4),
        ("Next try in 3 s", "At least 1:12 to get back"),
    ),
    Face(
        "lost-queue",
        in_queue(Turn(317, NOW + 38.2)),
        (
            "Connection lost. Reconnecting...",
            "Many players are coming back. About 40 s.",
            "At least 1:12 to get back",
        ),
    ),
    Face(
        "lost-queue-place",
        in_queue(Turn(place=317)),
        ("Many players are coming back. You are number 317 in line.",),
    ),
    Face(
        "lost-queue-past-zero",
        in_queue(
            Turn(317, NOW + 200), dropped_at=NOW - 130, shown_deadline_at=NOW - 10, returning=True
        ),
        ("Many players are coming back. About 4 min.", "Time may be up. Still trying..."),
    ),
    Face(
        "lost-waiting-for-service",
        lost(doing=Doing.WAITING_FOR_SERVICE),
        ("Waiting for the game server. Nothing to do.", "At least 1:12 to get back"),
    ),
    Face(
        "lost-past-zero",
        lost(dropped_at=NOW - 130, shown_deadline_at=NOW - 10),
        ("Time may be up. Still trying...",),
    ),
    Face(
        "lost-confirming-end",
        lost(
            doing=Doing.CONFIRMING_END,
            dropped_at=NOW - 180,
            shown_deadline_at=NOW - 60,
            can_try_now=False,
        ),
        ("Connection lost", "Checking whether your game has ended...", "Time may be up."),
    ),
    Face(
        "lost-unknown-timeout",
        lost(dropped_at=NOW - 42, shown_deadline_at=None),
        ("0:42 since the connection was lost",),
    ),
    Face(
        "lost-after-sleep",
        lost(doing=Doing.CHECKING, deadline_checking=True),
        ("Checking...", "Checking whether your game is still there..."),
    ),
    Face(
        "lost-offline",
        lost(doing=Doing.WAITING_FOR_NETWORK, offline=True, can_try_now=False),
        ("Your network is gone", "Trying again as soon as the network is back."),
    ),
    *(
        Face(
            f"lost-{verdict.value.replace('_', '-')}",
            lost(doing=doing, verdict=verdict, **facts),
            (*sentences, "Your game may still be running.", "At least 1:12 to get back"),
        )
        for verdict, doing, facts, sentences in VERDICTS
    ),
    Face(
        "lost-portal",
        lost(doing=Doing.WAITING_TO_RETRY, portal=True, next_try_at=NOW + 3),
        ("captive portal", "At least 1:12 to get back"),
    ),
    Face(
        "lost-stranger",
        lost(doing=Doing.WAITING_TO_RETRY, stranger=True, unreached=True, next_try_at=NOW + 3),
        ("Something else answers in place of the studio. This network may want a sign-in.",),
    ),
    Face(
        "lost-firewall",
        lost(doing=Doing.WAITING_TO_RETRY, firewall=True, next_try_at=NOW + 14.5),
        ("A firewall in this network may block the game's stream.", "Next try in 15 s"),
    ),
    Face(
        "lost-not-noticed",
        lost(
            doing=Doing.WAITING_FOR_SERVICE,
            dropped_at=NOW - 1.5,
            shown_deadline_at=NOW + 118.5,
            unnoticed_until_at=NOW + 3.0,
            connection_timeout_s=120.0,
        ),
        ("The game server has not noticed yet. At least 2:00.",),
        absent=("to get back",),
    ),
    Face(
        "lost-one-hour",
        lost(dropped_at=NOW - 1, shown_deadline_at=NOW + 3599 + 124),
        ("At least 1:02:03 to get back",),
    ),
    Face(
        "lost-view-only",
        lost(view_only=NoInput.FAILED),
        ("View only: the game's input module has failed", "At least 1:12 to get back"),
    ),
    Face(
        "end-game-question",
        lost(),
        ("End the game for good?", "Keep trying", "End game", "At least 1:12 to get back"),
        question=True,
    ),
    Face(
        "returning",
        lost(
            returning=True,
            doing=Doing.CHECKING,
            dropped_at=NOW - 2,
            shown_deadline_at=NOW + 88.5,
            can_try_now=False,
        ),
        (
            "Getting back into your game...",
            "Rejoin was closed while you played. Your game may still be running.",
            "Checking whether your game is still there...",
            "At least 1:28 to get back",
            "Close for now",
            "End game",
        ),
        picture=False,
    ),
    Face(
        "returning-after-reboot",
        lost(
            returning=True,
            doing=Doing.CHECKING,
            dropped_at=NOW - 2,
            shown_deadline_at=None,
            deadline_checking=True,
            can_try_now=False,
        ),
        ("Getting back into your game...", "Checking..."),
        picture=False,
    ),
    Face(
        "returning-unknown-time",
        lost(returning=True, dropped_at=NOW - 7, shown_deadline_at=None),
        ("Trying to get back for 0:07", "Connecting to your game..."),
        picture=False,
    ),
    Face(
        "returning-confirming-end",
        lost(
            returning=True,
            doing=Doing.CONFIRMING_END,
            dropped_at=NOW - 180,
            shown_deadline_at=NOW - 60,
            can_try_now=False,
        ),
        ("Could not reach your game", "Checking whether your game has ended...", "Time may be up."),
        picture=False,
    ),
    Face("ending", Snapshot(Stage.ENDING, doing=Doing.TERMINATING), ("Ending your game...",)),
    Face(
        "ending-offline",
        Snapshot(
            Stage.ENDING,
            doing=Doing.WAITING_FOR_NETWORK,
            offline=True,
            unreached=True,
            can_try_now=True,
        ),
        (
            "Ending your game...",
            "The studio cannot be reached, so your game may still be running. "
            "It ends when its time is up.",
            "Trying again as soon as the network is back.",
            "Try now",
            "Close for now",
        ),
        absent=("End game",),
    ),
    Face(
        "ending-offline-without-picture",
        Snapshot(
            Stage.ENDING,
            doing=Doing.WAITING_FOR_NETWORK,
            offline=True,
            unreached=True,
            can_try_now=True,
        ),
        (
            "The studio cannot be reached, so your game may still be running.",
            "Try now",
            "Close for now",
        ),
        picture=False,
    ),
    Face(
        "ending-unreached",
        Snapshot(
            Stage.ENDING,
            doing=Doing.WAITING_TO_RETRY,
            unreached=True,
            next_try_at=NOW + 8,
            can_try_now=True,
        ),
        (
            "The studio's server has not confirmed the end, so your game may still be running.",
            "Next try in 8 s",
            "Try now",
            "Close for now",
        ),
    ),
    Face(
        "back",
        Snapshot(Stage.LIVE, input_open=True, back_at=NOW - 1, episode=1),
        ("You're back",),
    ),
    Face(
        "back-captured",
        Snapshot(Stage.LIVE, input_open=True, back_at=NOW - 1, episode=1),
        ("You're back", "Click to take control"),
        captured=True,
        before=(LIVE, lost()),
    ),
    Face(
        "view-only",
        Snapshot(Stage.LIVE, input_open=True, view_only=NoInput.NO_CHANNEL),
        ("View only: the game server takes no input",),
    ),
    Face(
        "end-reconnection-timeout",
        _ending(EndingKind.GAME_ENDED, "reconnectionTimeout", status=Status("TERMINATED")),
        (
            "The game has ended: nobody came back in time",
            "Unsaved progress may be lost.",
            "Code: RJ-GAME-ENDED / reconnectionTimeout",
            "Report a problem",
            "Start again",
            "Close",
        ),
        absent=("Played",),
    ),
    Face(
        "end-unknown-reason",
        _ending(EndingKind.GAME_ENDED, "fleetRebalanced", status=Status("TERMINATED")),
        ('The game has ended: the service says "fleetRebalanced"',),
    ),
    Face(
        "end-asleep",
        _ending(EndingKind.GAME_ENDED, "reconnectionTimeout", expired_asleep=True),
        ("The game has ended while this computer was asleep",),
    ),
    *(
        Face(f"end-{kind.value.replace('_', '-')}", _ending(kind), ("Close", "Report a problem"))
        for kind in EndingKind
    ),
    Face(
        "end-after-drops",
        Snapshot(
            Stage.ENDED,
            ending=Ending(EndingKind.GAME_ENDED, StatusReason("reconnectionTimeout")),
            verdict=Verdict.NETWORK_GONE,
            episode=4,
        ),
        (
            "Your network was gone.",
            "You can start a new game.",
            *("Played", "1 h 2 min", "Drops", "4, back 3", "Lost", "2 min 31 s"),
            *("Frozen", "4 s", "Worst minute", "62nd: 57 s"),
            "Why: your network was gone (twice); the way to the game server was broken; not known.",
            "Next time use a network cable, or sit nearer to the Wi-Fi router.",
            "Start again",
        ),
        play=PlayReport(
            played_s=3721.0,
            drops=4,
            returned=3,
            lost_s=151.0,
            frozen_s=4.2,
            loss=0.004,
            rtt_s=0.03,
            late=0.0,
            worst=Minute(62, lost_s=57.0),
            verdicts=((Verdict.NETWORK_GONE, 2), (Verdict.PATH_BROKEN, 1)),
            networks_changed=0,
            advice=Advice.OWN_NETWORK,
        ),
    ),
    Face(
        "end-calm",
        _ending(EndingKind.GAME_ENDED, "applicationExit"),
        ("Played", "42 min", "Drops", "0", "Lost", "0 s", "Start again"),
        absent=("Why", "Worst minute", "Frozen"),
        play=CALM_PLAY,
    ),
    Face(
        "report",
        _ending(EndingKind.GAME_ENDED, "internalError"),
        ("Report a problem", "Nothing is sent", "Code: RJ-GAME-ENDED", "Copy", "Save", "Back"),
        absent=("Start again",),
        play=CALM_PLAY,
        report=True,
    ),
    Face(
        "limit-length",
        replace(LIVE, length_ends_at=NOW + 598.0),
        (
            "In about 10 minutes the game reaches its maximum length and ends",
            "Save your progress.",
        ),
    ),
    Face(
        "limit-length-last",
        replace(LIVE, length_ends_at=NOW + 59.0),
        ("The game reaches its maximum length and ends within a minute", "Save your progress."),
        captured=True,
        demo=True,
    ),
    Face(
        "limit-idle",
        LIVE,
        (
            "No input for 55 minutes: the service ends a game after 60",
            "Press a key or move the mouse to go on.",
        ),
        before=(replace(LIVE, episode=0),),
        idle_for_s=55 * 60.0,
    ),
)


Shown = tuple[RejoinWindow, FakePort, FakeClock]


class ShowFace(Protocol):
    """The fixture `show`: a window with this face, in this size."""

    def __call__(self, face: Face, size: tuple[int, int] = ...) -> Shown: ...


def show_face(
    face: Face,
    size: tuple[int, int] = (1280, 720),
    *,
    make_surface: MakeSurface = RasterSurface,
    shown: Callable[[], Picture] = lambda: picture(1280, 720),
) -> Shown:
    """A window that shows this face, in this size, over the picture `shown`."""
    port, clock = FakePort(), FakeClock(NOW)
    options = WindowOptions(
        drop_again=(lambda: None) if face.demo else None,
        start_again=lambda: None,
        make_surface=make_surface,
    )
    clock.now -= face.idle_for_s
    window = RejoinWindow(port, options, clock=clock)
    window.resize(*size)
    window.show()
    QCoreApplication.processEvents()
    if face.picture:
        port.show(shown())
        QCoreApplication.processEvents()
    port.problem_text, port.current_play = face.problem, face.play
    for snapshot in face.before or (LIVE,) * face.captured:
        port.publish(snapshot)
        QCoreApplication.processEvents()
        if snapshot is LIVE and face.captured:
            window.capture_mouse()
    clock.now = NOW
    port.publish(face.snapshot)
    QCoreApplication.processEvents()
    if face.report:
        window.layers.end.report_button.click()
    if face.question:
        clock.now += 1.0
        window.layers.overlay.end_button.click()
        clock.now -= 1.0
        window.refresh()
    if face.sound:
        port.choices.append(SoundChoice(50))
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        QTest.keyClick(window.layers.view, Qt.Key.Key_Up, both)
        middle = window.layers.view.rect().center()
        QTest.mouseMove(window.layers.view, middle)
        QTest.mouseMove(window.layers.view, middle + QPoint(1, 1))
    QCoreApplication.processEvents()
    window.layers.view.finish_dimming()
    return window, port, clock


def destroy(window: RejoinWindow) -> None:
    """Destroy a window, so that the next one starts clean."""
    window.release_mouse()
    window.bridge.close()
    delete(window)


def delete(widget: QWidget) -> None:
    """Delete a widget now: one that is part of a cycle must not wait for Python's collector, which
    may run while another widget is being made."""
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()


def face_named(name: str) -> Face:
    """One of `FACES`."""
    return next(face for face in FACES if face.name == name)


def words(window: RejoinWindow) -> list[str]:
    """Every text that is visible in the window now."""
    widgets: list[QLabel | QAbstractButton] = [
        *window.findChildren(QLabel),
        *window.findChildren(QAbstractButton),
    ]
    return [w.text() for w in widgets if w.isVisible() and w.text()]


def wait_until(true: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Let Qt run until `true()`, at most this long; whether it became true."""
    until = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until:
            return False
        QCoreApplication.processEvents()
        time.sleep(0.002)
    return True
