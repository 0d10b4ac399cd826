"""The messages that carry keyboard, mouse and gamepad input from a client to the emulated host.

Pure: bytes to values and back. The emulated host and the script of its input module, which browsers
and the desktop client run, use the same definitions. docs/input-protocol.md is the specification.

Glossary:
    controls       the whole state of keyboard and mouse: what is held, and the travel
    travel         how far pointer and wheel have moved in all, modulo 2**32; the receiver
                   subtracts the total before
    usage          the number of a key in USB HID page 7
    pad            a gamepad, 0 to 3
    sequence       rises by one with each change; an older message is ignored
    HELLO          the host's first message; the script does not wait for it
    PERFORMANCE    the host's load, once a second
    channel        a WebRTC data channel: inputChannel or clientMessageChannel

Read: `controls`, the only module.
"""
