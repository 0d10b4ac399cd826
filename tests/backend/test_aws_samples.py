"""What a request to a sample backend may name."""

from __future__ import annotations

import pytest

from rejoin.backend.aws_samples import OfferedApplications, client_token, text_of
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.service import ServiceFault, StreamServiceError

GROUP_ARN = "arn:aws:gameliftstreams:us-west-2:111122223333:streamgroup/sg-1"
TOUR_ARN = "arn:aws:gameliftstreams:us-west-2:111122223333:application/a-2"
OFFERED = OfferedApplications.of(
    BackendSettings("us-west-2", GROUP_ARN, "a-1", ("x" * 16,), applications={"tour": TOUR_ARN})
)


@pytest.mark.parametrize("group", ["sg-1", GROUP_ARN])
@pytest.mark.parametrize(
    ("application", "name"), [("", None), ("a-1", None), ("a-2", "tour"), (TOUR_ARN, "tour")]
)
def test_an_id_and_its_arn_name_the_same(group: str, application: str, name: str | None) -> None:
    assert OFFERED.application_name(group, application) == name


@pytest.mark.parametrize(("group", "application"), [("", ""), ("sg-2", "a-1"), ("sg-1", "a-3")])
def test_what_is_not_configured_does_not_exist(group: str, application: str) -> None:
    with pytest.raises(StreamServiceError) as caught:
        OFFERED.application_name(group, application)
    assert caught.value.fault is ServiceFault.NOT_FOUND


def test_only_strings_are_read_from_a_body() -> None:
    assert text_of({"a": "b"}, "a") == "b"
    bodies: tuple[object, ...] = (None, [], "a", {"a": 1}, {}, {"a": "\ud800"}, {"a": "b\0"})
    for body in bodies:
        assert text_of(body, "a") == ""


def test_a_client_token_fits_the_service_and_is_new_each_time() -> None:
    tokens = {client_token() for _ in range(10)}
    assert len(tokens) == 10
    assert all(32 <= len(token) <= 128 for token in tokens)
