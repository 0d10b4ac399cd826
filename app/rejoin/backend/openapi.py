"""The contract as OpenAPI: `python -m rejoin.backend.openapi [--check] [FILE]`.

Generated from the routes, committed under `docs/openapi`; `--check` fails when they differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rejoin.errors import RejoinError
from rejoin.parts import needs

if TYPE_CHECKING:
    from rejoin.backend.service import ListedPage, StartedStream, StreamId, StreamStatus

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "openapi" / "rejoin-backend.json"
"""In the checkout; an installed package has no docs."""


def document() -> dict[str, Any]:
    """The OpenAPI document of the contract."""
    from rejoin.backend.routes import build_app
    from rejoin.backend.store.sessions import SessionStore
    from rejoin.signaling.wire import ProblemBody, ProblemCode

    content: dict[str, Any] = build_app(_NoService(), SessionStore(), ()).openapi()
    problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    problem["properties"]["code"]["examples"] = [str(code) for code in ProblemCode]
    schemas = content["components"]["schemas"]
    schemas["ProblemBody"] = problem
    content["components"]["schemas"] = dict(sorted(schemas.items()))
    return content


def rendered() -> str:
    """The document as the file holds it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


@needs("backend")
def main(arguments: Sequence[str] | None = None) -> int:
    """0: written, or the file agrees; 1: it does not. Raises MissingPartError."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    check = "--check" in given
    files = [Path(name) for name in given if name != "--check"]
    path = files[0] if files else DOCUMENT
    text = rendered()
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return 0
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        print(f"{path} differs from the routes; run python -m rejoin.backend.openapi")
        return 1
    return 0


class _NoService:
    """The document needs the routes, not a service behind them."""

    async def start(
        self,
        *,
        token: str,
        signal_request: str,
        application: str | None,
        user_id: str | None,
        budget_s: float,
    ) -> StartedStream:
        raise NotImplementedError

    async def list_page(self, *, status: str, page: str | None, budget_s: float) -> ListedPage:
        raise NotImplementedError

    async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
        raise NotImplementedError

    async def create_connection(
        self, stream: StreamId, *, token: str, signal_request: str, budget_s: float
    ) -> str:
        raise NotImplementedError

    async def terminate(self, stream: StreamId, *, budget_s: float) -> None:
        raise NotImplementedError


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RejoinError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
