"""The parts of the simulator's world: coarse models that are exact about time.

Answers arrive after their latency, silence is noticed after a delay, lost datagrams never arrive.
The service's statuses are the real ones (`service_model.lifecycle`); `rejoin.verify.simulate` runs
the real engine against these parts.

Glossary:
    change       something that happens to the world on purpose (`verify.environment.Change`)
    run          one game from its start until the time is up or the client ends
    life         the time from the start of the client program to its crash
    flow         packets that have passed over the paths since the last event
    to notice    the service finds out that its client is gone
    framed       a connection whose first frame was decoded

Read in this order: clock, service, connections, backend, promises, then `verify.simulate`.
"""
