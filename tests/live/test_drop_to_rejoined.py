"""Drops and reconnects on real sockets, without a window: emulator, boto3, backend and engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.headless_scene import Scene, scene, small
from rejoin.clock import boot_s
from rejoin.core import events
from rejoin.core.model import Doing, EndingKind, HealthLevel, Stage
from rejoin.emulator.service.faults import BackendFault, BackendFaultKind, FaultKind
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.gui import ending_texts, texts
from rejoin.input_events.events import KeyEvent
from rejoin.signaling.dialects import AWS_BUNDLE, AWS_REACT, OURS, Dialect

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def play(
    settings: EmulatorSettings,
    script: Callable[[Scene], Awaitable[None]],
    dialect: Dialect = OURS,
    authority: Path | None = None,
) -> Scene:
    """Play a script against a new studio, and check what must hold in every scene.

    `authority`: serve the backend over https, and write its certificate authority to this file.
    """

    async def main() -> Scene:
        async with scene(settings, dialect, authority) as it:
            await script(it)
        return it

    it = asyncio.run(main())
    for at, shown in it.shown:
        if shown.stage in (Stage.LOST, Stage.RECONNECTING):
            said = texts.lost_title(shown) + texts.lost_doing(shown, at)
            for word in ("offer", "attempt", "episode", "window"):
                assert word not in said.lower()
    return it


def test_after_silence_the_client_rejoins_the_same_running_game() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.until(lambda shown: shown.input_open)
        it.player.send_input(KeyEvent("ArrowRight", "ArrowRight", pressed=True))
        for _ in range(6000):
            if (await it.game())["key_presses"]:
                break
            await asyncio.sleep(0.01)
        it.player.send_input(KeyEvent("ArrowRight", "ArrowRight", pressed=False))
        before = await it.game()
        assert before["key_presses"] == 1
        await it.fault(FaultKind.SILENCE)
        await it.live(episode=1)
        await it.until(lambda shown: shown.input_open)
        after = await it.game()
        assert after["started_at"] == before["started_at"], "the same game"
        assert after["key_presses"] == 1, "its state is kept"
        assert await it.counter() > int(str(before["counter"])), "which went on"
        it.player.send_input(KeyEvent("ArrowRight", "ArrowRight", pressed=True))
        for _ in range(6000):
            if (await it.game())["key_presses"] == 2:
                break
            await asyncio.sleep(0.01)
        assert (await it.game())["key_presses"] == 2, "and it takes input again"

    it = play(small(0.0), script)
    (timeline,) = it.timelines()
    assert timeline.outcome == "live"
    for name in ("fault", "stalled", "lost", "offer made", "answer received", "first frame"):
        assert timeline.at(name) is not None, name


def test_a_graceful_close_starts_a_reconnect_without_waiting_for_silence() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.GRACEFUL_CLOSE)
        await it.live(episode=1)

    (timeline,) = play(small(5.0), script).timelines()
    assert timeline.outcome == "live"
    assert timeline.at("stalled") is None


def test_a_short_cut_heals_without_a_reconnect() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.SILENCE, duration_s=1.5, scope="all")
        await it.until(lambda shown: shown.stage is Stage.LOST)
        await it.live(episode=1)

    (timeline,) = play(small(30.0), script).timelines()
    assert timeline.outcome == "healed"


def test_play_over_a_satellite_is_not_ended_by_a_consent_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aioice's own consent check, if it were used, would end this within two seconds: it waits
    0.5 s for an answer, the RTT is 0.6 s, and here one miss is enough instead of six."""
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.5)
    monkeypatch.setattr("aioice.ice.CONSENT_FAILURES", 1)

    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.PROFILE, profile="geo_sat")
        before = await it.counter()
        await asyncio.sleep(8.0)
        assert it.player.snapshot.stage is Stage.LIVE
        assert it.player.snapshot.episode == 0
        game = await it.game()
        assert game["connected"]
        assert await it.counter() > before

    it = play(small(5.0), script)
    assert not it.timelines()
    assert not [record for record in it.records if record.name == "HardEvidenceSeen"]


