"""The emulated API on a real socket without media, and boto3 calls to it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.backend.serving import serving
from rejoin.emulator.service.api.app import build_app
from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.tasks import alive

SETTINGS = EmulatorSettings(connection_timeout_s=10, terminating_s=0.5)


GROUP = SETTINGS.stream_group_ids[0]


_making_clients = threading.Lock()


def boto_client(port: int, settings: EmulatorSettings, **config: Any) -> Any:
    """A boto3 client for this emulator; without retries unless `config` changes that."""
    options: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 10}
    with _making_clients:
        return boto3.client(
            "gameliftstreams",
            region_name=settings.region,
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            config=Config(**{**options, **config}),
        )


class EmulatedApi:
    """One emulator without media, and boto3 calls to it from another thread."""

    def __init__(
        self,
        service: StreamSessions,
        hosts: FakeHosts,
        timers: ManualTimers,
        faults: ApiFaults,
        port: int,
    ) -> None:
        self.service = service
        self.hosts = hosts
        self.timers = timers
        self.port = port
        self.faults = faults
        self.boto = boto_client(port, service.settings)

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        result = await asyncio.to_thread(getattr(self.boto, operation), **params)
        return dict(result)

    async def start(self, **params: Any) -> dict[str, Any]:
        return await self.call(
            "start_stream_session",
            **{
                "Identifier": GROUP,
                "Protocol": "WebRTC",
                "SignalRequest": offer("the first offer"),
                "ApplicationIdentifier": SETTINGS.application_id,
                **params,
            },
        )

    async def active(self, **params: Any) -> str:
        """Start, place, and return the session's ARN."""
        arn = str((await self.start(**params))["Arn"])
        await self.timers.advance(1)
        return arn

    async def get(self, arn: str) -> dict[str, Any]:
        return await self.call("get_stream_session", Identifier=GROUP, StreamSessionIdentifier=arn)

    async def status(self, arn: str) -> tuple[str, str | None]:
        session = await self.get(arn)
        return session["Status"], session.get("StatusReason")

    async def create(self, arn: str, words: str, **params: Any) -> str:
        result = await self.call(
            "create_stream_session_connection",
            Identifier=GROUP,
            StreamSessionIdentifier=arn,
            SignalRequest=offer(words),
            **params,
        )
        return str(result["SignalResponse"])

    async def refused(self, call: Any, error: str) -> str:
        """Check that this call raises botocore's exception of this name; returns its message."""
        with pytest.raises(getattr(self.boto.exceptions, error)) as caught:
            await call
        return str(caught.value.response["Error"]["Message"])


@contextlib.asynccontextmanager
async def emulated_api(settings: EmulatorSettings = SETTINGS) -> AsyncIterator[EmulatedApi]:
    hosts, timers = FakeHosts(), ManualTimers()
    service = StreamSessions(settings, hosts, timers=timers)
    faults = ApiFaults()
    async with serving(build_app(service, faults), "127.0.0.1", 0) as port:
        made = await asyncio.to_thread(EmulatedApi, service, hosts, timers, faults, port)
        try:
            yield made
        finally:
            await asyncio.to_thread(made.boto.close)
            await service.aclose()
    assert timers.waiting == 0
    assert alive() == frozenset()
