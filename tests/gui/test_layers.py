"""At most one card over the picture, the right one, and the focus on it or on the game."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import LIVE, NOW, lost
from rejoin.core.model import Doing, Ending, EndingKind, Snapshot, Stage
from rejoin.gui.bridge import Bridge
from rejoin.gui.layers import Layers
from rejoin.gui.notes import Notes
from rejoin.gui.window_options import WindowOptions


class Rig:
    """Layers in a window of their own."""

    def __init__(self) -> None:
        self.port = FakePort()
        self.bridge = Bridge(self.port)
        options = WindowOptions(reduced_motion=True)
        self.layers = Layers(self.bridge, clock=FakeClock(NOW), options=options)
        self.layers.resize(640, 400)
        self.layers.show()
        self.bridge.open()

    def show(self, snapshot: Snapshot, *, start_requested: bool = False) -> set[str]:
        """The names of the cards that are shown."""
        self.layers.show_snapshot(snapshot, NOW, start_requested=start_requested)
        cards = {
            "starting": self.layers.starting,
            "overlay": self.layers.overlay,
            "end": self.layers.end,
            "report": self.layers.report_page,
        }
        return {name for name, card in cards.items() if card.isVisible()}


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    application.processEvents()
    yield made
    made.bridge.close()
    made.layers.close()


def test_the_page_of_the_report_takes_the_place_of_the_end_card(rig: Rig) -> None:
    ended = Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED))
    assert rig.show(ended) == {"end"}
    rig.layers.report_page.open("the report")
    assert rig.show(ended) == {"report"}
    rig.layers.report_page.leave()
    assert rig.show(ended) == {"end"}
    rig.layers.report_page.open("the report")
    rig.layers.begin_again()
    assert rig.show(ended) == {"end"}
    assert rig.layers.view.picture is None


def test_each_stage_has_its_card(rig: Rig) -> None:
    assert rig.show(Snapshot(Stage.IDLE)) == {"starting"}
    assert rig.show(Snapshot(Stage.STARTING)) == {"starting"}
    assert rig.show(LIVE) == set()
    assert rig.show(lost(stage=Stage.LOST)) == {"overlay"}
    assert rig.show(lost()) == {"overlay"}
    ended = Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED))
    assert rig.show(ended) == {"end"}


def test_an_ending_is_shown_where_the_game_was(application: QApplication, rig: Rig) -> None:
    assert rig.show(Snapshot(Stage.ENDING)) == {"starting"}
    rig.port.show(picture(64, 36))
    application.processEvents()
    assert rig.show(Snapshot(Stage.ENDING)) == {"overlay"}


def test_an_end_that_did_not_reach_the_studio_can_be_tried_again_without_a_picture_too(
    rig: Rig,
) -> None:
    for doing in (Doing.WAITING_FOR_NETWORK, Doing.WAITING_TO_RETRY):
        assert rig.show(Snapshot(Stage.ENDING, doing=doing, can_try_now=True)) == {"overlay"}
        assert rig.layers.overlay.try_button.isEnabled()
        assert rig.show(Snapshot(Stage.ENDING, doing=Doing.TERMINATING)) == {"starting"}


def test_a_requested_start_shows_before_the_snapshot_has_it(rig: Rig) -> None:
    rig.show(Snapshot(Stage.IDLE))
    assert rig.layers.starting.title.text() == "Ready to play"
    rig.show(Snapshot(Stage.IDLE), start_requested=True)
    assert rig.layers.starting.title.text() == "Starting your game"


def test_the_game_or_the_card_has_the_focus(rig: Rig) -> None:
    layers = rig.layers
    rig.show(LIVE)
    assert layers.focusWidget() is layers.view
    assert (layers.view.takes_tab, layers.view.dimmed) == (True, False)
    rig.show(lost())
    assert layers.focusWidget() is layers.overlay.panel, "a key of the game presses no button"
    assert (layers.view.takes_tab, layers.view.dimmed) == (False, True)
    layers.overlay.close_button.setFocus()
    rig.show(lost())
    assert layers.focusWidget() is layers.overlay.close_button, "what was chosen stays"


def test_notes_show_and_hide_the_volume_control(rig: Rig) -> None:
    rig.layers.show_notes(Notes(badge="Connection unstable", shows_volume_control=True), NOW)
    assert rig.layers.sound.isVisible()
    assert rig.layers.corners.badge.text() == "Connection unstable"
    rig.layers.show_notes(Notes(), NOW)
    assert rig.layers.sound.isHidden()


def test_everything_is_as_large_as_the_picture(application: QApplication, rig: Rig) -> None:
    layers = rig.layers
    layers.resize(900, 500)
    application.processEvents()
    for widget in (layers.view, layers.corners, layers.starting, layers.overlay, layers.end):
        assert widget.size() == layers.size()
    at = layers.sound.geometry()
    assert (at.right(), at.bottom()) == (900 - 14 - 1, 500 - 14 - 1)
    button = layers.reconnect.geometry()
    assert abs(button.center().x() - 450) <= 1
    assert 300 < button.bottom() < at.top()


def test_the_offer_to_reconnect_is_shown_while_there_is_a_hint(rig: Rig) -> None:
    rig.show(LIVE)
    offer = Notes(badge="frozen", reconnect_hint="Ctrl+Alt+R: reconnect", offers_reconnect=True)
    rig.layers.show_notes(offer, NOW)
    assert rig.layers.reconnect.isVisible()
    assert rig.layers.corners.badge.text() == "frozen Ctrl+Alt+R: reconnect"
    rig.layers.show_notes(Notes(badge="frozen"), NOW)
    assert rig.layers.reconnect.isHidden()


@pytest.mark.parametrize("by_player", [True, False])
def test_a_game_that_the_player_ended_leaves_a_button_with_the_focus(
    rig: Rig, by_player: bool
) -> None:
    rig.show(LIVE)
    rig.show(lost())
    kind = EndingKind.ENDED_BY_PLAYER if by_player else EndingKind.GAME_ENDED
    rig.show(Snapshot(Stage.ENDED, ending=Ending(kind)))
    end = rig.layers.end
    assert rig.layers.focusWidget() is (end.primary if by_player else end.panel)
