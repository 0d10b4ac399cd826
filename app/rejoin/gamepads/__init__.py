"""The player's gamepads, by SDL 2: from the devices to the W3C's standard gamepad.

A thread of their own reads them, from the moment input opens for the first time: nothing of SDL is
loaded before. What the devices do becomes whole states (`PadState`) in the W3C's order, which go
the way of every other input while the game takes input.

Glossary:
    instance    SDL's number of a device since it was plugged in; never used again in a run.
    index       The place of a pad in the game, 0 to 3, as Gamepad.index has it.
    raw         Axes and buttons in SDL's order and ranges.
    at rest     Every button up, every stick in the middle.

Read: `choices` and `changes` (values), `standard` (SDL's numbers to the W3C's), `pads` (devices to
states), `gate` (what reaches the game, and when), `talk_button` (the microphone's button, which
does not), `in_hand` and `pad_kinds` (whose buttons hints name), `reader` (the thread), `sdl_source`
and `sdl_library` (SDL itself), `device_watch` (what ends the thread's pauses on Linux). Beside the
gate `navigation` makes presses on Rejoin's own cards, and `pad_mouse` makes a pad a mouse.
"""
