"""The commands of `rejoin qa`: simulations, scenarios, scores, and pages made from the code.

The rules are in `rejoin.verify`; this package adds files, seeds, processes and real sockets.

Glossary:
    scenario     a TOML file with cases: faults, a service, and the expected outcome
    case         one game of a scenario
    simulated    played in a modelled world on a virtual clock, in milliseconds
    live         played on real sockets, against the built-in emulator
    trace        the records of one run, as a file with one JSON record a line
    seed         a number that determines a random world and run
    score        how fast the detector reports a drop, and how often it is wrong
    injected     put into the client, because the real fault would require root privileges
    play         one run of a case at somebody's backend; a case may have several
    verdict      passed, failed, inconclusive (it says nothing) or skipped (it cannot be tried)
    card         a drop in a report in Markdown: its cause, steps, verdict and proof
    clip         the received video of ten seconds before and after a drop, as MP4
    dump         a play in the form of chrome://webrtc-internals
    proof        the evidence that the player is back in the same game (`game_proof`)
    practice     faults that a tester puts in from the menu of a window
    flaky        a case that failed in one play and passed in another
    figure       a quantity in which builds are compared: a share or count of drops, or their values
    budget       limits of figures, in a TOML file
    paired       of modelled runs: one of each build with the same seed
    storm        all games of a Region dropped at once, in one modelled world
    ledger       the sessions that runs have started and that may still run
    learned      measurements of a service, for the emulator and simulated worlds
    finding      the result of one session of `learn`
    guardian     a process that ends the sessions of a run that was killed

Read in this order: simulation; runner, game_client, live; game_proof, drop_evidence, game_watch;
verdicts, results, client_case, kept_pictures, case_process, case_player, messages, campaign;
ledger, guardian, guardian_process, sweep, last_failed; files, traces, trace_schema, attached,
measured; report_text, drops, ci, junit, markdown, report_json, report_charts, report_page,
webrtc_dump, merge; learned, learn_session, learn, known_service; process_usage, call_counts,
figures, exact_tests, budget, comparison, comparison_report, paired; storm, storm_chart; scoring;
diagram; input_check; practice. Then `fleet`, a package of its own (with session_guard).
The commands themselves are in `rejoin.cli.qa` and its siblings `qa_run`, `qa_report`, `qa_learn`,
`qa_compare`, `qa_storm`, `qa_fleet` and `practice`.
"""
