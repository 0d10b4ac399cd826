"""Sessions that learn an emulator with hidden settings, of which only the URL is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rejoin.child_program import program_command
from rejoin.emulator.service import settings_file
from rejoin.emulator.service.control import BlockingEmulatorControl
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.interpreter import loop_factory
from rejoin.qa import known_service, learn_session
from rejoin.qa.learn_session import LearnError, LearnSession, Patience
from rejoin.qa.learned import Figure, Finding, Leave, Origin, settings_of, spread_of, to_toml
from rejoin.runtime.studio_profile import StudioProfile, network_rules
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_REACT, OURS, Dialect
from rejoin.studio.address import Studio
from rejoin.studio.process import StudioProcess

pytestmark = pytest.mark.live

SERVICE = EmulatorSettings()
PATIENCE = Patience(120.0, 120.0)
LATE_S = 4.0
"""How late a busy machine's emulator may do what its settings say; it never does it sooner."""
HIDDEN: dict[str, object] = {
    "notice_silent_client_s": 2.5,
    "notice_silent_client_min_s": 2.5,
    "notice_graceful_close_s": 1.2,
    "create_latency_s": 0.9,
    "placement_s": 0.7,
    "connection_timeout_s": 77,
    "wrong_status_error": "validation",
    "follows_new_address": False,
    "dtls_role": "server",
    "acknowledges_channels": False,
    "get_shows_connection": "first",
}
"""Each is another value than the emulator starts with."""
DELAYS = {
    Figure.NOTICE_SILENT: 2.5,
    Figure.NOTICE_KILLED: 2.5,
    Figure.NOTICE_GOODBYE: 1.2,
    Figure.CREATE: 0.9,
    Figure.PLACEMENT: 0.7,
}
SMALL = {"width": 320, "height": 180, "fps": 15}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is waited for less long."""
    monkeypatch.setattr(learn_session, "CHANNELS_WITHIN_S", 0.5)
    monkeypatch.setattr(learn_session, "FOLLOWS_WITHIN_S", 2.5)
    monkeypatch.setattr(learn_session, "PLAY_S", 0.3)


@contextmanager
def a_studio(folder: Path, dialect: Dialect, hidden: dict[str, object]) -> Iterator[Studio]:
    file = folder / "hidden.toml"
    file.write_text(settings_file.to_text({**SMALL, **hidden}, {}, "Hidden."), encoding="utf-8")
    ports = [f"--{name}-port=0" for name in ("backend", "api", "control")]
    command = ["studio", "--announce", "--dialect", dialect.name, "--settings", str(file), *ports]
    process = StudioProcess([*program_command(), *command])
    try:
        yield process.start()
    finally:
        process.close()


def learned(there: Studio, dialect: Dialect, *leaves: Leave) -> list[Finding]:
    choice = None
    if dialect.needs_stream_group:
        choice = StreamChoice(SERVICE.stream_group_ids[0], SERVICE.application_id)
    profile = StudioProfile(
        there.backend_url,
        there.player_token,
        network_rules("loopback"),
        dialect=dialect,
        choice=choice,
    )
    found: list[Finding] = []

    async def measure() -> None:
        for leave in leaves:
            session = LearnSession(profile, PATIENCE, lambda session_id: None)
            await session.measure(leave)
            found.extend(session.findings)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(measure())
    return found


def test_hidden_settings_are_recovered_within_the_stated_error(tmp_path: Path) -> None:
    with a_studio(tmp_path, OURS, HIDDEN) as there:
        found = learned(there, OURS, *Leave)
    for figure, hidden_s in DELAYS.items():
        spread = spread_of(figure, found)
        assert spread is not None
        assert spread.least_s - spread.error_s <= hidden_s + LATE_S, figure
        assert spread.most_s + spread.error_s >= hidden_s, figure
    values = settings_of(found)
    exact = ("connection_timeout_s", "wrong_status_error", "follows_new_address", "dtls_role")
    for name in (*exact, "acknowledges_channels"):
        assert values[name] == HIDDEN[name], name
    assert "get_shows_connection" not in values
    file = tmp_path / "learned.toml"
    file.write_text(to_toml(found, Origin("here", "ours", "", "today", "1")), encoding="utf-8")
    EmulatorSettings().changed(settings_file.read(file))
    assert known_service.read(file).connection_timeout_s == 77.0


def test_a_service_as_the_emulator_starts_is_recovered_until_no_game_has_a_place(
    tmp_path: Path,
) -> None:
    hidden = {"notice_graceful_close_s": 0.0, "get_shows_connection": "first"}
    with a_studio(tmp_path, AWS_REACT, hidden) as there:
        found = learned(there, AWS_REACT, Leave.GOODBYE)
        control = BlockingEmulatorControl(there.control_url, there.control_token)
        control.change_settings(placement_s=60.0, placement_timeout_s=0.5)
        with pytest.raises(LearnError, match="before it was there"):
            learned(there, AWS_REACT, Leave.SILENT)
    values = settings_of(found)
    assert values["follows_new_address"] is True
    assert values["dtls_role"] == "client"
    assert values["acknowledges_channels"] is True
    assert values["get_shows_connection"] == "first"
    spread = spread_of(Figure.NOTICE_GOODBYE, found)
    assert spread is not None
    assert spread.least_s - spread.error_s <= LATE_S
