from __future__ import annotations

import threading

from rejoin.media.audio.sound_setup import SoundSetup


def test_inputs_let_go_before_it_is_set_up_anew() -> None:
    setup, order = SoundSetup(), list[str]()
    leave = setup.join(lambda: order.append("let go"))
    with setup.anew():
        order.append("anew")
    assert order == ["let go", "anew"]
    leave()
    with setup.anew():
        pass
    assert order == ["let go", "anew"]


def test_nobody_sets_it_up_anew_while_a_stream_is_opened() -> None:
    setup, order = SoundSetup(), list[str]()
    began = threading.Event()

    def anew() -> None:
        began.set()
        with setup.anew():
            order.append("anew")

    with setup.kept():
        other = threading.Thread(target=anew)
        other.start()
        began.wait(30)
        order.append("opened")
    other.join(30)
    assert order == ["opened", "anew"]


def test_who_lets_go_may_leave_meanwhile() -> None:
    setup = SoundSetup()
    left = list[int]()

    def let_go() -> None:
        leave()
        left.append(1)

    leave = setup.join(let_go)
    with setup.anew():
        assert left == [1]
