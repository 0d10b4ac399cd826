"""The FFmpeg that is loaded says what it is."""

from __future__ import annotations

import av

from rejoin.media.ffmpeg_facts import facts


def test_version_licence_and_options_are_those_of_the_loaded_libraries() -> None:
    found = facts()
    assert found.version == str(av.ffmpeg_version_info)
    assert found.version[0].isdigit()
    assert found.licence.startswith(("LGPL version", "GPL version"))
    assert any(option.startswith("--") for option in found.options)
