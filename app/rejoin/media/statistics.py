"""The statistics of one connection: one record of values for window, reports and files."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rejoin.core.model import ConnectionNumber


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """One connection in numbers, named as in W3C's webrtc-stats where it has a name for them.

    Rates, `decode_ms` and `jitter_buffer_ms` are over the last second, `loss` (0..1) over the last
    three. `decode_ms` is per decoded frame, `jitter_buffer_ms` per received frame, from its first
    packet until it left the jitter buffer.

    A frame that was not shown is counted once, by reason: `frames_broken` (packets missing),
    `frames_held_back` (depends on a lost frame), `frames_unsupported` (of a kind that is not
    decoded; `unsupported` says which), `frames_undecoded` (the decoder's queue was full),
    `frames_failed` (decoding failed), `pictures_replaced` (a newer picture came before it was
    painted), `pictures_unwatched` (the window is minimised). `frames_dropped` is W3C's
    framesDropped: received completely but never decoded.

    `last_*_at`: boot time of the newest authenticated packet of a kind, None before the first. They
    distinguish a host that sends no media (checks and reports still arrive) from a broken path.
    """

    connection: ConnectionNumber
    connected: bool = False
    connection_state: str = "new"
    """W3C's RTCPeerConnectionState."""
    candidate_pair: str | None = None
    """Kinds of the nominated pair's candidates, ours first, and the protocol; no address."""
    codec: str | None = None
    profile: str | None = None
    decoder: str | None = None
    """The decoder: "software", or FFmpeg's name of the hardware (cuda, d3d11va, ...)."""
    width: int = 0
    height: int = 0
    received_fps: float = 0.0
    decoded_fps: float = 0.0
    painted_fps: float = 0.0
    bitrate_bps: float = 0.0
    available_bitrate_bps: int | None = None
    """Our own estimate of the path, which REMB asks for; None where the host takes no congestion
    feedback."""
    congestion_feedback: str = "REMB"
    """The feedback that the host gets: "REMB" or "transport-cc" (then the host makes its own
    estimate)."""
    queue_s: float = 0.0
    """Estimated queueing delay at the bottleneck of the path."""
    loss: float = 0.0
    rtt_s: float | None = None
    jitter_s: float = 0.0
    decode_ms: float = 0.0
    jitter_buffer_ms: float = 0.0
    frame_age_s: float = 0.0
    """Age of the newest painted picture: from its last packet to its painting."""
    frames_received: int = 0
    frames_decoded: int = 0
    frames_painted: int = 0
    key_frames_received: int = 0
    key_frames_decoded: int = 0
    frames_dropped: int = 0
    frames_broken: int = 0
    frames_held_back: int = 0
    frames_unsupported: int = 0
    unsupported: str | None = None
    """Why the video cannot be played, in a few words; None if it can."""
    frames_undecoded: int = 0
    frames_failed: int = 0
    hardware_failures: int = 0
    """How often the hardware decoder failed and software took over."""
    pictures_replaced: int = 0
    pictures_unwatched: int = 0
    freeze_count: int = 0
    total_freezes_duration_s: float = 0.0
    total_decode_time_s: float = 0.0
    total_scale_time_s: float = 0.0
    """Time the decoder's thread spent on scaling pictures to the size of the window."""
    total_paint_time_s: float = 0.0
    """Time the window's thread spent on painting each picture for the first time."""
    packets_received: int = 0
    packets_lost: int = 0
    """Lost packets without those that a retransmission repaired, with RTX or without."""
    packets_discarded: int = 0
    packets_failed: int = 0
    """Inbound packets that were forged, duplicated or could not be processed; all dropped."""
    packets_unrouted: int = 0
    """Authenticated RTP packets whose payload type or stream nobody here receives; dropped."""
    feedback_failed: int = 0
    """RTCP packets of ours that could not be encoded or sent."""
    packets_recovered: int = 0
    retransmitted_packets_received: int = 0
    bytes_received: int = 0
    nack_count: int = 0
    fir_count: int = 0
    pli_count: int = 0
    checks_sent: int = 0
    checks_answered: int = 0
    audio_bytes_received: int = 0
    """As `bytes_received`: without headers."""
    audio_packets_received: int = 0
    audio_packets_lost: int = 0
    audio_packets_concealed: int = 0
    audio_total_samples: int = 0
    """W3C's totalSamplesReceived: samples per channel, at 48 kHz, that the decoder returned while
    this connection was shown."""
    audio_concealed_samples: int = 0
    """Those of them that conceal lost packets."""
    audio_buffer_s: float = 0.0
    audio_sync_delay_s: float = 0.0
    """Extra delay of the sound, added so that it does not play before its picture is shown."""
    audio_late_s: float | None = None
    """How late the sound is relative to its picture (negative: early), including the latency that
    the audio device reports; None while unknown, and where no device plays it."""
    messages_sent: int = 0
    """Messages of the input module, on both data channels."""
    messages_not_sent: int = 0
    """Those of them that were dropped: muted, not open, or too much unsent."""
    host_application_cpu: float | None = None
    """Load of the host, from its performance statistics (through the input module): shares (0..1)
    of processors, memory and graphics, memory in MB; None where it sends none."""
    host_application_memory_mb: float | None = None
    host_cpu: float | None = None
    host_memory: float | None = None
    host_gpu: float | None = None
    host_vram: float | None = None
    receive_buffer_bytes: int | None = None
    """What the kernel granted of the 4 MiB requested; None where it cannot be read."""
    last_rtp_at: float | None = None
    last_rtcp_at: float | None = None
    last_sender_report_at: float | None = None
    last_stun_at: float | None = None
    last_data_at: float | None = None
    """Packets of SCTP, which carries the data channels: messages, acknowledgements, heartbeats."""


def columns() -> tuple[str, ...]:
    """The names of all fields, in order: the header of a CSV file."""
    return tuple(field.name for field in fields(StreamStatistics))


def row(statistics: StreamStatistics) -> tuple[str, ...]:
    """All values as text, in the order of `columns`; unknown values are empty."""
    return tuple(_text(getattr(statistics, name)) for name in columns())


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)
