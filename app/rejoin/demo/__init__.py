"""The demonstration: a game against the emulated service, a dropped connection, and back.

    studio process   emulator and backend; stops when our end of its standard input closes
    main thread      the window, and the script that waits for each step and takes screenshots
    stream thread    the player's client, exactly as in `rejoin play`
    fault thread     one call to the emulator's control API for each drop

Glossary
    step          what the script waits for next: live, lost, live again, ...
    drop          a fault that the script injects into the emulated service
    episode       from a lost connection to live again, or to the end (see `core`)
    tick          the game's own counter, painted into each picture, 60 a second
    continuity    whether the ticks before and after a drop belong to one game that kept running

Read in this order: `run` (puts everything together), `script` (the steps), `drops`, `continuity`,
`report` (success or failure, report.json), `without_window` (headless where Qt is missing).
"""
