"""Points without a token: mistakes of a backend that they find, and TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.studio_backend import Bug, StudioBackend, bugs_of, found_by
from rejoin.backend.check.calls import Calls
from rejoin.backend.check.findings import Broken, Kept, NotChecked
from rejoin.backend.check.probe import Probe
from rejoin.backend.check.run import POINTS, run
from rejoin.backend.serving import serving
from rejoin.emulator.service.certificates import CertificateAuthority

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize(
    "bug",
    bugs_of("health", "about", "ready", "host", "no-token", "wrong-token"),
    ids=lambda bug: bug.name,
)
async def test_each_mistake_is_found(bug: Bug) -> None:
    assert bug.point in await found_by(bug)


async def test_without_the_contracts_health_nothing_else_is_checked() -> None:
    assert await found_by(Bug.OTHER_CONTRACT) == {"health"}


async def test_https_is_checked_with_the_given_authority(tmp_path: Path) -> None:
    ca = CertificateAuthority()
    (tmp_path / "ca.pem").write_text(ca.pem)
    app = StudioBackend().app()
    async with serving(app, "127.0.0.1", 0, tls=ca.server_context()) as port:
        probe = Probe(Calls(f"https://127.0.0.1:{port}", tmp_path / "ca.pem"))
        report = await run(probe, may_start=False, points=POINTS[:2])
    assert [finding.outcome for finding in report.findings] == [Kept(), Kept()]


async def test_plain_http_is_for_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(StudioBackend().app(), "127.0.0.1", 0) as port:
        probe = Probe(Calls(f"http://127.0.0.1:{port}"))
        here = await run(probe, may_start=False, points=POINTS[:2])
        monkeypatch.setattr(Calls, "is_local", False)
        elsewhere = await run(probe, may_start=False, points=POINTS[:2])
    assert isinstance(here.findings[1].outcome, NotChecked)
    assert isinstance(elsewhere.findings[1].outcome, Broken)
