"""A studio on one machine: the emulated service and the studio's backend, served on loopback.

Glossary
    studio      everything that a player connects to, without a cloud
    backend     the reference studio backend; players sign in there
    service     the emulated GameLift Streams, with its REST API and its game hosts
    control     the API of the emulator that injects faults
    address     the URLs and tokens of a running studio

Read in this order: `address` (the URLs and tokens of a running studio), `serve` (runs one in this
process), `process` (runs one in a separate process, as the demo and `qa run --live` do), `try_here`
(a player tries a game on it). Only `serve` imports the backend and the emulator.
"""
