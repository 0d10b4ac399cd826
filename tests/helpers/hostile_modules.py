"""Input modules that attack: what each tries, and how it ends.

Each attack stands in one place of a module that is otherwise harmless.
"""

from __future__ import annotations

import enum
import tomllib
from dataclasses import dataclass
from pathlib import Path


class Outcome(enum.Enum):
    """PLAYS: nothing came of it. REPLACED: the process was ended, and in the end there is no input.
    UNUSABLE: the module cannot be used, as it says itself. UNSURE: any of these, by the machine.
    """

    PLAYS = "plays"
    REPLACED = "replaced"
    UNUSABLE = "unusable"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Hostile:
    """`where`: "script", "constructor", "attach", "key" (each key event), "timer" or "detach"."""

    name: str
    where: str
    code: str
    outcome: Outcome

    @property
    def script(self) -> str:
        """A classic script that defines the module."""
        parts = dict.fromkeys(("script", "constructor", "attach", "key", "timer", "detach"), "")
        parts[self.where] = self.code
        script = FRAME
        for part, code in parts.items():
            script = script.replace(f"/* {part} */", code)
        return script


FRAME = """
    /* script */
    globalThis.GameCastInputModule = { GameCastInput: class GameCastInput {
      constructor(options) {
        this.options = options;
        globalThis.input = options.clientRtc.rtcDataChannel;
        /* constructor */
      }
      attach() {
        const self = this, { options } = this, video = options.videoElement;
        addEventListener("keydown", (event) => {
          input.send(new Uint8Array([1]));
          /* key */
        });
        setTimeout(function again() { /* timer */ }, 1);
        /* attach */
      }
      detach() { /* detach */ }
      processKeyboardEvent() {}
      processMouseEvent() {}
    } };
"""


def _read() -> tuple[Hostile, ...]:
    path = Path(__file__).parent.parent / "data/input_modules/hostile.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["module"]
    return tuple(
        Hostile(row["name"], row["where"], row["code"], Outcome(row["outcome"])) for row in rows
    )


HOSTILE = _read()
