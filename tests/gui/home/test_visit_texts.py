"""What a player reads about a backend that was visited."""

from __future__ import annotations

import pytest

from rejoin.core.ticket import BackendAddress
from rejoin.gui.home.visit_texts import found_lines
from rejoin.runtime.backend_visit import SignInKind, Visited


@pytest.mark.parametrize("kind", SignInKind)
def test_every_way_to_sign_in_has_a_sentence(kind: SignInKind) -> None:
    address = BackendAddress("https://play.example:8443/x", "ours")
    first, second = found_lines(Visited(address, kind, "1.2"))
    assert (
        first
        == "A studio's backend answers at play.example:8443. It fits this Rejoin (contract 1.2)."
    )
    assert second.endswith(".")


def test_a_dialect_without_a_contract_names_none() -> None:
    found = Visited(BackendAddress("https://play.example", "aws-bundle"), SignInKind.NONE)
    assert found_lines(found)[0] == "A studio's backend answers at play.example."
