"""Faults on purpose, put into a client's own sockets: the same on every system, without root.

A player's client cannot reach any of this: only a tester's code passes it to a `Player`
(`runtime.client_hooks.ClientHooks`), no link, profile or setting names it, and no verb that needs
only the part `player` may import this package (an import contract).

Glossary:
    fault         a value of `faults.Fault`; it is started and lifted
    plan          the faults of one fault profile, by its name (`plans`)
    fate          what a link (`netem/link`) decides about a packet
    socket filter sits between a connection and one of its sockets (`rtc/socket_filter`)
    rebind        a NAT gives the client another port: the socket gets a second one
    lateness      how many seconds later than its link said a packet was passed on

Read in this order: faults, plans; delay_queue, paths, http_faults; injector (with clocks); seeds.
"""
