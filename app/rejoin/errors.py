"""The exception tree: everything that Rejoin itself raises is a `RejoinError`.

In the core the world's faults are events, not exceptions; these are for the edges. What a person
reads and can do about them lives in `gui/texts.py` and `cli/`.
"""

from __future__ import annotations

from typing import ClassVar


class RejoinError(Exception):
    """A failure that Rejoin understands.

    `str(error)` is one sentence for a person: no traceback, no secret, no SDP, no whole address.
    `code` is a stable word for programs; `exit_code` is what the command line ends with.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1


class BadInputError(RejoinError):
    """Something the caller gave us (option, file, link, profile) cannot be used."""

    code = "bad_input"
    exit_code = 2


class SignalError(RejoinError):
    """A SignalRequest or SignalResponse is not one, or asks for what the profile forbids."""

    code = "bad_signal"
    exit_code = 5


class PeerError(RejoinError):
    """The WebRTC connection could not do what was asked of it."""

    code = "peer"
    exit_code = 6


class ServiceError(RejoinError):
    """Our own server side (backend, emulator, studio) could not start or go on."""

    code = "service"
    exit_code = 7


class PortInUseError(ServiceError):
    """An address that a server of ours should listen on is taken."""

    code = "port_in_use"
    exit_code = 8


class NoDisplayError(RejoinError):
    """There is no display to open a window on."""

    code = "no_display"
    exit_code = 9


class AssetMissingError(RejoinError):
    """A file that ships with Rejoin is not where it should be."""

    code = "asset_missing"
    exit_code = 10


class MissingPartError(RejoinError):
    """A part of Rejoin, or a library of the system that it needs, is not installed."""

    code = "missing_part"
    exit_code = 11
