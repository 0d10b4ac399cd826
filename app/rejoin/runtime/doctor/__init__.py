"""Checks of this computer, of the path to a backend, and of ten seconds of play.

One core for `rejoin doctor` and for *Test my connection* in the window. Each check is a value.
Looking and judging are separate, so that every sentence is tested without a network. Checks contact
only the studio's backend, the identity provider of a saved sign-in and, in a game, the game server.

Glossary
    check     looks at one thing; has a name that programs can rely on and a time limit
    finding   the result of a check: an outcome, what was found, what to do
    outcome   OK, WARNING (one can play), FAILED (one cannot), NOT_KNOWN (it was not looked at)
    report    all findings of a run; its one piece of advice comes from the worst and earliest
    facts     observations before they are judged
    way       knowledge that the checks of the connection collect one after another
    rating    judges the numbers of ten seconds of play, by a table of limits

Read in this order: `findings`, `run` (the limits, progress, cancelling), `privacy`, then the pairs
that look and judge: `machine` and `machine_judging`, `connection` (with `tls`) and
`connection_judging`, `play` and `rating`, `selftest`; `texts` (lines and JSON), and
`connection_test` (all of it for a window, on a thread).
"""
