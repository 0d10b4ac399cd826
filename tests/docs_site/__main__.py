"""Builds the site: `python3 dev.py docs` writes it to build/site.

    python -m docs_site --sphinx PYTHON [--out FOLDER]

The pages are the Markdown files of the repository, as they are; references and charts are made from
the code and from docs/performance.json (`generated`). Sphinx then makes the site, and every warning
is an error: a broken link or anchor, a page that the navigation lacks, a diagram that cannot be
drawn. PYTHON is that of an environment with what `packaging/locks/docs.lock` names, which `dev.py`
makes: Sphinx needs a newer docutils than the AWS CLI of the tests allows. Links to other hosts are
not checked, since a build needs no network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docs_site import generated, navigation, sources
from docs_site.navigation import UnlistedPageError
from docs_site.performance_page import MissingFigureError
from docs_site.sources import ROOT, BrokenLinkError
from rejoin.version import VERSION

HERE: Final = Path(__file__).resolve().parent
OUT: Final = ROOT / "build" / "site"
MADE_BY_SPHINX: Final = ".buildinfo"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="dev.py docs", allow_abbrev=False)
    parser.add_argument("--sphinx", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=OUT, help="where to (build/site)")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        problem = build(chosen.out, chosen.sphinx)
    except (BrokenLinkError, MissingFigureError, UnlistedPageError) as error:
        problem = str(error)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{chosen.out / 'index.html'}, made in {time.monotonic() - started:.0f} s")
    return 0


def build(out: Path, python: Path) -> str:
    """Build the site into a folder that is new or has an earlier one: what is wrong, or nothing.

    Raises BrokenLinkError, MissingFigureError, UnlistedPageError.
    """
    if out.exists() and any(out.iterdir()):
        if not (out / MADE_BY_SPHINX).exists():
            return f"{out} has something else in it. Choose another folder with --out."
        shutil.rmtree(out)
    with tempfile.TemporaryDirectory() as folder:
        pages = Path(folder) / "pages"
        write_sources(pages)
        command = [str(python), "-m", "sphinx", "--builder", "html", "--quiet"]
        command += ["--nitpicky", "--fail-on-warning", "--conf-dir", str(HERE / "sphinx")]
        command += ["--define", f"release={VERSION}", "--doctree-dir", str(Path(folder) / "trees")]
        # Without our folder of tests, whose names are not for Sphinx.
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environ["PYTHONDONTWRITEBYTECODE"] = "1"
        done = subprocess.run([*command, str(pages), str(out)], check=False, env=environ)
    if done.returncode:
        shutil.rmtree(out, ignore_errors=True)  # half a site is none
        return "The site was not built; see above."
    return ""


def write_sources(into: Path) -> None:
    """Everything that Sphinx reads.

    Raises BrokenLinkError, MissingFigureError, UnlistedPageError.
    """
    sources.copy_all(into)
    for name, page in generated.pages().items():
        sources.write(into / name, page)
    for name, children in generated.children().items():
        path = into / name
        sources.write(path, path.read_text(encoding="utf-8") + generated.hidden(children))
    shutil.copyfile(HERE / "sphinx" / "index.md", into / "index.md")
    navigation.check(into)


if __name__ == "__main__":
    sys.exit(main())
