"""Play scenarios on real sockets: a studio in a process of its own, and a client in this one.

`netem.network_profile.PLACES` says which part of the system causes a fault profile. Where the real
fault would require root privileges, its effect is injected into the client, and the result says so.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import Stage
from rejoin.core.trace import Record, of_fault, of_service
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import (
    ApiFault,
    ApiFaultKind,
    BackendFault,
    BackendFaultKind,
    Fault,
    FaultKind,
)
from rejoin.errors import RejoinError
from rejoin.injector.clocks import Clocks
from rejoin.injector.plans import BACKEND_DOWN_S, CLOCK_JUMP_S, IFACE_DOWN_S, PLACES_BEFORE
from rejoin.injector.seeds import network_profiles
from rejoin.interpreter import freeze_startup_objects
from rejoin.netem.link import Direction
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa import runner
from rejoin.qa.game_client import ClientOptions, GameClient
from rejoin.qa.messages import Playing
from rejoin.qa.runner import CaseResult
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.dialects import OURS
from rejoin.studio.address import Studio
from rejoin.studio.process import studio_process
from rejoin.tasks import cancel, spawn
from rejoin.verify.detector_score import OUTAGE
from rejoin.verify.scenario import LIVE, Drop, Scenario, ScenarioCase

LIVE_PATIENCE_S: Final = 60.0
_CREATE: Final = "CreateStreamSessionConnection"
_DARK: Final = frozenset({FaultKind.SILENCE, FaultKind.FREEZE, FaultKind.KILL})


def play_all(
    scenario: Scenario,
    seed: int,
    on_result: Callable[[CaseResult], None],
    on_playing: Callable[[ScenarioCase, Playing], None] = lambda case, now: None,
    *,
    samples: bool = False,
) -> tuple[CaseResult, ...]:
    """Play every case, each with its own studio. `on_playing` gets how the game goes, about once a
    second. `samples`: record samples in the traces, too."""
    return runner.play_all(
        scenario,
        lambda case: play(case, seed, partial(on_playing, case), samples=samples),
        on_result,
    )


def play(
    case: ScenarioCase,
    seed: int,
    on_playing: Callable[[Playing], None] = lambda now: None,
    *,
    samples: bool = False,
) -> CaseResult:
    """Play one case. If it cannot be played, the result has failed and says why."""
    own = next((drop.profile for drop in case.drops if drop.own is not None), None)
    if own is not None:
        sentence = f"the emulator does not know {own}, the scenario's own; play it with --backend"
        return CaseResult(case, None, (sentence,), ())
    freeze_startup_objects()
    with tempfile.TemporaryDirectory() as folder:
        https = any(drop.profile == "tls_bad_cert" for drop in case.drops)
        ca_file = Path(folder, "ca.pem") if https else None
        try:
            with studio_process(
                notice_silent_client_s=case.service.notice_silent_client_s,
                connection_timeout_s=case.service.connection_timeout_s,
                ca_file=ca_file,
            ) as studio:
                game = _Game(case, seed, studio, Path(folder), ca_file, samples=samples)
                return asyncio.run(game.play(on_playing))
        except RejoinError as error:
            return CaseResult(case, None, (str(error),), ())


class _Game:
    """One case being played."""

    def __init__(
        self,
        case: ScenarioCase,
        seed: int,
        studio: Studio,
        folder: Path,
        ca_file: Path | None,
        *,
        samples: bool,
    ) -> None:
        """`folder`: for what a client stores, so that the user's own files are not touched."""
        self._case = case
        self._seed = seed
        self._injected: list[str] = []
        self._studio = studio
        profile = StudioProfile(
            studio.backend_url,
            studio.player_token,
            NetworkRules(loopback_only=True),
            dialect=OURS,
            ca_file=ca_file,
        )
        self._client = GameClient(profile, folder, ClientOptions(samples=samples))
        self._records = self._client.records
        self._jobs: list[asyncio.Task[None]] = []
        self._clocks = Clocks()

    async def play(self, on_playing: Callable[[Playing], None]) -> CaseResult:
        case, client = self._case, self._client
        async with EmulatorControl(self._studio.control_url, self._studio.control_token) as control:
            await control.change_settings(
                notice_graceful_close_s=case.service.notice_graceful_close_s,
                create_latency_s=case.service.create_latency_s,
                wrong_status_error=case.service.wrong_status.value,
            )
            client.begin()
            reporting = spawn(client.report(on_playing), name="report")
            try:
                if not await client.until(lambda now: now.stage is Stage.LIVE, LIVE_PATIENCE_S):
                    raise RejoinError("The game never went live.")
                live_at = boot_s()
                before = await self._game(control)
                for drop in sorted(case.drops, key=lambda drop: drop.at_s):
                    self._jobs.append(spawn(self._drop(control, drop, live_at), name="drop"))
                await client.until(lambda _: False, case.duration_s)
                snapshot = client.player.snapshot
                session = await self._session(control)
                after = session.get("game_state")
            finally:
                await cancel(reporting, *self._jobs)
                self._clocks.set_right()
                await client.leave()
                await client.stop()
        for job in self._jobs:
            if job.done() and not job.cancelled() and job.exception() is not None:
                raise RejoinError(f"A fault could not be injected: {job.exception()}")
        self._records += _service_records(session)
        self._records.sort(key=lambda record: record.at)
        observed = client.observed(snapshot)
        more = () if observed.ended != LIVE else not_the_same_game(before, after)
        return runner.checked(
            case,
            observed,
            tuple(self._records),
            timed=False,
            more=more,
            injected=", ".join(self._injected),
        )

    async def _session(self, control: EmulatorControl) -> dict[str, Any]:
        sessions = (await control.state())["sessions"]
        return dict(sessions[0]) if sessions else {}

    async def _game(self, control: EmulatorControl) -> dict[str, Any] | None:
        return (await self._session(control)).get("game_state")

    # --- faults -----------------------------------------------------------------------------------

    async def _drop(self, control: EmulatorControl, drop: Drop, live_at: float) -> None:
        await asyncio.sleep(max(0.0, live_at + drop.at_s - boot_s()))
        name = drop.profile
        match PLACES[name]:
            case Place.NETWORK:
                service = self._case.service
                window_s = service.notice_silent_client_s + service.connection_timeout_s
                fault = Fault(
                    FaultKind.PROFILE, profile=name, seed=max(1, self._seed), window_s=window_s
                )
                await self._inject_fault(control, name, fault)
            case Place.HOST:
                await self._inject_fault(control, name, Fault(HOST_FAULTS[name]))
            case Place.API:
                await control.arm(_API[name])
                await self._inject_fault(control, name, Fault(FaultKind.SILENCE))
            case Place.BACKEND:
                await self._fail_backend(control, name)
            case Place.INJECTED:
                await self._inject_at_client(control, name)

    async def _inject_fault(self, control: EmulatorControl, name: str, fault: Fault) -> None:
        at = await control.inject(fault)
        data: dict[str, Any] = {OUTAGE: fault.duration_s} if fault.kind in _DARK else {}
        if fault.profile is not None:
            cut = network_profiles()[fault.profile].cut
            if cut is not None and Direction.DOWN in cut.directions:
                data = {OUTAGE: cut.length_s(fault.window_s)}
        self._records.append(of_fault(name, at, **data))

    async def _fail_backend(self, control: EmulatorControl, name: str) -> None:
        if name == "http_blocked_udp_ok":
            self._records.append(of_fault(name, await control.backend_down(BACKEND_DOWN_S)))
            return
        if name == "http_queue":
            await control.arm_backend(BackendFault(BackendFaultKind.QUEUE, PLACES_BEFORE))
            await self._inject_fault(control, name, Fault(FaultKind.SILENCE))
            return
        kinds = {
            "http_html_portal": BackendFaultKind.PORTAL,
            "http_big_json": BackendFaultKind.BIG_JSON,
            "tls_bad_cert": BackendFaultKind.BAD_CERTIFICATE,
        }
        await control.arm_backend(BackendFault(kinds[name], None))
        await self._inject_fault(control, name, Fault(FaultKind.SILENCE))
        await asyncio.sleep(BACKEND_DOWN_S)
        await control.arm_backend(BackendFault(BackendFaultKind.NONE))

    async def _inject_at_client(self, control: EmulatorControl, name: str) -> None:
        steps: dict[str, Callable[[EmulatorControl], Awaitable[str]]] = {
            "ip_change": self._ip_change,
            "iface_down": self._iface_down,
            "dns_fail": self._dns_fail,
            "crash_relaunch": self._crash,
            "two_instances": self._second_instance,
            "clock_jump": self._clock_jump,
            "sleep_5s": lambda _: self._sleep(5.0),
            "sleep_past_window": lambda _: self._sleep(
                self._case.service.notice_silent_client_s
                + self._case.service.connection_timeout_s
                + 2.0
            ),
        }
        self._records.append(of_fault(name, boot_s()))
        self._injected.append(await steps[name](control))

    async def _ip_change(self, control: EmulatorControl) -> str:
        await control.inject(Fault(FaultKind.SILENCE))
        await asyncio.sleep(0.3)
        self._client.player.post(events.NetworkFound())
        return "the old paths go silent, and the engine gets the event of a network change"

    async def _iface_down(self, control: EmulatorControl) -> str:
        await control.inject(Fault(FaultKind.SILENCE))
        await control.inject(Fault(FaultKind.SILENCE, IFACE_DOWN_S, "all"))
        await control.backend_down(IFACE_DOWN_S)
        await asyncio.sleep(0.3)
        self._client.player.post(events.NetworkLost())
        await asyncio.sleep(IFACE_DOWN_S)
        self._client.player.post(events.NetworkFound())
        return "nothing passes for 4 s; the engine gets the events of a lost and a found network"

    async def _dns_fail(self, control: EmulatorControl) -> str:
        await control.inject(Fault(FaultKind.SILENCE))
        await control.backend_down(BACKEND_DOWN_S)
        return "connections to the backend are refused, which is the same for the engine"

    async def _crash(self, control: EmulatorControl) -> str:
        """The host does not notice that the client is gone; the next client has only the ticket."""
        await control.inject(Fault(FaultKind.SILENCE))
        await self._client.crash()
        return "the path goes silent, the client is stopped, and a new one starts with its ticket"

    async def _second_instance(self, control: EmulatorControl) -> str:
        """The same user starts the same game again: the second instance hands over to the first."""
        del control
        await self._client.start_second()
        return "the second instance is part of the same process"

    async def _clock_jump(self, control: EmulatorControl) -> str:
        await control.inject(Fault(FaultKind.SILENCE))
        self._clocks.jump(CLOCK_JUMP_S)
        return "the path goes silent, and the wall clock of the client's process jumps by an hour"

    async def _sleep(self, asleep_s: float) -> str:
        """The client's event loop is blocked, so it neither receives nor sends."""
        time.sleep(asleep_s)  # noqa: ASYNC251  (on purpose)
        self._client.player.post(events.Woke(asleep_s))
        return f"the client is blocked for {asleep_s:g} s, then gets the event of a sleep"


