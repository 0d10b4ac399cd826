"""One file of results from several: the shards of a run, or runs of several machines."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rejoin.errors import BadInputError
from rejoin.qa.files import write_file
from rejoin.qa.results import CaseRecord, read, to_line


def merge(
    out: Path,
    files: Sequence[Path],
    say: Callable[[str], None],
    on_file: Callable[[int], None] = lambda number: None,
) -> tuple[CaseRecord, ...]:
    """Write `out`, in the order of the plays of each scenario. Returns what it holds.

    What was left out is said in sentences. `on_file` gets the number of each file, from 0, before
    it is read. Attachments stay where they are; their paths then begin at the folder of `out`.
    Raises BadInputError for a file that is none of results, has another
    version or a damaged line before its last, or has another result of the same play; then `out` is
    as it was.
    """
    found: dict[tuple[str, str, int], CaseRecord] = {}
    for number, file in enumerate(files):
        on_file(number)
        doubled = 0
        records_of_file = read(file, say)
        if not records_of_file:
            say(f"{file} has no result: the plays of its run are missing.")
        for record in records_of_file:
            moved = _moved(record, file.parent, out.parent)
            key = (record.run, record.scenario, record.index)
            known = found.setdefault(key, moved)
            if known is moved:
                continue
            if replace(known, attachments={}) != replace(moved, attachments={}):
                raise BadInputError(
                    f"{file.name} has another result of a play that a file before it has: "
                    f"{record.name!a:.80} in run {record.run!a:.80}."
                )
            doubled += 1
        if doubled:
            say(f"{file}: {doubled} results were there already and were left out.")
    records = tuple(
        sorted(found.values(), key=lambda each: (each.scenario, each.index, each.started_at))
    )
    write_file(out, "".join(f"{to_line(record)}\n" for record in records))
    return records


def _moved(record: CaseRecord, folder: Path, to: Path) -> CaseRecord:
    """With the paths of its attachments from another folder."""
    attachments = {}
    for kind, path in record.attachments.items():
        try:
            attachments[kind] = Path(os.path.relpath(folder / path, to)).as_posix()
        except ValueError:  # another drive, or no path at all
            attachments[kind] = path
    return replace(record, attachments=attachments)
