"""The port and its implementation agree in names and parameters; mypy compares the types."""

from __future__ import annotations

import inspect

from helpers.module_sandbox import Heard
from rejoin.input_module.port import InputModulePort, Reports
from rejoin.input_module.sandbox import Sandbox


def test_an_implementation_accepts_every_call_of_its_port() -> None:
    for port, implementation in ((InputModulePort, Sandbox), (Reports, Heard)):
        for name, member in vars(port).items():
            if name.startswith("_") or not inspect.isfunction(member):
                continue
            ours = inspect.signature(getattr(implementation, name))
            assert ours.parameters.keys() == inspect.signature(member).parameters.keys(), name
