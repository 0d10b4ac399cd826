"""Network emulation as a pure library: what happens to each packet on a path, and when.

No socket, no clock: the emulator's relay, a tester's injector, the detector's generated streams and
the tests call a `Link` for every packet. Profiles are TOML files in `resources/profiles`.

Glossary:
    profile          a whole path and what happens to it, with a name
    lane             one direction of a path: delay, jitter, loss, bandwidth, queue
    stage            the lanes from some time on, until the next stage
    cut              everything is dropped, once
    blackout         everything is dropped for a short time, repeatedly
    burst            consecutive packets that are lost (simple Gilbert model)
    delay step       a change of the round trip, as when a satellite changes
    fate             what happens to one packet: its delay, or why it is dropped
    chance           a named stream of random numbers; the same seed gives the same stream
    place            where a fault profile happens: network, host, API, backend or client

Read in this order: link, network_profile, toml_tables.
"""
