"""The command line: one module for each verb, with the code that reads arguments and prints.

What a verb does with its arguments lives below: `runtime.launch` (which game, which ticket, the
exit code of an ending), `demo`, `studio`, `backend`, `qa`. Click is imported in this package alone.

Glossary
    verb        a command of `rejoin`, such as `play`; `rejoin qa` has its own verbs
    part        an optional group of dependencies of the wheel (`player`, `backend`, `studio`, `qa`)
    options     the arguments of one verb as a frozen dataclass; each verb is a function of it
    ticket      the saved file with which `rejoin back` rejoins a game
    exit code   how a verb ends; README.md lists them all

Read in this order: `main` (entry, `secret_variables`, `exit_codes`, signals), `command_line` (what
click reads), `verbs` (which there are), `messages` (all that is printed; `player_log` keeps it for
players), `options` (shared options), `game_options` and `saved_settings` (a player's options, and
their defaults; `pad_options`, `microphone_options`), `sign_in` (the token that is given), `bearer`
(where a game's token comes from), `consent` (what is asked before a link or a ticket is followed),
`parts` (what is not installed), then a verb: `play` and `back` (both open a window through `window`
with `played_game`, and load by `no_collections`; for testers `practice`), `home` (the home window,
which `main` opens without click; `home_verb`), `doctor`, `licences`, `sign_in_verbs`, `settings`,
`demo`, `studio` and `backend` (both run until Ctrl+C through `servers`; `backend_settings`,
`backend_check`, `backend_report`), `qa` (with `qa_run` and `qa_report`; with `play` and `doctor`:
`backend_profile`).
"""
