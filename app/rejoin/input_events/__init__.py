"""Events of keyboard, mouse and gamepads as values: the client's one input model.

Pure. The window makes these values from Qt's events, the runtime passes them to the input module of
the connection that is shown, and the module's browser turns them into DOM events. Names and numbers
are those of the W3C: UI Events, UI Events KeyboardEvent code, Pointer Lock, Gamepad.

Glossary:
    code        The position of a key, as KeyboardEvent.code has it ("KeyW"); never a letter.
    key         What the key means in the player's layout, as KeyboardEvent.key has it ("z").
    usage       The number of a key in USB HID page 7.
    scan code   The number of a key in Linux's input-event-codes.h.
    pad         A gamepad with the W3C's standard layout.
    view        The element that shows the picture; positions count in its CSS pixels.
    chord       A key of a shortcut, with the modifiers that are held with it.
    wish        A request of the input module to the window: pointer lock, full screen, a cursor.

Read: `events`, then `keys` (one table of code, usage and scan code), `held`, `wishes` and `chords`.
"""
