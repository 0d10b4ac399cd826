"""One WebRTC connection to a stream host: offer, answer, transport, data channels, statistics.

aiortc and aioice do SDP, ICE, DTLS, SRTP keys and SCTP. Frames are made of packets in
`media/receive`, pictures of frames in `media/video`; this package moves packets and measures.

Glossary:

- peer: one connection of ours, from its offer to its close; a reconnect makes a new one;
- host: the other side, which runs the game and sends video and audio;
- SignalRequest, SignalResponse: our offer and its answer, as the service carries them;
- check: an ICE Binding request on the nominated pair; its answer proves that our packets
  reach the host;
- consent: the checks of about one a second that a healthy connection sends (RFC 7675);
- muted: sends checks and nothing else, while another connection may take over;
- goodbye: RTCP BYE, SCTP ABORT and DTLS close_notify, after which the peer is silent for good;
- evidence: a sign that the host or the path to it is gone, such as a BYE or a closed channel;
- sample: what the engine's detector reads 20 times a second; statistics: what people read;
- voice: the player's microphone, our only outgoing media;
- relay: a TURN server's address for us, and our allocation of it;
- seam: `aiortc_seam`, `handshake_seam`, `sctp_limits` and `turn_seam`, the only modules that touch
  private parts of aiortc and aioice.

From packet to pixel, read in this order:

1. `aiortc_seam.deliver_media_directly`: a datagram arrives; RTP is decrypted at once;
2. `transport`: notes its arrival time (`arrival_time`); `rtp_input`: parses it, shows it to
   `congestion_feedback` and finds its receiver;
3. `receiver.VideoReceiver`: gives it to `media/receive/inbound_video`, sends NACK, PLI and REMB;
4. `media/receive/jitter_buffer`: orders packets and returns whole frames;
5. `media/video/decoder`: decodes them on its thread, into `media/video/picture`'s slot;
6. the window (`gui`) takes the newest picture from the slot and paints it.

The life of a connection: `peer_states`, `media_parts`, then `peer`; `prepared_connection` and
`signal_codec` with `sdp`, `sdp_media`, `sprop`, `transport_cc` and `candidates` for the offer and
its answer; `ice_servers`, `relay` and `turn_seam` where TURN servers are named; `retransmission`,
`dtls_flights` and `handshake_seam` while it comes up; `sctp_limits` and `sctp_reassembly` for what
arrives on data channels; `channels` for controls; `playback` for sound; `socket_filter` for what
testers put in between; `voice_sender` for the player's voice; `checks`, `outgoing` and `goodbye`
for a connection in trouble; `statistics`. Apart from all of that, `loopback_check` connects two
peers on this computer, to prove an installation.
"""
