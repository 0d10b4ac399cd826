"""The settings can be changed, but only to values that make sense."""

from __future__ import annotations

from typing import Any

import pytest

from rejoin.emulator.service.settings import EmulatorSettings, setting_from_text
from rejoin.errors import BadInputError


def test_the_defaults_are_those_that_aws_or_we_document() -> None:
    settings = EmulatorSettings()
    assert settings.connection_timeout_s == 120
    assert settings.session_length_s == 43200
    assert settings.idle_timeout_s == 3600
    assert settings.placement_limit_s == 75
    assert EmulatorSettings(capacity="on_demand_linux").placement_limit_s == 90
    assert EmulatorSettings(capacity="on_demand_windows").placement_limit_s == 600
    assert EmulatorSettings(placement_timeout_s=3.0).placement_limit_s == 3
    assert settings.requests_per_s == 20
    assert settings.notice_silent_client_s == 5.0  # assumed, and printed on every timeline
    assert settings.notice_silent_client_min_s == 3.0


@pytest.mark.parametrize(
    "change",
    [
        {"connection_timeout_s": 0},
        {"connection_timeout_s": 3601},
        {"session_length_s": 86401},
        {"idle_timeout_s": 0},
        {"create_latency_s": -0.1},
        {"notice_silent_client_s": float("nan")},
        {"notice_silent_client_s": float("inf")},
        {"wrong_status_error": "teapot"},
        {"reused_offer_fails": ""},
        {"stream_group_ids": ()},
        {"width": 4},
        {"fps": 0},
        {"relay_ports": (33465, 33435)},
        {"relay_ports": (80, 90)},
        {"round_trip_s": -0.01},
        {"loss": 1.0},
        {"packetization_mode": 2},
        {"dtls_role": "auto"},
        {"congestion_feedback": "none"},
    ],
    ids=str,
)
def test_bad_values_are_refused_with_a_sentence(change: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match=r"^The emulator cannot use this setting: .*\.$"):
        EmulatorSettings(**change)


def test_the_secret_is_not_shown() -> None:
    assert EmulatorSettings().secret_access_key not in repr(EmulatorSettings())


def test_a_changed_copy_has_the_new_values() -> None:
    settings = EmulatorSettings()
    changed = settings.changed({"fps": 30, "notice_silent_client_s": 2, "constant_bitrate": True})
    assert (changed.fps, changed.notice_silent_client_s, changed.constant_bitrate) == (30, 2, True)
    assert settings.fps == 60


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"colour": "blue"}, "no setting named colour"),
        ({"fps": 29.97}, "fps must be a whole number"),
        ({"fps": True}, "fps must be a whole number"),
        ({"constant_bitrate": 1}, "constant_bitrate must be true or false"),
        ({"loss": "0.1"}, "loss must be a number"),
        ({"loss": 2}, "loss is 0 or more"),
    ],
)
def test_an_unknown_name_or_a_wrong_type_is_refused(
    changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadInputError, match=sentence):
        EmulatorSettings().changed(changes)


def test_a_settings_type_comes_from_its_declaration_and_not_from_its_present_value() -> None:
    settings = EmulatorSettings(notice_silent_client_s=3)
    settings = settings.changed({"notice_silent_client_s": 2.5})
    assert settings.notice_silent_client_s == 2.5
    settings = settings.changed({"notice_silent_client_s": 3}).changed({"loss": 0})
    assert type(settings.notice_silent_client_s) is float
    assert settings.changed({"notice_silent_client_s": 0.25, "loss": 0.5}).loss == 0.5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stream_group_ids": "sg-1"}, "stream_group_ids must be a list"),
        ({"stream_group_ids": ["sg-1", 2]}, "member of .* stream_group_ids must be a text"),
        ({"relay_ports": [40000]}, "relay_ports are two ports"),
        ({"relay_ports": [40000, 40010, 40020]}, "relay_ports are two ports"),
        ({"relay_ports": [40000, 40010.5]}, "member of .* relay_ports must be a whole number"),
        ({"notice_silent_client_s": 10**400}, "notice_silent_client_s must be a number"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        EmulatorSettings().changed(changes)


def test_a_list_from_json_fits_a_setting_with_several_values() -> None:
    settings = EmulatorSettings().changed(
        {"relay_ports": [40000, 40010], "stream_group_ids": ["sg-A"]}
    )
    assert (settings.relay_ports, settings.stream_group_ids) == ((40000, 40010), ("sg-A",))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("notice_silent_client_s", "3", 3.0),
        ("notice_silent_client_s", "2.5", 2.5),
        ("account_id", "111122223333", "111122223333"),
        ("region", "true", "true"),
        ("constant_bitrate", "True", True),
        ("seed", "7", 7),
        ("seed", "7.5", "7.5"),
        ("loss", "nan", "nan"),
        ("fps", "9" * 400, "9" * 400),
        ("relay_ports", "40000, 40010", (40000, 40010)),
        ("dtls_role", "server", "server"),
        ("packetization_mode", "0", 0),
    ],
)
def test_a_typed_value_is_read_as_its_settings_type(name: str, text: str, value: object) -> None:
    read = setting_from_text(name, text)
    assert (type(read), read) == (type(value), value)


def test_a_typed_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInputError, match="no setting named colour"):
        setting_from_text("colour", "blue")


def test_large_pictures_are_not_refined_without_end_unless_a_setting_says_so() -> None:
    assert EmulatorSettings().quantizer_limit == 20
    assert EmulatorSettings(width=1280, height=720).quantizer_limit == 0
    assert EmulatorSettings(finest_quantizer=1).quantizer_limit == 1
    assert EmulatorSettings(width=1280, height=720, finest_quantizer=30).quantizer_limit == 30
