"""Plays the same short drops with builds of `compared_build`, at an emulator in another process.

As a program: `python -m bench.build_runs FOLDER PLAYS VARIANT...`, from `tests`. What follows a
colon in the name of a variant tells equal ones apart.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from unittest.mock import patch

from rejoin.qa import case_player
from rejoin.qa.campaign import Campaign, Choice, How, Target
from rejoin.qa.client_case import surroundings_of
from rejoin.qa.results import FILE, CaseRecord, to_line
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
    print(record.surroundings.build, record.line(), *record.sentences, flush=True)


def played(variants: Sequence[str], plays: int, folder: Path) -> dict[str, tuple[CaseRecord, ...]]:
    """The results of each build, in a folder of its own too. The builds play in turn, so that what
    else the machine does meets all of them."""
    found: dict[str, list[CaseRecord]] = {variant: [] for variant in variants}
    with studio_process(
        notice_silent_client_s=_NOTICE_S, connection_timeout_s=_TIMEOUT_S
    ) as studio:
        profile = StudioProfile(studio.backend_url, studio.player_token, network_rules("loopback"))
        for number, variant in itertools.product(range(plays), variants):
            place = folder / variant.replace(" ", "-")
            kind = variant.partition(":")[0]
            command = (sys.executable, "-m", "bench.compared_build", kind)
            campaign = Campaign(
                parse_scenario("silent-paths", SCENARIO),
                Target(profile, surroundings_of(profile, build=variant), folder / "ledger"),
                Choice(seed=1 + number),
                How(folder=place / str(number)),
            )
            with patch.object(case_player, "child_command", lambda *_, it=command: it):
                found[variant] += campaign.play_all(_say)
            text = "".join(f"{to_line(record)}\n" for record in found[variant])
            (place / FILE).write_text(text, encoding="utf-8")
    return {variant: tuple(records) for variant, records in found.items()}


if __name__ == "__main__":
    played(sys.argv[3:], int(sys.argv[2]), Path(sys.argv[1]))
