"""The exception tree: everything that Rejoin itself raises is a `RejoinError`.

In the core, faults of the network and the service are events, not exceptions; these are for the
code around it. What a person reads and can do about them is in `gui/texts.py` and `cli/`.
"""

from __future__ import annotations

from typing import ClassVar


class RejoinError(Exception):
    """A failure with a known cause.

    `str(error)` is one sentence for a person: no traceback, no secret, no SDP, no whole address.
    `code` is a stable word for programs; `exit_code` is what the command line ends with.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1


class BadInputError(RejoinError):
    """An input (option, file, link, profile) cannot be used, or a file cannot be written."""

    code = "bad_input"
    exit_code = 2


class SignalError(RejoinError):
    """A SignalRequest or SignalResponse is malformed, or requires what the profile forbids."""

    code = "bad_signal"
    exit_code = 5


class PeerError(RejoinError):
    """The WebRTC connection could not carry out a command."""

    code = "peer"
    exit_code = 6


class ServiceError(RejoinError):
    """One of our servers (backend, emulator, studio) could not start or had to stop."""

    code = "service"
    exit_code = 7


class PortInUseError(ServiceError):
    """The address that one of our servers should listen on is in use."""

    code = "port_in_use"
    exit_code = 8


class NoDisplayError(RejoinError):
    """There is no display for a window."""

    code = "no_display"
    exit_code = 9


class AssetMissingError(RejoinError):
    """A file that belongs to Rejoin is missing."""

    code = "asset_missing"
    exit_code = 10


class MissingPartError(RejoinError):
    """A part of Rejoin, or a library of the system that it needs, is not installed."""

    code = "missing_part"
    exit_code = 11


class InputModuleError(RejoinError):
    """The sandbox of the input module broke its own rules, or cannot be closed in."""

    code = "input_module"
    exit_code = 12
