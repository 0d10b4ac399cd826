"""Probes that answer, crash, hang or are not there; `test_hardware` and `test_surface_choice` have
what their answers lead to."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from rejoin.media.video.probing import ProbeError, Probing


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


class Work:
    """Asks one command after another."""

    def __init__(self, *commands: Sequence[str], timeout_s: float = 60.0) -> None:
        self.answers: list[tuple[int, str] | str] = []
        self._commands = commands
        self.probing = Probing("probing-of-a-test", self._ask, timeout_s)

    def _ask(self) -> None:
        for command in self._commands:
            try:
                self.answers.append(self.probing.answer(command))
            except ProbeError as error:
                self.answers.append(str(error))


@pytest.mark.usefixtures("nothing_left_behind")
def test_each_answer_is_an_exit_code_and_a_text() -> None:
    work = Work(program("print('fine')"), program("raise SystemExit(3)"), ("/nowhere/at-all",))
    begun = [work.probing.begun]
    work.probing.begin()
    work.probing.join()
    begun.append(work.probing.begun)
    assert begun == [False, True]
    *answers, last = work.answers
    assert answers == [(0, "fine\n"), (3, "")]
    assert str(last).startswith("it could not be probed (")
    work.probing.close()


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_program_that_hangs_is_killed_and_the_next_one_is_asked() -> None:
    commands = [program("import time; time.sleep(600)"), ("/nowhere/at-all",)]
    work = Work(*commands, timeout_s=0.2)
    work.probing.begin()
    work.probing.join()
    assert work.answers[0] == "the probe did not end within 0.2 s"
    assert len(work.answers) == 2


@pytest.mark.usefixtures("nothing_left_behind")
def test_after_closing_nothing_is_started_any_more() -> None:
    work = Work(program("print('fine')"))
    work.probing.close()
    assert work.probing.closed
    work.probing.begin()
    work.probing.join()
    assert work.answers == ["closed"]
