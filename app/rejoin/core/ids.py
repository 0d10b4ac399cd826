"""Names and numbers of sessions, attempts and connections; a module of its own for the ticket."""

from __future__ import annotations

from typing import NewType

ConnectionNumber = NewType("ConnectionNumber", int)
"""One RTCPeerConnection of this client, numbered from 1; a number is used once."""

AttemptNumber = NewType("AttemptNumber", int)
"""One fresh offer of one episode; the number rises as long as the stream session lives."""

SessionId = NewType("SessionId", str)
"""The backend's name for the stream session; opaque to us."""
