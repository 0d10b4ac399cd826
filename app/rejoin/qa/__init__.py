"""What `rejoin qa` runs: simulations, scenarios, scores, and the pages made from the code.

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
    play         one playing of a case at somebody's backend; a case may have several
    verdict      passed, failed, inconclusive (it says nothing) or skipped (it cannot be tried)
    card         a drop in a report in Markdown: its cause, steps, verdict and proof
    proof        what it rests on that the player is back in the same game (`game_proof`)
    practice     faults that a tester puts in from the menu of a window
    flaky        a case that failed in one play and passed in another
    ledger       the sessions that runs have started and that may still run
    guardian     a process that ends the sessions of a run that was killed

Read in this order: simulation; runner, game_client, live; game_proof, drop_evidence, game_watch;
verdicts, results, client_case, case_process, case_player, messages, campaign; ledger, guardian,
guardian_process, sweep; report_text, ci, junit, markdown, merge; traces, trace_schema; scoring;
diagram; input_check; practice. The commands themselves are in `rejoin.cli.qa`, `qa_run`,
`qa_report` and `practice`.
"""
