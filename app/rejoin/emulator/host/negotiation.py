"""Decides the media of the host's answer: directions, codecs, and the feedback that it obeys."""

from __future__ import annotations

from collections.abc import Sequence

from aiortc import RTCRtpTransceiver

from rejoin.emulator.host.sdp import LOSS_FEEDBACK, choose_codecs
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.rtc import aiortc_seam
from rejoin.rtc.transport_cc import FEEDBACK


def negotiate(
    transceivers: Sequence[RTCRtpTransceiver], offer: str, settings: EmulatorSettings
) -> None:
    """After the offer was applied, before the answer is made. Raises SignalError.

    Where the client offers sound of its own, it is taken if the settings say so.
    """
    for transceiver in transceivers:
        takes = transceiver.kind == "audio" and settings.takes_microphone
        transceiver.direction = "sendrecv" if takes else "sendonly"
        chosen = choose_codecs(
            transceiver.kind,
            aiortc_seam.codecs_of(transceiver),
            offer,
            settings.packetization_mode,
            _feedback_read(transceiver, settings),
        )
        aiortc_seam.set_codecs(transceiver, chosen)


def _feedback_read(transceiver: RTCRtpTransceiver, settings: EmulatorSettings) -> tuple[str, ...]:
    """What this host obeys; packets are numbered only if its congestion control reads that."""
    read = settings.congestion_feedback
    extensions = aiortc_seam.header_extensions_of(transceiver)
    if read == "goog-remb":
        extensions[:] = [each for each in extensions if each.uri != TRANSPORT_CC_URI]
    numbered = any(each.uri == TRANSPORT_CC_URI for each in extensions)
    kinds = ("goog-remb", FEEDBACK) if read == "both" else (read,)
    congestion = tuple(kind for kind in kinds if numbered or kind != FEEDBACK)
    return (*LOSS_FEEDBACK, *(["nack pli"] if settings.answers_pli else []), *congestion)
