"""Rejoin: a client for games streamed by Amazon GameLift Streams that gets back into the game.

Read `core` first (the engine), then `runtime` (the engine at work), `rtc` and `media` (the stream),
`signaling` and `backend` (the studio's side), `gui`, `emulator`, and `verify` (the proof of the
engine). Each package opens with a glossary and the order in which to read its files.
"""
