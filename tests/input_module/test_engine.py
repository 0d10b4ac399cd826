"""The engines and what the sandbox needs of one agree in names; mypy compares the types."""

from __future__ import annotations

import inspect

from rejoin.input_module.engine import Engine
from rejoin.input_module.quickjs_engine import QuickJS


def test_an_engine_has_every_method() -> None:
    for name, method in vars(Engine).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            ours = inspect.signature(getattr(QuickJS, name))
            assert ours.parameters.keys() == inspect.signature(method).parameters.keys()
