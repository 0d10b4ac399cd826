"""The studios' icons on the cards."""

from __future__ import annotations

from PySide6.QtGui import QColor, QImage

from helpers.fake_port import picture
from helpers.home_scene import TIDE, WOOD, HomeScene
from helpers.window_faces import wait_until
from rejoin.gui.home.game_card import GameTile
from rejoin.media.video.png import png_of
from rejoin.runtime.backend_visit import SignInKind, Visited
from rejoin.runtime.game_icons import keep_icon, read_icon

PNG = png_of(picture(64, 64))
FOUND = Visited(WOOD.address, SignInKind.TOKEN, "1.3", icon=PNG)


def tile_of(scene: HomeScene, key: str) -> GameTile:
    return next(tile for tile in scene.window.home.tiles if tile.card.key == key)


def shows_icon(scene: HomeScene, key: str) -> bool:
    return tile_of(scene, key)._icon is not None


def middle(tile: GameTile) -> QColor:
    return tile.grab().toImage().pixelColor(tile.width() // 2 - 20, 59 - 20)


def test_cards_have_their_icons_once_the_window_is_painted(scene: HomeScene) -> None:
    keep_icon(WOOD.key, PNG)
    keep_icon(TIDE.key, b"\x89PNG\r\n\x1a\n" + b"damaged")
    scene.open(WOOD, TIDE)
    assert wait_until(lambda: shows_icon(scene, WOOD.key), 60.0)
    assert not shows_icon(scene, TIDE.key)
    tile = tile_of(scene, WOOD.key)
    with_icon = middle(tile)
    tile.show_icon(None)
    assert middle(tile) != with_icon
    image = QImage.fromData(PNG)
    tile.show_icon(image)
    assert middle(tile) == with_icon


def test_a_game_that_is_added_has_the_icon_of_its_backend_and_loses_it(scene: HomeScene) -> None:
    controller = scene.open()
    controller.steps.adding.begin("127.0.0.1:9")
    scene.step.buttons[0].click()
    scene.jobs.end(FOUND)
    scene.step.buttons[1].click()
    assert read_icon(WOOD.key) == PNG
    assert wait_until(lambda: shows_icon(scene, WOOD.key), 60.0)
    controller.steps.ask_removal(WOOD.key)
    scene.step.buttons[0].click()
    assert scene.names() == []
    assert read_icon(WOOD.key) == b""


def test_an_icon_that_cannot_be_kept_costs_no_game(scene: HomeScene) -> None:
    from rejoin.runtime.state_folder import state_folder

    state_folder().mkdir(parents=True, exist_ok=True)
    (state_folder() / "icons").write_text("no folder")
    controller = scene.open()
    controller.steps.adding.begin("127.0.0.1:9")
    scene.step.buttons[0].click()
    scene.jobs.end(FOUND)
    scene.step.buttons[1].click()
    assert scene.names() == ["127.0.0.1"]
