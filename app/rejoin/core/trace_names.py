"""The names of events, commands, states and what testers do in a trace: an explicit table.

A trace outlives the code that wrote it, so its names are not class names: a class may be renamed
without a new version of the trace, and a name here never without one (`trace.SCHEMA`).
"""

from __future__ import annotations

from typing import Final

from rejoin.core import commands, events, phases

EVENTS: Final[dict[type[events.Event], str]] = {
    events.StartRequested: "StartRequested",
    events.RejoinRequested: "RejoinRequested",
    events.TryNowRequested: "TryNowRequested",
    events.ReconnectRequested: "ReconnectRequested",
    events.CloseForNowRequested: "CloseForNowRequested",
    events.EndGameRequested: "EndGameRequested",
    events.OfferMade: "OfferMade",
    events.OfferFailed: "OfferFailed",
    events.AnswerRefused: "AnswerRefused",
    events.VideoRefused: "VideoRefused",
    events.ConnectionOpened: "ConnectionOpened",
    events.ConnectionFailed: "ConnectionFailed",
    events.InputOpened: "InputOpened",
    events.InputUnavailable: "InputUnavailable",
    events.InputModuleKnown: "InputModuleKnown",
    events.MessageSent: "MessageSent",
    events.MessageReceived: "MessageReceived",
    events.FirstPacketArrived: "FirstPacketArrived",
    events.FirstFrameDecoded: "FirstFrameDecoded",
    events.Sampled: "Sampled",
    events.HardEvidenceSeen: "HardEvidenceSeen",
    events.GoodbyeSaid: "GoodbyeSaid",
    events.SessionStarted: "SessionStarted",
    events.StartFailed: "StartFailed",
    events.StatusArrived: "StatusArrived",
    events.StatusFailed: "StatusFailed",
    events.RequestWritten: "RequestWritten",
    events.AnswerArrived: "AnswerArrived",
    events.ReconnectFailed: "ReconnectFailed",
    events.SessionTerminated: "SessionTerminated",
    events.TerminateFailed: "TerminateFailed",
    events.NetworkLost: "NetworkLost",
    events.NetworkFound: "NetworkFound",
    events.Woke: "Woke",
    events.ProbesFinished: "ProbesFinished",
    events.WakeupDue: "WakeupDue",
}

COMMANDS: Final[dict[type[commands.Command], str]] = {
    commands.MakeOffer: "MakeOffer",
    commands.StartSession: "StartSession",
    commands.PollStatus: "PollStatus",
    commands.Reconnect: "Reconnect",
    commands.RefreshSignIn: "RefreshSignIn",
    commands.ApplyAnswer: "ApplyAnswer",
    commands.RequestKeyFrame: "RequestKeyFrame",
    commands.StartChecks: "StartChecks",
    commands.StopChecks: "StopChecks",
    commands.Mute: "Mute",
    commands.Unmute: "Unmute",
    commands.SayGoodbye: "SayGoodbye",
    commands.CloseConnection: "CloseConnection",
    commands.ShowConnection: "ShowConnection",
    commands.AttachInput: "AttachInput",
    commands.SuspendInput: "SuspendInput",
    commands.SaveTicket: "SaveTicket",
    commands.DeleteTicket: "DeleteTicket",
    commands.TerminateSession: "TerminateSession",
    commands.Finish: "Finish",
}

STATES: Final[dict[type[phases.Phase], str]] = {
    phases.Idle: "Idle",
    phases.StartOffering: "StartOffering",
    phases.StartRequesting: "StartRequesting",
    phases.StartBackoff: "StartBackoff",
    phases.Placing: "Placing",
    phases.Connecting: "Connecting",
    phases.Live: "Live",
    phases.Lost: "Lost",
    phases.Goodbye: "Goodbye",
    phases.Offering: "Offering",
    phases.Requesting: "Requesting",
    phases.Backoff: "Backoff",
    phases.AwaitingService: "AwaitingService",
    phases.ConfirmingEnd: "ConfirmingEnd",
    phases.TerminatingSession: "TerminatingSession",
    phases.Ended: "Ended",
}

FAULT_LIFTED: Final = "FaultLifted"
"""A fault that was caused on purpose is over, or was lifted."""
MARKER_SET: Final = "MarkerSet"
GAME_COMPARED: Final = "GameCompared"
"""After a drop: whether it is the same game, as far as known."""
TESTER: Final = (FAULT_LIFTED, MARKER_SET, GAME_COMPARED)
