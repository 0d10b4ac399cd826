"""The game: a pure function of time and input."""

from __future__ import annotations

from rejoin.emulator.host.game import COIN_SCORE, TICKS_PER_S, Game
from rejoin.input_protocol.controls import Controls

RIGHT, UP = 0x4F, 0x1A


def test_the_counter_is_right_however_seldom_the_game_is_advanced() -> None:
    often, seldom = Game(100.0), Game(100.0)
    for step in range(1, 1001):
        often.advance(100.0 + step * 0.01)
    assert seldom.advance(110.0) == often.counter == 10 * TICKS_PER_S
    assert seldom.chain == often.chain
    assert seldom.advance(105.0) == 600  # time never goes back


def test_an_hour_later_it_has_not_drifted() -> None:
    game = Game(12345.678)
    game.advance(12345.678 + 1800.5)
    assert game.advance(12345.678 + 3600) == 3600 * TICKS_PER_S


def test_the_chain_depends_on_every_input_and_its_time() -> None:
    def play(pressed_at: float, key: int) -> bytes:
        game = Game(0.0)
        game.hold(Controls(frozenset({key})), pressed_at)
        game.release(pressed_at + 0.5)
        game.advance(3.0)
        return game.chain

    assert play(1.0, RIGHT) == play(1.0, RIGHT)
    assert play(1.0, RIGHT) != play(1.0, UP)
    assert play(1.0, RIGHT) != play(1.1, RIGHT)
    assert Game(0.0, seed=1).chain != Game(0.0, seed=2).chain


def test_keys_move_the_player_until_they_are_released() -> None:
    game = Game(0.0)
    start = game.scene().player
    game.hold(Controls(frozenset({RIGHT, UP})), 1.0)
    game.release(1.5)
    moved = game.advance(2.0)
    assert moved == 120
    x, y = game.scene().player
    assert (x - start[0], start[1] - y) == (180, 180)
    assert (game.key_presses, game.score) == (2, 2)
    game.hold(Controls(buttons=1), 2.0, travel=(-40, 12))
    game.advance(2.1)
    assert game.scene().player == (x - 40, y + 12)
    assert game.key_presses == 3


def test_a_coin_gives_points_and_reappears_elsewhere() -> None:
    game = Game(0.0)
    coin = game.scene().coins[0]
    x, y = game.scene().player
    game.hold(Controls(), 0.0, travel=(coin[0] - x, coin[1] - y))
    game.advance(0.1)
    assert game.score >= COIN_SCORE
    assert coin not in game.scene().coins
    assert game.scene().coin_taken is not None
