"""Network profiles: the shipped ones have the documented figures, and errors name the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin import assets
from rejoin.errors import BadInputError
from rejoin.netem.link import (
    Blackout,
    Cut,
    DelaySteps,
    Direction,
    Lane,
    Length,
    NetworkProfile,
    Spacing,
)
from rejoin.netem.network_profile import NETWORK_PROFILES, PLACES, Place, parse_profile

FOLDER = Path(__file__).parents[2] / "resources" / "profiles"


def shipped(name: str) -> NetworkProfile:
    return parse_profile(name, assets.text(f"profiles/{name}.toml"))


def test_every_network_profile_ships_and_every_file_has_a_name() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(NETWORK_PROFILES)
    assert all(file.suffix == ".toml" for file in FOLDER.iterdir())
    assert len(PLACES) == 53
    assert set(PLACES.values()) == set(Place)


@pytest.mark.parametrize("name", NETWORK_PROFILES)
def test_what_ships_can_be_read_and_says_where_it_comes_from(name: str) -> None:
    profile = shipped(name)
    assert profile.name == name
    assert profile.description.endswith(".")
    first = assets.text(f"profiles/{name}.toml").splitlines()[0]
    assert re.match(r"# (Ours|Figures)", first)
    assert name == "clean" or profile != NetworkProfile(name, profile.description)


def test_the_figures_are_those_of_the_design() -> None:
    def lane(name: str) -> Lane:
        [stage] = shipped(name).stages
        assert stage.up == stage.down
        return stage.down

    assert lane("home_wifi") == Lane(0.010, 0.005, burst_enter=0.01, burst_leave=0.3)
    assert lane("signal_moderate") == Lane(0.1, 0.025, loss=0.05)
    far = lane("signal_international")
    assert (far.burst_enter, far.burst_leave, far.bandwidth_bps) == (0.03, 0.25, 300_000)
    bursts = [("short", 7, 65), ("medium", 6, 50), ("long", 4, 35), ("vlong", 3, 30)]
    for length, p, r in bursts:
        bursty = lane(f"bursty_10_{length}")
        assert (bursty.burst_enter, bursty.burst_leave) == pytest.approx((p / 100, r / 100))
    assert lane("bufferbloat") == Lane(bandwidth_bps=2_000_000, queue_s=2.0)
    assert lane("geo_sat").delay_s == 0.3
    spiky = shipped("signal_spiky").stages
    assert [stage.after_s for stage in spiky] == [0, 10, 20]
    assert [stage.up.burst_enter for stage in spiky] == [0, 0.11, 0]
    assert spiky[1].down.delay_s == 0.1
    assert shipped("lte_burst").blackouts == (Blackout(10, 0.1, length=Length.EXPONENTIAL),)
    assert shipped("wifi_roam").blackouts == (Blackout(30, 0.25),)
    assert shipped("wifi_roam_bad").blackouts == (Blackout(30, 1.2),)
    leo = shipped("leo")
    assert leo.blackouts == (
        Blackout(15, 0.1),
        Blackout(900, 2.0, Spacing.EXPONENTIAL, Length.UNIFORM, 1.0),
    )
    assert leo.steps == DelaySteps(15, 0.020, 2)
    for duration_s in (0.4, 0.9, 1.5, 3, 10, 30):
        assert shipped(f"cut_{duration_s}s").cut == Cut(duration_s=duration_s)
    assert shipped("cut_until_window-1").cut == Cut(ends_after_window_s=-1)
    assert shipped("cut_until_window+1").cut == Cut(ends_after_window_s=1)
    assert shipped("cut_forever").cut == Cut()
    assert shipped("oneway_down").cut == Cut(directions=frozenset({Direction.DOWN}))
    assert shipped("nat_rebind").rebind_after_s == 1.0
    assert lane("stragglers") == Lane(late=0.05, late_s=3.0)
    assert lane("duplicates") == Lane(copies=4)


def test_one_direction_may_differ_and_a_stage_changes_the_one_before() -> None:
    text = """
    description = "x."
    [both]
    delay_ms = 10
    [down]
    loss_percent = 50
    [[stages]]
    after_s = 1
    [stages.up]
    reorder = true
    """
    first, second = parse_profile("x", text).stages
    assert (first.up, first.down) == (Lane(0.01), Lane(0.01, loss=0.5))
    assert (second.up, second.down) == (Lane(0.01, reorder=True), Lane(0.01, loss=0.5))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[", "is not TOML"),
        ("", "description must be a text"),
        ("description = 3", "description must be a text"),
        ('description = "x"\ncolour = "blue"', "'colour' is not known"),
        ('description = "x"\n[both]\ndelay = 3', "both.'delay' is not known"),
        ('description = "x"\n[both]\ndelay_ms = -3', "both.delay_ms must be 0 to 60000"),
        ('description = "x"\n[both]\ndelay_ms = nan', "both.delay_ms must be 0 to 60000"),
        ('description = "x"\n[both]\ndelay_ms = true', "both.delay_ms must be a number"),
        ('description = "x"\n[down]\nbandwidth_kbps = 0', "down.bandwidth_kbps must be 1 to"),
        ('description = "x"\n[up]\nreorder = 1', "up.reorder must be true or false"),
        ('description = "x"\nboth = 3', "both must be a table"),
        ('description = "x"\nblackouts = {}', "blackouts must be a list of tables"),
        ('description = "x"\n[[blackouts]]\nevery_s = 3', "blackouts[0].duration_ms is missing"),
        (
            'description = "x"\n[[blackouts]]\nevery_s = 3\nduration_ms = 1\nspread_ms = 2',
            "blackouts[0].spread_ms needs",
        ),
        (
            'description = "x"\n[[blackouts]]\nevery_s = 3\nduration_ms = 1\nlength = "odd"',
            "blackouts[0].length must be one of fixed, uniform, exponential",
        ),
        ('description = "x"\n[cut]\nduration_s = 1\nends_after_window_s = 1', "cut.duration_s and"),
        (
            'description = "x"\n[cut]\ndirection = "left"',
            "cut.direction must be one of both, up, down",
        ),
        ('description = "x"\n[cut]\ndirection = []', "cut.direction must be one of"),
        (
            'description = "x"\n[delay_steps]\nevery_s = 1\nrtt_ms = 1\nlevels = 1.5',
            "delay_steps.levels must be a whole number",
        ),
        ('description = "x"\n[[stages]]\nafter_s = 0', "stages[0].after_s must be later"),
        ("#" * 70_000, "is too long"),
        ('about = "x"', "is of an older version: about is called description now"),
        (
            'description = "x"\n[cut]\nlasts_s = 1',
            "is of an older version: lasts_s is called duration_s now",
        ),
    ],
)
def test_the_error_for_a_bad_file_names_file_and_key(text: str, expected: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_profile("mine", text)
    sentence = str(caught.value)
    assert "mine.toml" in sentence
    assert expected in sentence
    assert sentence.endswith(".")


values = st.recursive(
    st.sampled_from(["1", "-1", "nan", "1e400", "true", '"up"', '"x."', "1979-05-27", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=2).map(lambda each: "[" + ",".join(each) + "]"),
    max_leaves=3,
)
keys = st.sampled_from(
    [
        "description",
        "both",
        "up",
        "cut",
        "blackouts",
        "stages",
        "delay_ms",
        "duration_s",
        "direction",
    ]
)
lines = st.one_of(
    st.builds("{} = {}".format, keys, values),
    st.builds("[{}]".format, keys),
    st.builds("[[{}]]".format, keys),
)


@given(st.lists(lines, max_size=6).map("\n".join) | st.text(max_size=60))
def test_any_file_is_read_or_refused_with_one_kind_of_error(text: str) -> None:
    try:
        profile = parse_profile("mine", text)
    except BadInputError as error:
        assert "mine.toml" in str(error)  # noqa: PT017
    else:
        assert profile.description.strip()
