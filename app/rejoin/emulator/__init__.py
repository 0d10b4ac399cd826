"""An emulated Amazon GameLift Streams on this machine, in two halves.

`service` is the service: its REST API, its stream sessions, and a control API of ours. `host` is
the stream host: a running game, its encoders and its side of WebRTC. They meet in
`service/stream_host`; `rejoin studio` puts them together.

Glossary
- stream session: one game for one player, with a status that clients poll (AWS's term).
- stream host: the machine that runs the game; here `host.game_host.GameHost`.
- connection: one WebRTC connection to a host; each reconnect makes a new one.
- offer and answer: SDP, inside AWS's SignalRequest and SignalResponse.
- relay: the UDP relay between clients and host, where packets are lost and delayed on purpose.
- fault: something that is made to go wrong on purpose (`service/faults`).
- network profile: a named description of a bad network (`netem`), one kind of fault.
- control API: ours, to read state, inject faults and change settings while it runs.
- setting: an unknown of the service as a named value (`service/settings`).

Read in this order: `service/stream_host`, then the packages `service` and `host`.
docs/emulator.md is the reference.
"""
