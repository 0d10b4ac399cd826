"""What libwayland reads of our interfaces; a compositor is in `live/test_wayland_controls.py`."""

from __future__ import annotations

import pytest

from rejoin.gui.wayland_client import WaylandLibrary


@pytest.fixture
def library() -> WaylandLibrary:
    try:
        return WaylandLibrary()
    except OSError:
        pytest.skip("libwayland-client is not installed")


def test_an_interface_has_its_messages_with_a_type_for_each_argument(
    library: WaylandLibrary,
) -> None:
    made = library.interface(
        "zwp_example_v1",
        (("destroy", "", ()), ("create", "no", (library.core["seat"], library.core["surface"]))),
        (("moved", "ff", (None, None)),),
    )
    assert (made.name, made.version) == (b"zwp_example_v1", 1)
    assert (made.method_count, made.event_count) == (2, 1)
    create, moved = made.methods[1], made.events[0]
    assert (create.name, create.signature) == (b"create", b"no")
    assert [kind.contents.name for kind in create.types[:2]] == [b"wl_seat", b"wl_surface"]
    assert (moved.name, moved.signature) == (b"moved", b"ff")
    assert [bool(kind) for kind in moved.types[:2]] == [False, False]


def test_one_without_messages_has_none(library: WaylandLibrary) -> None:
    made = library.interface("zwp_example_v1", ())
    assert (made.method_count, made.event_count) == (0, 0)
