"""Checks of this computer, of the way to a backend, and of ten seconds of play.

One core for `rejoin doctor` and for *Test my connection* in the window. Each check is a value; what
is looked at and what it means are apart, so that every sentence is tested without a network. No
check contacts anybody but the studio's backend, the identity provider of a saved sign-in and, in a
game, the game server.

Glossary
    check     one thing that is looked at, with a name that programs can rely on and a time limit
    finding   what came of it: an outcome, what was found, what to do
    outcome   OK, WARNING (one can play), FAILED (one cannot), NOT_KNOWN (it was not looked at)
    report    all findings of a run; the one piece of advice is that of the worst and earliest
    facts     what was seen, before it is judged
    way       what the checks of the connection learn one after another
    rating    what the numbers of ten seconds of play mean, by a table of limits

Read in this order: `findings`, `run` (the limits, progress, cancelling), `privacy`, then what is
looked at and what it means: `machine` and `machine_judging`, `connection` (with `tls`) and
`connection_judging`, `play` and `rating`, `selftest`; `texts` (lines and JSON), and
`connection_test` (all of it for a window, on a thread).
"""
