"""`rejoin backend`: serves the reference studio backend, and holds the verbs about one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from rejoin.cli import options, servers
from rejoin.cli.backend_check import check
from rejoin.cli.backend_report import report
from rejoin.cli.backend_settings import settings_file, settings_of
from rejoin.cli.exit_codes import SUCCESS
from rejoin.cli.messages import is_terminal, say, warn
from rejoin.parts import needs

REQUEST_S = 75.0
"""The longest long poll, and time for a slow client to send and to read."""
DRAIN_S = 10
"""At the end calls in flight may take as long as one can take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """The arguments of `rejoin backend`."""

    settings_file: Path | None = None


@click.group(invoke_without_command=True, short_help="Serve the reference studio backend alone.")
@settings_file
@options.as_values(BackendOptions)
@needs("backend")
def backend(chosen: BackendOptions) -> int:
    """Serve the reference studio backend alone, in front of the real service or an emulator.

    Ctrl+C stops it: after drain_delay_s, or at once with a second one. With a command, do that and
    serve nothing.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return SUCCESS
    return _serve(chosen)


backend.add_command(check)
backend.add_command(report)


def _serve(chosen: BackendOptions) -> int:
    from rejoin.backend.aws import AwsStreamService
    from rejoin.backend.connection_rules import ConnectionRules, check_descriptors
    from rejoin.backend.dialects import build_backend
    from rejoin.backend.log_lines import form_of, set_up_log
    from rejoin.backend.problems import unreadable_body
    from rejoin.backend.serving import serving
    from rejoin.backend.store.database import Database
    from rejoin.backend.store.sessions import SessionStore
    from rejoin.backend.token_turns import TOKEN_PACE
    from rejoin.backend.tracing import Tracing, otlp_tracer
    from rejoin.interpreter import freeze_startup_objects, loop_factory

    settings = settings_of(chosen.settings_file)
    for sentence in settings.warnings():
        warn(sentence)
    rules = ConnectionRules(
        request_s=REQUEST_S,
        connections=settings.connections,
        proxies=settings.proxies,
        token_pace=None if settings.unlimited else TOKEN_PACE,
        unreadable=unreadable_body(),
    )
    check_descriptors(rules)

    set_up_log(form_of(settings.log, terminal=is_terminal(sys.stderr)))

    tracer, end_tracing = otlp_tracer() if settings.tracing else (None, None)

    async def serve() -> None:
        service = AwsStreamService(settings)
        store = SessionStore(Database(settings.database))
        try:
            await store.open()
            app = build_backend(service, store, settings, tracing=Tracing(tracer))
            async with serving(
                app,
                settings.host,
                settings.port,
                rules=rules,
                stopping=getattr(app.state, "stopping", None),
                close_patience_s=DRAIN_S,
            ) as port:
                freeze_startup_objects()
                say(f"Backend   http://{settings.host}:{port}")
                async with contextlib.AsyncExitStack() as stack:
                    operators = getattr(app.state, "operators_app", None)
                    if settings.metrics_port is not None and operators is not None:
                        read_at = await stack.enter_async_context(
                            serving(operators, "127.0.0.1", settings.metrics_port)
                        )
                        say(f"Metrics   http://127.0.0.1:{read_at}/metrics")
                    with servers.end_signals() as signals:
                        await signals.first.wait()
                        if (draining := getattr(app.state, "draining", None)) is not None:
                            draining.set()
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(settings.drain_delay):
                                await signals.second.wait()
        finally:
            await store.close()
            service.close()
            if end_tracing is not None:
                await asyncio.to_thread(end_tracing)

    return servers.run_until_stopped(serve, loop_factory())
