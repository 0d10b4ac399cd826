"""The game's window as a guest on the player's desktop, and nothing of the game itself.

It holds the screen saver off while a game can be seen, hints at a drop while another window is in
front, counts down in the title, and opens where it was.

Glossary
    awake       neither screen saver nor a blank screen
    hint        a notification, its withdrawal, or the sound; what a player notices elsewhere
    background  another window is the active one
    place       where a window is: screen, position, size, maximised

Read in this order: `hints` (pure: what is due when) with `hint_texts`, `guest` (does it), `place`,
`wayland_idle`, `services` (what this system offers), `hosted` (all of it for one window; a click on
a notification shows the game). Over D-Bus it is done by
`runtime/desktop_bus`; `runtime/place_file` keeps the place.
"""
