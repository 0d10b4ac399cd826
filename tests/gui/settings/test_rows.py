"""What each row says: what is so now, when a change counts, and what is not as it was chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.gui.settings.rows import (
    HIDDEN,
    MOST_KBPS,
    Facts,
    Playing,
    ScreenFact,
    State,
    data_text,
    offered,
    path_text,
    rate_text,
    row_text,
    value_text,
    volume_text,
)
from rejoin.media.audio.volume import SoundChoice
from rejoin.rtc.signal_codec import MAX_BITRATE_KBPS
from rejoin.runtime.data_used import DataTotal
from rejoin.runtime.loaded_settings import Loaded, from_tables
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings
from rejoin.runtime.renderer_memory import Verdict
from rejoin.runtime.setting_kinds import Applies

SCREENS = (ScreenFact("DP-1", 2560, 1440), ScreenFact("HDMI-1", 1920, 1080))
FACTS = Facts(screens=SCREENS, devices=("Speakers", "Headset"))
PASSED = Verdict("OpenGL", "a card", "1.0", "6.11.3")


def state(**changes: object) -> State:
    """These settings, on a computer with two screens and two sound devices."""
    return State(Loaded(replace(PlayerSettings(), **changes)), FACTS)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", SETTINGS)
def test_every_row_says_what_is_so_and_when_a_change_counts(key: str) -> None:
    ends = {each: f"{each.value}." for each in Applies}
    for facts in (FACTS, Facts()):
        shown = State(facts=facts)
        for value, _ in offered(key, shown) or [(True, ""), (False, "")]:
            name = SETTINGS[key].name
            loaded = Loaded(replace(PlayerSettings(), **{name: value}))  # type: ignore[arg-type]
            text = row_text(key, State(loaded, facts))
            first, _, when = text.now.rpartition(" Applies ")
            assert first.endswith(".")
            assert when == ends[SETTINGS[key].applies]
            assert text.title
            assert text.spoken.startswith(text.now)


@pytest.mark.parametrize(
    ("facts", "renderer", "said"),
    [
        (Facts(), "auto", "the next game tests the graphics card"),
        (Facts(verdict=PASSED), "auto", "The graphics card draws (OpenGL): it passed its test."),
        (Facts(verdict=replace(PASSED, refused="wrong")), "auto", "did not pass its test"),
        (Facts(verdict=PASSED), "software", "The processor draws."),
        (Facts(playing=Playing(drawn_by="the processor")), "card", "Now: the processor."),
    ],
)
def test_what_draws(facts: Facts, renderer: str, said: str) -> None:
    shown = State(Loaded(PlayerSettings(renderer=renderer)), facts)
    assert said in row_text("video.renderer", shown).now


def test_a_game_that_is_played_is_told_apart_from_the_next_one() -> None:
    playing = Playing(decoder="cuda", picture=(1920, 1080), view=(2560, 1440))
    shown = State(facts=replace(FACTS, playing=playing))
    assert "Now: hardware (cuda)." in row_text("video.decoder", shown).now
    software = State(facts=Facts(playing=Playing(decoder="software")))
    assert "Now: the processor." in row_text("video.decoder", software).now
    said = row_text("video.scaling", shown).now
    assert said.startswith("The game sends 1920 x 1080; your window shows 2560 x 1440.")


def test_sharpness_without_effect_says_so() -> None:
    assert "no effect" in row_text("video.sharpness", state(scaling="smooth")).now
    sharp = row_text("video.sharpness", state(scaling="sharp", sharpness=0.25)).now
    assert sharp.startswith("25 %")


def test_a_limit_says_what_it_costs_and_whether_the_network_counts() -> None:
    assert "3.6 GB an hour" in row_text("network.max_kbps", state(max_kbps=8000)).now
    metered = State(facts=Facts(metered=True))
    assert "counts your data (metered)" in row_text("network.max_kbps", metered).now
    free = row_text("network.max_kbps", state()).now
    assert free.startswith("As much as Rejoin asks for: 19 Mbit/s, or 8.6 GB an hour.")
    assert "metered" not in free
    assert row_text("network.max_kbps", state(max_kbps=99_000)).now.startswith(free[:40])
    assert MOST_KBPS == MAX_BITRATE_KBPS
    assert "At most 720 rows" in row_text("network.max_height", state(max_height=720)).now


def test_a_device_or_screen_that_is_not_there() -> None:
    there = row_text("sound.device", state(sound_device="Headset"))
    assert (there.notice, there.now.split(".")[0]) == ("", "Headset plays")
    gone = row_text("sound.device", state(sound_device="Buds"))
    assert "not there now" in gone.notice
    assert gone.now.startswith("The system's default plays.")
    unplugged = row_text("video.screen", state(screen="DP-9"))
    assert "not there now" in unplugged.notice
    assert unplugged.now.startswith("The desktop chooses")
    assert row_text("video.screen", state(screen="DP-1")).now.startswith("Games open on DP-1, 2560")
    assert row_text("video.screen", state(screen="DP-1")).notice == ""
    unknown = State(Loaded(PlayerSettings(sound_device="Buds")))
    assert row_text("sound.device", unknown).notice == "", "they are not asked yet"
    none = State(facts=Facts(devices=()))
    assert row_text("sound.device", none).now.startswith("No sound device was found.")


def test_what_the_command_line_or_a_mistake_overrides() -> None:
    fixed = State(fixed={"video.scaling": "sharp", "network.max_kbps": 5000})
    assert "says Sharp, which takes precedence" in row_text("video.scaling", fixed).notice
    assert "says 5 Mbit/s" in row_text("network.max_kbps", fixed).notice
    bad = State(from_tables({"video": {"renderer": "gpu"}}))
    assert "cannot be 'gpu'" in row_text("video.renderer", bad).notice
    assert row_text("video.scaling", bad).notice == ""


def test_what_is_offered_has_the_value_that_is_set() -> None:
    odd = offered("network.max_kbps", state(max_kbps=7500))
    assert (7500, "7.5 Mbit/s") in odd
    assert [value for value, _ in odd][:5] == [None, 2000, 3000, 5000, 7500]
    assert offered("sound.device", state(sound_device="Buds"))[-1] == ("Buds", "Buds")
    assert offered("video.screen", state())[1] == ("DP-1", "DP-1, 2560 x 1440")
    assert (110, "110 %") in offered("appearance.text_size", state())


def test_streamer_mode_hides_names_and_folders() -> None:
    shown = state(
        streamer_mode=True,
        sound_device="Headset",
        screen="HDMI-1",
        turn_file="/home/canary/turn.json",
    )
    said = " ".join(
        [
            *(row_text(key, shown).spoken for key in SETTINGS),
            *(text for key in SETTINGS for _, text in offered(key, shown)),
            path_text("/home/canary/settings.toml", shown),
        ]
    )
    for hidden in ("canary", "Headset", "Speakers", "HDMI", "DP-1"):
        assert hidden not in said
    assert HIDDEN in said
    assert "Number 2" in said
    assert "canary" in path_text("/home/canary/settings.toml", state())


def test_a_value_reads_as_its_control_shows_it() -> None:
    shown = state()
    for key in SETTINGS:
        assert value_text(key, shown.value(key), shown)
    assert rate_text(800) == "800 kbit/s"
    assert rate_text(12_500) == "12.5 Mbit/s"
    assert value_text("network.turn_file", None, shown) == "None"


def test_the_volume() -> None:
    assert volume_text(SoundChoice(70), at_once=True) == "70 %. Applies at once."
    assert volume_text(SoundChoice(70, True), at_once=False).startswith("Muted.")


def test_the_data_used() -> None:
    assert data_text(DataTotal()) == "Nothing was counted yet."
    assert data_text(DataTotal(4_200_000_000, 3600.0, 86_400.0)).startswith(
        "4.2 GB since 1970-01-0"
    )
    assert "4.2 GB an hour of play" in data_text(DataTotal(4_200_000_000, 3600.0, 86_400.0))
    assert data_text(DataTotal(3_000_000, 5.0, 86_400.0)).startswith("3 MB since")
    assert "an hour" not in data_text(DataTotal(900, 5.0, 86_400.0))
