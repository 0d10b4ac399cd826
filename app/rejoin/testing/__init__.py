"""The parts of which tests of reconnection are made: a studio, a player and drops, without `async`.

The fixtures of `rejoin.pytest_plugin` use these modules; a test that imports them directly needs no
pytest. Everything needs the part `qa`.

Glossary:
    studio       what players connect to: an emulator that the test starts, or a studio's own
                 backend
    player       a client without window and sound, on an event loop of its own thread
    drop         one fault that was caused in the player, and its outcome for the game
    same game    on an emulator: its game went on. Elsewhere: the stream session is the same one

Read in this order: `problems` (failed or skipped), `loop_thread`, `studios` (with
`own_backend`), `game_player`, `player_input`, `drops`.
"""
