"""The emulated stream host: a game that runs, encoded and sent over real WebRTC.

Read in this order: `game_host` (one host), `connection` (one WebRTC connection), `media_player`
(encode and send), `rtp_stream` (one RTP stream), `relay` (what happens to packets),
`client_feedback` (what RTCP asks for) with `congestion_control` (the bitrate) and `own_lateness`,
`lasting_faults`. `client_voice` is the client's microphone. `no_host` is a host without any of it.
Pictures and music: `encoders` with `painter`, `scenery`, `strip_pictures` and `x264`.
Leaves: `game`, `strip`, `music`, `h264`, `sdp`, `negotiation`.

Glossary
- tick: one step of the game, 60 per second, counted by `Game.counter`.
- chain: the game's hash chain over all ticks and inputs; proves that the same game went on.
- strip: the top rows of each picture, which carry counter and chain for tests to read, and how loud
  the client's microphone is.
- scene: what one picture shows, as a value.
- strip picture: the picture before it with a strip of its own; no other picture refers to it.
- heartbeat: the game's count of ticks as an application message.
- relay port: the UDP port that the clients of one connection send to.
- flow: one client address at a relay port; each flow has its own socket towards the host.
- link: decides about each packet whether it is dropped or delayed (`netem/link`).
- presence: whether the client still counts as there (`client_presence`).
- frozen: neither receives nor sends, as in a hung process; muted: sends no RTP.
"""
