"""The stream session of Amazon GameLift Streams, as documented, and the backend's fence.

Pure: no clock, no socket. The emulator runs on it, the simulator and the explorer are built on it,
and the engine and the clients use its statuses.

Glossary:
    stream session   one game on one host, from StartStreamSession to TERMINATED or ERROR
    status, reason   the service's own words, such as PENDING_CLIENT_RECONNECTION
    connection       one offer of a client and its answer, numbered by the caller
    create call      CreateStreamSessionConnection: a fresh offer for a running session
    window           how long the service waits for a client before it ends the session
    placement        the service's search for a host
    attempt          one fresh offer of a client, with a number that rises over the whole session
    claim            an attempt's request to the backend to become the session's newest
    fence            the rule that no older attempt may reach the service after a newer one

Read in this order: status, lifecycle (its docstring holds all rules), fence.
"""
