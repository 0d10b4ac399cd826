"""Transport-wide congestion control in SDP: what we offer, and what an answer takes of it.

draft-holmer-rmcat-transport-wide-cc-extensions-01, 2: `a=rtcp-fb:... transport-cc` and a header
extension with a sequence number that counts all packets of the transport.
"""

from __future__ import annotations

from typing import Final

from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.rtc.sdp import Description, values_of

FEEDBACK: Final = "transport-cc"

OFFERED_ID: Final = 4
"""The id of the header extension in every section of our offer: ids are shared in a BUNDLE
(RFC 8285, 7), and aiortc has taken 1 to 3."""

_RESERVED_ID: Final = 15


def agreed_id(description: Description) -> int | None:
    """The extension id of the numbers that this answer's host will send; None if it declined.

    An answer without `extmap` means the offered id: hosts that write only the feedback number their
    packets all the same.
    """
    media = sorted(
        (each for each in description.sections if each.kind != "application"),
        key=lambda section: section.kind != "video",
    )
    feedback = (value for section in media for value in section.values("rtcp-fb"))
    if not any(value.lower().split()[1:] == [FEEDBACK] for value in feedback):
        return None
    for lines in [*(section.lines for section in media), description.session]:
        for value in values_of(lines, "extmap"):
            number, *rest = value.split()
            number = number.partition("/")[0]
            if rest[:1] == [TRANSPORT_CC_URI] and _is_id(number):
                return int(number)
    return OFFERED_ID


def _is_id(text: str) -> bool:
    """RFC 8285, 4.2 and 4.3: 1 to 14 in the one-byte form, up to 255 in the two-byte form."""
    return (
        text.isascii()
        and text.isdigit()
        and len(text) < 4
        and (0 < int(text) < 256 and int(text) != _RESERVED_ID)
    )