HOST_FAULTS: Final = {
    "server_kill": FaultKind.KILL,
    "server_freeze": FaultKind.FREEZE,
    "server_no_media": FaultKind.NO_MEDIA,
    "dtls_close": FaultKind.DTLS_CLOSE,
}
"""What the emulated host does in each fault profile whose place is the host."""
_API: Final = {
    "http_429_ra3": ApiFault(ApiFaultKind.THROTTLE, _CREATE, retry_after_s=3.0),
    "http_500": ApiFault(ApiFaultKind.INTERNAL, _CREATE, times=2),
    "http_hang": ApiFault(ApiFaultKind.HANG, _CREATE),
    "http_reset_after_success": ApiFault(ApiFaultKind.RESET, _CREATE),
    "http_slow_drip": ApiFault(ApiFaultKind.SLOW, _CREATE, delay_s=4.0),
}


def _service_records(session: dict[str, Any]) -> Iterable[Record]:
    """The true statuses of the service, as the emulator recorded them."""
    for entry in session.get("history", ()):
        yield of_service(entry["status"], entry["at"], entry["window_ends_at"])


def not_the_same_game(before: dict[str, Any] | None, after: Any) -> tuple[str, ...]:
    """A sentence unless the game is still the one from the beginning and has gone on."""
    if before is None or not isinstance(after, dict):
        return ("it is not known whether it is the same game",)
    if after["started_at"] != before["started_at"]:
        return ("it is not the same game as before",)
    if after["counter"] <= before["counter"]:
        return ("the game did not go on",)
    return ()
