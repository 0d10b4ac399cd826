"""The settings: the screen that shows and changes them, and how a running game follows them.

Glossary
    section     a page of the screen, as in its list
    row         one setting on it: its name, what is true now, when a change counts, and a control
    fact        what is true now beside the settings: screens, sound devices, data used
    fixed       given on the command line, so that a saved value does not count in this run

Read in this order: `sections` (pure: which rows there are, and their words), `rows` (pure: what a
row says), `facts` (what is asked of Qt and the system, lazily), `controls` and `row_view`
(widgets), `page` (the screen, which a window embeds), `window` (the screen in a window of its own).
Beside the game: `appearance` (settings to a theme), `watch` (the file has changed), `following`
(what of it applies at once; `chosen_controls` for keyboard, mouse and gamepads). `microphone_test`
is the part of the page that opens the microphone.
"""
