"""What the command line has given is known by key, for the rows that it overrides."""

from __future__ import annotations

from rejoin.gui.settings.followed import FollowedSettings
from rejoin.runtime.player_settings import PlayerSettings


def test_values_of_the_command_line_by_key() -> None:
    now = PlayerSettings(scaling="sharp", max_kbps=5000, vsync=True)
    followed = FollowedSettings(None, now, frozenset({"scaling", "max_kbps"}))
    assert followed.fixed_values() == {"network.max_kbps": 5000, "video.scaling": "sharp"}
    assert FollowedSettings().fixed_values() == {}
