"""Plays the same short drops with a build of `compared_build`, at an emulator in another process.

As a program: `python -m bench.build_runs FOLDER VARIANT PLAYS [SEED]`, from `tests`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final
from unittest.mock import patch

from rejoin.qa import case_player
from rejoin.qa.campaign import Campaign, Choice, How, Target
from rejoin.qa.client_case import surroundings_of
from rejoin.qa.results import CaseRecord
from rejoin.runtime.studio_profile import StudioProfile, network_rules
from rejoin.studio.process import studio_process
from rejoin.verify.scenario import parse_scenario

DROPS_A_PLAY: Final = 5
_APART_S: Final = 5.0
_NOTICE_S, _TIMEOUT_S = 0.5, 30.0
_DROPS: Final = ", ".join(
    f'{{ profile = "clock_jump", at_s = {2 + _APART_S * number} }}'
    for number in range(DROPS_A_PLAY)
)
SCENARIO: Final = f"""
description = "Five times the path of the connection goes silent."
[service]
connection_timeout_s = {_TIMEOUT_S}
notice_silent_client_s = {_NOTICE_S}
[[cases]]
name = "silent paths"
drops = [{_DROPS}]
duration_s = {2 + _APART_S * DROPS_A_PLAY}
"""


def _say(record: CaseRecord) -> None:
    print(record.line(), *record.sentences, flush=True)


def played(variant: str, plays: int, folder: Path, seed: int = 1) -> tuple[CaseRecord, ...]:
    """The results of a build; they are in `folder` too."""
    command = (sys.executable, "-m", "bench.compared_build", variant)
    with (
        studio_process(notice_silent_client_s=_NOTICE_S, connection_timeout_s=_TIMEOUT_S) as studio,
        patch.object(case_player, "child_command", lambda *_: command),
    ):
        profile = StudioProfile(studio.backend_url, studio.player_token, network_rules("loopback"))
        campaign = Campaign(
            parse_scenario("silent-paths", SCENARIO),
            Target(profile, surroundings_of(profile, build=variant), folder / "ledger"),
            Choice(repeat=plays, seed=seed),
            How(folder=folder),
        )
        return campaign.play_all(_say)


if __name__ == "__main__":
    chosen, count, seed = sys.argv[2], int(sys.argv[3]), int((*sys.argv, "1")[4])
    played(chosen, count, Path(sys.argv[1]), seed)
