"""The history of sent packets is bounded in time and bytes."""

from __future__ import annotations

from rejoin.emulator.host.packet_history import PacketHistory


def test_history_forgets_by_time_and_by_size() -> None:
    history = PacketHistory(keep_s=1.0, keep_bytes=1000)
    for sequence in range(65530, 65550):
        history.add(sequence & 0xFFFF, bytes(100), 0.0)
    assert len(history) == 10
    assert history.bytes == 1000
    assert history.find(65530, 0.1) is None
    assert history.find(13, 0.1) == bytes(100)
    history.add(14, bytes(5), 2.0)
    assert (len(history), history.bytes) == (1, 5)
    history.add(14, bytes(6), 2.0)
    assert (len(history), history.bytes) == (1, 6)