@pytest.mark.parametrize("follows", [True, False])
def test_a_nat_rebinding_heals_without_a_reconnect_if_the_host_follows(
    follows: bool,
) -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.PROFILE, profile="nat_rebind")
        fault_at = boot_s()
        for _ in range(3000):
            relay = (await it.game())["relay"]
            if isinstance(relay, dict) and relay["flows_rebound"] == 1:
                break
            await asyncio.sleep(0.01)
        rebound_at = boot_s()
        assert rebound_at - fault_at > 0.5
        await it.until(lambda shown: shown.health is not HealthLevel.HEALTHY)
        await it.until(
            lambda shown: shown.stage is Stage.LIVE and shown.health is HealthLevel.HEALTHY
        )

    it = play(replace(small(30.0), follows_new_address=follows), script)
    sent = [record for record in it.records if record.name == "RequestWritten"]
    assert bool(sent) is not follows
    if not follows:
        assert it.timelines()[0].outcome == "live"


@pytest.mark.parametrize("profile", ["stragglers", "duplicates"])
def test_packets_that_come_again_or_late_cost_no_connection(profile: str) -> None:
    """Nor does a key act twice, or again after it was released. New connections are made too."""

    async def script(it: Scene) -> None:
        await it.live()
        await it.until(lambda shown: shown.input_open)
        await it.fault(FaultKind.PROFILE, profile=profile, scope="all")
        for turn in range(40):
            it.player.send_input(KeyEvent("ArrowRight", "ArrowRight", pressed=turn % 2 == 0))
            await asyncio.sleep(0.1)
        await asyncio.sleep(4.0)  # the last of the stragglers has come
        assert 10 <= int(str((await it.game())["key_presses"])) <= 20
        await plays_on(it)
        assert it.player.snapshot.episode == 0
        await it.fault(FaultKind.GRACEFUL_CLOSE)
        await it.live(episode=1)
        await plays_on(it)

    async def plays_on(it: Scene) -> None:
        """More pictures than one that was repaired by chance."""
        for _ in range(3000):
            now = it.player.statistics()
            if now is not None and now.frames_decoded >= 90:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError(f"no stream: {it.player.statistics()}")
        assert it.player.snapshot.stage is Stage.LIVE

    it = play(small(5.0), script)
    (timeline,) = it.timelines()
    assert timeline.outcome == "live"


def test_a_killed_game_ends_with_the_reason_of_the_service() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.KILL)
        await it.until(lambda shown: shown.stage is Stage.ENDED)

    ending = play(small(5.0), script).ended()
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "applicationExit")


def test_a_backend_outage_of_ten_seconds_does_not_cost_the_game() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.control.backend_down(10.0)
        await it.fault(FaultKind.SILENCE)
        await it.live(episode=1)

    it = play(small(0.0), script)
    assert it.timelines()[0].outcome == "live"
    lost = [shown for _, shown in it.shown if shown.stage is Stage.LOST]
    assert any("does not answer" in texts.lost_doing(shown, 0.0) for shown in lost)
    assert all(shown.shown_deadline_at is not None for shown in lost)


def test_reconnecting_through_a_backend_on_https(tmp_path: Path) -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.SILENCE)
        await it.live(episode=1)

    it = play(small(0.0), script, authority=tmp_path / "authority.pem")
    assert it.timelines()[0].outcome == "live"


def test_nothing_is_sent_to_a_backend_with_an_untrusted_certificate(tmp_path: Path) -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.control.arm_backend(BackendFault(BackendFaultKind.BAD_CERTIFICATE, times=None))
        await it.fault(FaultKind.SILENCE)
        await it.until(lambda shown: shown.stranger and shown.stage is Stage.LOST)
        tried = [record.name for record in it.records]
        assert "StatusFailed" in tried
        assert "RequestWritten" not in tried, "nothing is sent to it"
        await it.control.arm_backend(BackendFault(BackendFaultKind.NONE))
        await it.live(episode=1)

    it = play(small(0.0), script, authority=tmp_path / "authority.pem")
    assert it.timelines()[0].outcome == "live"


