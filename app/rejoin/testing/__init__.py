"""What a test of reconnection is written with: a studio, a player and drops, without `async`.

The fixtures of `rejoin.pytest_plugin` are made of these; a test that imports them needs no pytest.
Everything needs the part `qa`.

Glossary:
    studio       what players connect to: an emulator that the test starts, or a studio's own
                 backend
    player       a client without window and sound, on an event loop of its own thread
    drop         one fault that was put into the player, and what became of the game
    same game    on an emulator: its game went on. Elsewhere: the stream session is the same one

Read in this order: `problems` (what a test ends with), `loop_thread`, `studios` (with
`own_backend`), `game_player`, `player_input`, `drops`.
"""
