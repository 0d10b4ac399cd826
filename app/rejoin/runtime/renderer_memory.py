"""Remembers between two runs whether drawing with the graphics card works: a verdict, and crashes.

A verdict is the result of a probe. A mark is a file that a process keeps locked while the card
draws for it, and removes when it ends: an unlocked mark was left by a crash. Both are small files
among the user's state files. Neither disturbs the game: an unreadable one counts as missing, and
one that cannot be written is not remembered.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from rejoin.runtime.instance import Instance
from rejoin.runtime.private_files import read_regular
from rejoin.runtime.state_folder import keep_file, state_folder

_log = logging.getLogger("rejoin.renderer_memory")

_MAX_BYTES: Final = 16 * 1024
_VERDICT: Final = "verdict.json"
_MARK: Final = "drawing-"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a probe. `backend`, `device` and `driver` are those of `gui.card_identity`.

    `refused`: why the card is not used, in a few words; None where it may draw. `crashes`: how many
    processes have crashed since while it drew.
    """

    backend: str
    device: str
    driver: str
    qt: str
    refused: str | None = None
    crashes: int = 0

    def same_card(self, other: Verdict) -> bool:
        """Whether both are about the same card, driver and Qt."""
        ours, theirs = ((each.backend, each.device, each.driver, each.qt) for each in (self, other))
        return ours == theirs

    def to_json(self) -> str:
        """As one line, for a probe's output and for the file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Verdict:
        """Raises ValueError for anything that `to_json` does not make."""
        try:
            content = json.loads(text)
            backend, device, driver, qt = (
                _text(content[name]) for name in ("backend", "device", "driver", "qt")
            )
            refused = None if content["refused"] is None else _text(content["refused"])
            crashes = content["crashes"]
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("not a verdict") from error
        if type(crashes) is not int or crashes < 0:
            raise ValueError("not a count")
        return cls(backend, device, driver, qt, refused, crashes)


def renderer_folder() -> Path:
    """Where this user's verdict and marks are. Raises BadInputError."""
    return state_folder() / "renderer"


class RendererMemory:
    """The memory of one user; for one thread at a time. Once it is made, no call raises."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or renderer_folder()
        self._mark: tuple[Instance, Path] | None = None

    def verdict(self) -> Verdict | None:
        """The newest verdict, or None."""
        try:
            return Verdict.from_json(read_regular(self._folder / _VERDICT, _MAX_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.info("the verdict was not read: %s", type(error).__name__)
            return None

    def keep(self, verdict: Verdict) -> None:
        """Replace the verdict. The crashes of the same card go on counting."""
        before = self.verdict()
        if before is not None and before.same_card(verdict):
            verdict = replace(verdict, crashes=before.crashes)
        self._write(verdict)

    def forget(self) -> None:
        """There is no verdict any more."""
        with contextlib.suppress(OSError):
            (self._folder / _VERDICT).unlink(missing_ok=True)

    def has_crashed(self) -> bool:
        """Whether a process crashed while the card drew, since this was called last.

        Its mark is removed, and the crash is counted.
        """
        crashed = False
        try:
            marks = sorted(self._folder.glob(f"{_MARK}*.lock"))
        except OSError:
            return False
        for mark in marks:
            try:
                left = Instance.claim(mark.stem, self._folder)
            except OSError:
                continue
            if left is None:
                continue  # its process is running
            _remove(left, mark)
            crashed = True
        if crashed and (verdict := self.verdict()) is not None:
            self._write(replace(verdict, crashes=verdict.crashes + 1))
        return crashed

    def begin_drawing(self) -> None:
        """The card draws for this process from now on."""
        if self._mark is not None:
            return
        import secrets  # for the card alone

        key = f"{_MARK}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            held = Instance.claim(key, self._folder)
            self._mark = None if held is None else (held, self._folder / f"{key}.lock")
        except OSError as error:
            _log.info("a crash of the graphics card would go unnoticed: %s", type(error).__name__)

    def end_drawing(self) -> None:
        """It does not any more. May be called again."""
        if self._mark is not None:
            _remove(*self._mark)
            self._mark = None

    def _write(self, verdict: Verdict) -> None:
        try:
            keep_file(self._folder / _VERDICT, verdict.to_json() + "\n")
        except OSError as error:
            _log.info("the verdict was not saved: %s", type(error).__name__)


def _remove(mark: Instance, file: Path) -> None:
    """Release a mark; on some systems that leaves an empty file."""
    mark.release()
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value