def test_a_ten_second_window_suffices_if_the_service_notices_after_eight() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.fault(FaultKind.SILENCE)
        await it.live(episode=1)

    it = play(small(8.0, connection_timeout_s=10), script)
    assert it.timelines()[0].outcome == "live"
    assert any(shown.doing is Doing.WAITING_FOR_SERVICE for _, shown in it.shown)


def test_the_shown_deadline_is_never_too_late_when_the_window_expires() -> None:
    async def script(it: Scene) -> None:
        await it.live()
        await it.control.backend_down(9.0)
        await it.fault(FaultKind.SILENCE, scope="all")
        await it.until(lambda shown: shown.stage is Stage.ENDED)

    it = play(small(0.0, connection_timeout_s=5), script)
    ending = it.ended()
    assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, "reconnectionTimeout")
    fault_at = next(record.at for record in it.records if record.kind == "fault")
    for _, shown in it.shown:
        if shown.stage in (Stage.LOST, Stage.RECONNECTING):
            assert shown.shown_deadline_at is not None
            assert shown.shown_deadline_at <= fault_at + 5.0 + 0.1, (
                "never later than the real deadline"
            )
    last = [shown for _, shown in it.shown if shown.shown_deadline_at is not None][-1]
    assert last.shown_deadline_at is not None
    late = texts.time_left(last, last.shown_deadline_at + 0.1).sentence
    assert late == "Time may be up. Still trying..."


@pytest.mark.parametrize("dialect", [AWS_BUNDLE, AWS_REACT], ids=lambda dialect: dialect.name)
def test_reconnecting_through_an_aws_sample_backend_shows_no_invented_countdown(
    dialect: Dialect,
) -> None:
    async def script(it: Scene) -> None:
        await it.live()
        before = await it.game()
        await it.fault(FaultKind.SILENCE)
        await it.live(episode=1)
        assert (await it.game())["started_at"] == before["started_at"]

    it = play(small(0.0), script, dialect)
    assert it.timelines()[0].outcome == "live"
    dropped = [
        (at, shown) for at, shown in it.shown if shown.stage in (Stage.LOST, Stage.RECONNECTING)
    ]
    assert dropped
    for at, shown in dropped:
        assert shown.shown_deadline_at is None
        assert "since the connection was lost" in texts.time_left(shown, at).sentence
    offers = [record.data["sha256"] for record in it.records if record.name == "OfferMade"]
    sent = [record for record in it.records if record.name == "RequestWritten"]
    assert len(set(offers)) == len(offers)
    assert len(sent) <= len(offers) - 1, "no offer was sent twice"


@pytest.mark.parametrize("dialect", [OURS, AWS_BUNDLE, AWS_REACT], ids=lambda dialect: dialect.name)
def test_end_game_ends_the_game_only_if_the_backend_can(
    dialect: Dialect,
) -> None:
    status: list[object] = []

    async def script(it: Scene) -> None:
        await it.live()
        assert it.player.snapshot.can_terminate is dialect.can_terminate
        it.player.post(events.EndGameRequested())
        await it.until(lambda shown: shown.stage is Stage.ENDED)
        state = await it.control.state()
        status.append(state["sessions"][0]["status"])

    it = play(small(0.0), script, dialect)
    terminate_commands = [record for record in it.records if record.name == "TerminateSession"]
    if dialect.can_terminate:
        assert it.ended().kind is EndingKind.ENDED_BY_PLAYER
        assert len(terminate_commands) == 1
        assert status[0] in ("TERMINATING", "TERMINATED")
    else:
        assert it.ended().kind is EndingKind.CLOSED_FOR_NOW
        assert terminate_commands == []
        assert status[0] not in ("TERMINATING", "TERMINATED", "ERROR")
        assert "may still be running" in ending_texts.ending_text(it.ended()).meaning
