"""The proof that reconnecting works: invariants, and several ways to search for a violation.

Pure: no clock, no socket, and all randomness is passed in. `rejoin.qa` runs it and prints what it
finds; docs/proof.md says what it covers and what it has found.

Glossary:
    invariant        a rule that holds in every run (`invariants`: I1 to I9, FENCE, HEAL ...)
    trace            the records of one run: events, commands, states, faults, service statuses
    explore          try every order of events in a model, up to a number of states
    simulate         play one game in a simulated world on a virtual clock
    scenario         a file with cases: which faults, and the expected outcome
    fault profile    a named fault or network, such as `cut_3s`; `netem.network_profile` lists all
    episode          from a drop until the player plays again or the game is over
    savable          network and backend worked long enough while the service accepted the player
    score            how fast the detector reports a drop, and how often it is wrong

Read in this order: invariants; interleavings, explore; environment, simulated, simulate, faults;
scenario; traffic, detector_score.
"""
