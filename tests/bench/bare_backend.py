"""The least backend that there can be, as a process: `bare_backend PORT SERVICE_URL`.

FastAPI, uvicorn and boto3, with no sign-in, no store, no turns and no limits: what is slower than
this is what our backend adds. It prints "ready" once it listens.
"""

from __future__ import annotations

import sys
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from fastapi import FastAPI
from pydantic import BaseModel

from helpers.streamless_service import arn_of


class Reconnect(BaseModel):
    signal_request: str
    attempt: int


def app(service_url: str) -> FastAPI:
    made = FastAPI()
    client: Any = boto3.client(
        "gameliftstreams",
        region_name="us-west-2",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
        endpoint_url=service_url,
        config=Config(retries={"total_max_attempts": 1}),
    )

    @made.get("/v1/health")
    async def health() -> dict[str, bool]:
        return {"alive": True}

    @made.post("/v1/sessions/{number}/connections")
    def reconnect(number: int, wanted: Reconnect) -> dict[str, str]:
        answer = client.create_stream_session_connection(
            Identifier="sg-1",
            StreamSessionIdentifier=arn_of(number),
            SignalRequest=wanted.signal_request,
        )
        return {"signal_response": answer["SignalResponse"]}

    return made


class _Server(uvicorn.Server):
    async def startup(self, *args: Any, **more: Any) -> None:
        await super().startup(*args, **more)
        print("ready", flush=True)


if __name__ == "__main__":
    port, service_url = int(sys.argv[1]), sys.argv[2]
    _Server(uvicorn.Config(app(service_url), port=port, log_level="error")).run()
