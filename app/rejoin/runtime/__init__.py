"""Runs one player's game: the threads, the engine loop, and what is saved between two runs.

The engine in `core` is pure: events in, commands out. This package gives it a clock, an event loop
and a network, carries out its commands, and is the only place where they are carried out.

Glossary
    stream thread    the thread whose asyncio event loop runs the engine and all connections
    post             hand an event to the engine, from any thread
    step             one event through the engine: new state, commands, snapshot
    peer             the object behind one WebRTC connection; each connection has a new peer
    sample           statistics of 50 ms of one connection, in which the engine detects a drop
    snapshot         what the window may show of the engine's state
    ticket           the file with which a game is rejoined after a crash
    rejoin state     the part of a ticket that the engine needs
    instance         the one process that plays a session; a second one activates it and ends
    module           the service's script that turns input into messages; see `input_module`
    instance of it   made for one answer; attached while its connection is live
    microphone       its state is one value (`microphone_states`); only `Live` sends
    studio profile   which backend, which token, where streams may come from

Read in this order
    player           composes everything and is the window's port; `client_hooks` for testers,
                     `said_once` for what is wrong
    ports            what the engine loop needs of peers, backend, ticket store
    sampling         "drop to rejoined" starts here: samples, sleep, statistics
    engine_loop      queue, step, wake-up, publish
    executor         commands become calls; `connection_calls` and `backend_calls` make them
    module_input     the input module and its connection: `module_states`, `module_scripts`,
                     `module_process`, `module_statistics`, `module_report`, `waiting_messages`,
                     `channel_reports`, `wishes`
    microphone       sends the player's voice over the connection that is shown
    connections      the open peers; `address_loss` reports those whose local address is gone
    ticket_writer, snapshots, loop_access    tickets in order, listeners, calls from other threads
    network, netlink     the network watch on Linux
    probe_rounds     when `probes` ask whose fault it is: `gateway`, `system_word`
    local_store      everything that outlives the process: `ticket_folder`, `tokens`, `instance`
                     with
                     `instance_server`; `unfinished` finds the game that can be returned to
    opening          a game of the home window: `games`, `games_file`, `game_icons`,
                     `backend_visit`, `game_sign_in`
    report_sender    reconnect reports, when the game is back; `report_queue` has them on disk
    private_files    small files that only this user can read
    state_folder     where that is, and how a small file there is replaced; `file_lock` keeps two
                     processes from one file
    stream_thread                   the threads (all threads: docs/threads.md)
    player_settings, loaded_settings    the player's saved settings: `settings_file`,
                     `toml_file`; `saved_choices` has what of it belongs to a profile
    studio_profile, deep_link, volume_file, statistics_file    choices of one run, and files
    logs             to standard error, and for players to a `log_file`
    motion_wish      whether the system asks for reduced motion; `session_bus` finds its D-Bus
    renderer_memory  remembers whether drawing with the graphics card works
    sign_in          in the browser (`loopback_redirect`) or on another device (`qr_code`)
    token_keeper     renews the token of a running game: `token_sources`, `saved_sign_in`
    practice_port    a tester's practice drops, as the window sees them
    brief_game       a game without a person, which is always ended
    doctor           checks of this computer and of the path to a backend (a package)
    licences         the components of this Rejoin and their licences
    launch           before and after a game: ticket, claim, secrets, exit code
"""
