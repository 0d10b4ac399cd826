"""What each emulated operation does, from validated parameters to the members of its response."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from rejoin.emulator.service.api.aws_model import AwsModel, Params, invalid
from rejoin.emulator.service.session import Display, StartRequest, StreamSession
from rejoin.emulator.service.sessions import StreamSessions

EMULATED_OPERATIONS: Final = (
    "StartStreamSession",
    "GetStreamSession",
    "ListStreamSessions",
    "ListStreamSessionsByAccount",
    "CreateStreamSessionConnection",
    "TerminateStreamSession",
    "GetStreamGroup",
    "ListStreamGroups",
    "GetApplication",
    "ListApplications",
)
"""Every other operation of the model is an unknown one here."""

_PAGE_SIZE: Final = 25
_MAX_DISPLAY_PIXELS: Final = 1920 * 1080
_ROLE_PREFIX: Final = "GameLiftStreams-"
_START_PARAMETERS: Final = frozenset(
    {
        "Identifier",
        "ApplicationIdentifier",
        "SignalRequest",
        "ClientToken",
        "ConnectionTimeoutSeconds",
        "SessionLengthSeconds",
        "Locations",
    }
)
"""Parameters of StartStreamSession that the emulator reads; others are only shown again."""


class Operations:
    """The emulated operations, by name."""

    def __init__(self, service: StreamSessions, model: AwsModel) -> None:
        self._service = service
        self._created_wall_s = service.wall_s()
        shown = model.output_members("StartStreamSession")
        self._shown_again = shown - _START_PARAMETERS
        self._operations: dict[str, Callable[[Params], Awaitable[Params]]] = {
            "StartStreamSession": self._start_stream_session,
            "GetStreamSession": self._get_stream_session,
            "ListStreamSessions": self._list_stream_sessions,
            "ListStreamSessionsByAccount": self._list_stream_sessions_by_account,
            "CreateStreamSessionConnection": self._create_stream_session_connection,
            "TerminateStreamSession": self._terminate_stream_session,
            "GetStreamGroup": self._get_stream_group,
            "ListStreamGroups": self._list_stream_groups,
            "GetApplication": self._get_application,
            "ListApplications": self._list_applications,
        }

    async def run(self, operation: str, params: Params) -> Params:
        """Carry out a call. Raises `CallRefusedError`."""
        return await self._operations[operation](params)

    async def _start_stream_session(self, params: Params) -> Params:
        _check_role(params)
        session = await self._service.start_session(
            StartRequest(
                group=params["Identifier"],
                application=params["ApplicationIdentifier"],
                signal_request=params["SignalRequest"],
                client_token=params.get("ClientToken"),
                connection_timeout_s=params.get("ConnectionTimeoutSeconds"),
                session_length_s=params.get("SessionLengthSeconds"),
                location=params.get("Locations", [None])[0],
                display=_display(params),
                extras={name: params[name] for name in params if name in self._shown_again},
            )
        )
        return _session_members(session)

    async def _get_stream_session(self, params: Params) -> Params:
        return _session_members(
            self._service.session(params["Identifier"], params["StreamSessionIdentifier"])
        )

    async def _list_stream_sessions(self, params: Params) -> Params:
        return self._listed(self._service.sessions(params["Identifier"]), params)

    async def _list_stream_sessions_by_account(self, params: Params) -> Params:
        return self._listed(self._service.sessions(), params)

    def _listed(self, sessions: list[StreamSession], params: Params) -> Params:
        at = self._service.timers.now() - self._service.settings.list_lag_s
        return _listed_sessions(sessions, params, at)

    async def _create_stream_session_connection(self, params: Params) -> Params:
        answer = await self._service.create_connection(
            params["Identifier"],
            params["StreamSessionIdentifier"],
            params["SignalRequest"],
            params.get("ClientToken"),
        )
        return {"SignalResponse": answer}

    async def _terminate_stream_session(self, params: Params) -> Params:
        self._service.terminate_session(params["Identifier"], params["StreamSessionIdentifier"])
        return {}

    async def _get_stream_group(self, params: Params) -> Params:
        return self._group_members(self._service.group(params["Identifier"]))

    async def _list_stream_groups(self, params: Params) -> Params:
        group_ids = self._service.settings.stream_group_ids
        return _page([(group_id, self._group_members(group_id)) for group_id in group_ids], params)

    async def _get_application(self, params: Params) -> Params:
        return self._application_members(self._service.application(params["Identifier"]))

    async def _list_applications(self, params: Params) -> Params:
        applications = self._service.settings.application_ids
        return _page([(each, self._application_members(each)) for each in applications], params)

    def _group_members(self, group_id: str) -> Params:
        service = self._service
        application = service.settings.application_id
        application_arn = service.arn(f"application/{application}")
        return {
            "Arn": service.arn(f"streamgroup/{group_id}"),
            "Id": group_id,
            "Description": "Rejoin emulator",
            "Status": service.settings.stream_group_status,
            "StreamClass": "gen5n_high",
            "DefaultApplication": {"Id": application, "Arn": application_arn},
            "LocationStates": [{"LocationName": service.settings.region, "Status": "ACTIVE"}],
            "AssociatedApplications": [
                service.arn(f"application/{each}") for each in service.settings.application_ids
            ],
            "CreatedAt": self._created_wall_s,
            "LastUpdatedAt": self._created_wall_s,
        }

    def _application_members(self, application: str) -> Params:
        service = self._service
        return {
            "Arn": service.arn(f"application/{application}"),
            "Id": application,
            "Description": "Rejoin emulator game",
            "Status": "READY",
            "RuntimeEnvironment": {"Type": "UBUNTU", "Version": "22_04_LTS"},
            "ExecutablePath": "rejoin-game",
            "AssociatedStreamGroups": [
                service.arn(f"streamgroup/{group_id}")
                for group_id in service.settings.stream_group_ids
            ],
            "CreatedAt": self._created_wall_s,
            "LastUpdatedAt": self._created_wall_s,
        }


def _display(params: Params) -> Display | None:
    """The virtual monitor of a DisplayConfiguration. Raises `CallRefusedError`.

    The model holds the limits of each side; the rest is in its documentation alone.
    """
    resolution = params.get("DisplayConfiguration", {}).get("Resolution")
    if resolution is None:
        return None
    width, height = resolution["Width"], resolution["Height"]
    if width % 2 or height % 2:
        raise invalid("DisplayConfiguration.Resolution: Width and Height must be even numbers.")
    if width * height > _MAX_DISPLAY_PIXELS:
        raise invalid(
            f"DisplayConfiguration.Resolution has more than {_MAX_DISPLAY_PIXELS} pixels."
        )
    return Display(width, height)


def _check_role(params: Params) -> None:
    """The service may only assume a role whose name says so. Raises `CallRefusedError`."""
    name = str(params.get("RoleArn", _ROLE_PREFIX)).rpartition("/")[2]
    if not name.startswith(_ROLE_PREFIX):
        raise invalid(f"The name of RoleArn's role does not start with {_ROLE_PREFIX}")


def _session_members(session: StreamSession) -> Params:
    """Every member that a session can show; the output shape picks those that it has."""
    return {
        **session.extras,
        "Arn": session.arn,
        "StreamGroupId": session.group_id,
        "Status": session.status,
        "StatusReason": session.reason,
        "Location": session.location,
        "SignalRequest": session.signal_request,
        "SignalResponse": session.signal_response,
        "WebSdkProtocolUrl": _protocol_url(session.signal_response),
        "ConnectionTimeoutSeconds": session.connection_timeout_s,
        "SessionLengthSeconds": session.session_length_s,
        "ApplicationArn": session.application_arn,
        "CreatedAt": session.created_wall_s,
        "LastUpdatedAt": session.updated_wall_s,
        "ApplicationStartedAt": session.application_started_wall_s,
        "StreamingStartedAt": session.streaming_started_wall_s,
        "StreamingEndedAt": session.streaming_ended_wall_s,
    }


def _listed_sessions(sessions: list[StreamSession], params: Params, at: float) -> Params:
    """One page of the sessions as they were at this time. The NextToken is the id of the next
    session, and stays valid if its status changes."""
    if "ExportFilesStatus" in params:
        sessions = []  # Nothing is ever exported here.
    elif "NextToken" in params:
        ids = [session.session_id for session in sessions]
        if params["NextToken"] not in ids:
            raise invalid("The NextToken is not valid.")
        sessions = sessions[ids.index(params["NextToken"]) :]
    size = int(params.get("MaxResults", _PAGE_SIZE))
    items: list[Params] = []
    for session in sessions:
        entry = session.entry_at(at)
        if entry is None or params.get("Status", entry.status) != entry.status:
            continue
        if len(items) == size:
            return {"Items": items, "NextToken": session.session_id}
        shown = {
            "Status": entry.status,
            "StatusReason": entry.reason,
            "LastUpdatedAt": entry.wall_s,
        }
        items.append({**_session_members(session), **shown})
    return {"Items": items, "NextToken": None}


def _page(items: list[tuple[str, Params]], params: Params) -> Params:
    """One page of the items with these keys; the NextToken is the key of the next item."""
    if "NextToken" in params:
        keys = [key for key, _ in items]
        if params["NextToken"] not in keys:
            raise invalid("The NextToken is not valid.")
        items = items[keys.index(params["NextToken"]) :]
    size = int(params.get("MaxResults", _PAGE_SIZE))
    return {
        "Items": [item for _, item in items[:size]],
        "NextToken": items[size][0] if len(items) > size else None,
    }


def _protocol_url(signal_response: str | None) -> str | None:
    """The URL of the input protocol's script in the answer."""
    url: Any = (
        None if signal_response is None else json.loads(signal_response).get("webSdkProtocolUrl")
    )
    return url if isinstance(url, str) else None
