"""The contract that keeps pure packages pure finds what it is for."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from helpers.import_contracts import PureContract


def graph_with(*imports: tuple[str, str]) -> ImportGraph:
    """A package `ours` with two pure modules, a neighbour, and these imports."""
    graph = ImportGraph()
    for name in ("ours", "ours.pure", "ours.pure.a", "ours.pure.b", "ours.purely", "ours.below"):
        graph.add_module(name)
    for importer, imported in imports:
        if imported not in graph.modules:
            graph.add_module(imported, is_squashed=True)
        graph.add_import(importer=importer, imported=imported, line_number=7, line_contents="")
    return graph


def kept(*imports: tuple[str, str]) -> bool:
    session = {"root_packages": ["ours"]}
    options = {"packages": ["ours.pure"], "may_import": ["ours.below"]}
    contract = PureContract("ours is pure", session, options)
    return contract.check(graph_with(*imports), verbose=False).kept


@pytest.mark.parametrize("name", ["dataclasses", "ours.pure.b", "ours.below"])
def test_values_the_package_itself_and_what_is_named_may_be_imported(name: str) -> None:
    assert kept(("ours.pure.a", name))


@pytest.mark.parametrize(
    "name", ["time", "random", "asyncio", "logging", "numpy", "ours", "ours.purely"]
)
def test_whatever_is_not_named_breaks_the_contract(name: str) -> None:
    assert not kept(("ours.pure.a", name))
    assert not kept(("ours.pure", name))


def test_what_another_package_imports_is_its_own_affair() -> None:
    assert kept(("ours.below", "time"))


def test_a_package_that_does_not_exist_is_a_mistake() -> None:
    contract = PureContract("gone", {"root_packages": ["ours"]}, {"packages": ["ours.gone"]})
    with pytest.raises(ValueError, match="no package"):
        contract.check(graph_with(), verbose=False)


def test_a_broken_contract_names_the_import_and_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = {"packages": ["ours.pure"]}
    contract = PureContract("ours is pure", {"root_packages": ["ours"]}, options)
    check = contract.check(graph_with(("ours.pure.a", "socket")), verbose=False)
    contract.render_broken_contract(check)
    assert "ours.pure.a is pure and must not import socket (l.7)" in capsys.readouterr().out
