"""Dask as a cluster: a batch stays on its place, and a scheduler that is not there is a sentence.

A cluster that plays is in `live/test_fleet`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from helpers.ports import free_port
from rejoin.errors import ServiceError
from rejoin.qa.fleet import batch as task
from rejoin.qa.fleet import cluster
from rejoin.qa.fleet.cluster import DaskCluster, opened
from rejoin.qa.fleet.messages import Batch, FromBatch, Placed, to_text

BATCH = Batch("run", 3, (), (), 60.0, False)


class FakeFuture:
    status = "pending"
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClient:
    status = "running"

    def __init__(self) -> None:
        self.workers: dict[str, dict[str, Any]] = {"tcp://b": {}, "tcp://a": {}}
        self.submitted: dict[str, Any] = {}
        self.future = FakeFuture()
        self.topics: dict[str, Any] = {}

    @property
    def scheduler(self) -> FakeClient:
        return self

    def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1  # else at most five
        return {"workers": self.workers}

    def sync(self, ask: Callable[..., dict[str, Any]], **options: int) -> dict[str, Any]:
        return ask(**options)

    def submit(self, play: object, batch: Batch, **options: object) -> FakeFuture:
        assert play is task.play
        self.submitted = options
        return self.future

    def subscribe_topic(self, topic: str, handler: object) -> None:
        self.topics[topic] = handler


def test_a_batch_is_pinned_and_never_repeated() -> None:
    client: Any = FakeClient()
    there = DaskCluster(client)
    assert there.places == ("tcp://a", "tcp://b")
    placement = there.submit(BATCH, "tcp://b")
    assert client.submitted == {
        "key": "run-3",
        "workers": ["tcp://b"],
        "allow_other_workers": False,
        "retries": 0,
        "pure": False,
    }
    assert placement.state() == "playing"
    client.future.status = "finished"
    assert placement.state() == "over"


@pytest.mark.parametrize("status", ["error", "cancelled", "lost"])
def test_a_task_that_failed_is_lost(status: str) -> None:
    client: Any = FakeClient()
    placement = DaskCluster(client).submit(BATCH, "tcp://a")
    client.future.status = status
    assert placement.state() == "lost"


def test_a_scheduler_that_is_gone_says_nothing_of_a_batch() -> None:
    """Its client cancels every future, and a player must not have failed for that."""
    client: Any = FakeClient()
    there = DaskCluster(client)
    placement = there.submit(BATCH, "tcp://a")
    client.status, client.future.status = "connecting", "cancelled"
    for call in (
        placement.state,
        lambda: there.give("run", "stop"),
        lambda: there.submit(BATCH, "tcp://a"),
        lambda: there.listen("run", lambda message: None),
    ):
        with pytest.raises(ServiceError, match="Dask's scheduler is gone"):
            call()


def test_a_call_that_the_scheduler_does_not_answer_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client: Any = FakeClient()
    there = DaskCluster(client)

    def dead(**_: object) -> None:
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(client, "identity", dead)
    with pytest.raises(ServiceError, match="Dask's scheduler is gone"):
        there.submit(BATCH, "tcp://a").state()


def test_a_worker_that_is_gone_takes_its_batch_with_it() -> None:
    client: Any = FakeClient()
    placement = DaskCluster(client).submit(BATCH, "tcp://a")
    del client.workers["tcp://a"]
    assert placement.state() == "lost"
    assert client.future.cancelled, "it must not be played by the next worker"


def test_the_places_of_the_next_case_are_the_workers_that_are_left() -> None:
    """A worker that died before it failed no player of that case."""
    client: Any = FakeClient()
    there = DaskCluster(client)
    del client.workers["tcp://a"]
    assert there.places == ("tcp://b",)
    del client.workers["tcp://b"]
    with pytest.raises(ServiceError, match="no workers any more"):
        assert there.places


def test_what_batches_say_is_heard() -> None:
    client: Any = FakeClient()
    heard: list[FromBatch] = []
    DaskCluster(client).listen("run", heard.append)
    client.topics[task.topic_of("run")]((1.0, to_text(Placed(2))))
    assert heard == [Placed(2)]


def test_a_scheduler_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WORKERS_WITHIN_S", 0.5)
    with (
        pytest.raises(ServiceError, match="Dask's scheduler cannot be reached"),
        opened(f"tcp://127.0.0.1:{free_port()}", 1),
    ):
        pass
