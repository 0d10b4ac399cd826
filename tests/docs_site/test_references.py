"""References hold what the code has, and links within them lead somewhere."""

from __future__ import annotations

import dataclasses
import re

import click
import pytest

from docs_site import generated
from docs_site.attribute_docs import attribute_docs
from docs_site.command_line_page import page as command_line_page
from docs_site.markdown import code, table, text
from docs_site.schema_tables import anchor, definition, type_of
from rejoin.backend import openapi
from rejoin.backend.configuration import BackendSettings
from rejoin.cli.command_line import rejoin
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.netem.network_profile import NETWORK_PROFILES
from rejoin.runtime.player_settings import SETTINGS


@pytest.fixture(scope="module", name="pages")
def _pages() -> dict[str, str]:
    return generated.pages()


def test_links_within_a_page_lead_to_its_headings(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        headings = {anchor(line.lstrip("#")) for line in page.splitlines() if line[:1] == "#"}
        links = set(re.findall(r"\]\(#([^)]+)\)", page))
        assert links <= headings, name


def test_no_table_has_a_row_of_another_width(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        width = 0
        for line in page.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and cells) or cells == width, f"{name}: {line}"
            width = cells


def commands(command: click.Command, path: str) -> list[str]:
    context = click.Context(command)
    found = [path]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            if not below.hidden:
                found += commands(below, f"{path} {name}")
    return found


def test_every_command_has_its_place(pages: dict[str, str]) -> None:
    page = pages["reference/command-line.md"]
    for path in commands(rejoin, "rejoin")[1:]:
        assert re.search(rf"^##+ {path}$", page, re.MULTILINE), path
    assert "`--renderer" in page


def test_a_command_is_shown_with_its_options() -> None:
    @click.group()
    def top() -> None:
        """The top."""

    @top.command()
    @click.argument("url")
    @click.option("--often", default=3, show_default=True, metavar="N", help="How *often*.")
    @click.option("--secret", hidden=True)
    def play(**_: object) -> None:
        """Plays <it> --often, as `play --often` does.

        \b
        as  it
        stands
        """

    page = command_line_page(top)
    assert "## rejoin play\n\n```text\nrejoin play [OPTIONS] URL\n```\n" in page
    assert (
        "Plays \\<it\\> `--often`, as `play --often` does.\n\n```text\nas  it\nstands\n```" in page
    )
    assert "| `--often N` | How \\*often\\*. \\[default: 3\\] |" in page
    assert "--secret" not in page


def test_every_setting_has_its_row_and_its_meaning(pages: dict[str, str]) -> None:
    page = pages["reference/settings.md"]
    for key in SETTINGS:
        assert f"| `{key}` |" in page
    for settings in (BackendSettings, EmulatorSettings):
        docs = attribute_docs(settings)
        said = {each.name for each in dataclasses.fields(settings)} - {"openid"}
        assert sorted(name for name in said if not docs[name]) == []
    assert "| `REJOIN_BACKEND_METRICS_PORT` | whole number |" in page
    assert "| `REJOIN_BACKEND_REGION` | text | needed |" in page
    assert "OPENID" not in page


def test_the_emulator_has_its_settings_and_networks(pages: dict[str, str]) -> None:
    page = pages["reference/emulator.md"]
    for name in (*NETWORK_PROFILES, *(each.name for each in dataclasses.fields(EmulatorSettings))):
        assert f"| `{name}` |" in page, name


def test_every_call_and_body_of_the_contract_is_there(pages: dict[str, str]) -> None:
    page, document = pages["reference/contract.md"], openapi.document()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"## {method.upper()} {path}\n" in page
    for name in document["components"]["schemas"]:
        assert f"### {name}\n" in page


def test_the_trace_has_every_kind_of_line(pages: dict[str, str]) -> None:
    page = pages["reference/trace.md"]
    assert "### SessionStarted\n" in page
    assert "`AwaitingService`" in page
    assert "## Commands of the engine: `command`" in page


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "integer", "minimum": 1}, "whole number (at least `1`)"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number or null"),
        ({"type": "array", "items": {"$ref": "#/$defs/A.B"}}, "list of [A.B](#ab)"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"const": True}, "`true`"),
        ({}, "anything"),
    ],
)
def test_a_type_is_shown_in_words(schema: dict[str, object], shown: str) -> None:
    assert type_of(schema) == shown


def test_members_say_whether_they_are_needed() -> None:
    shown = definition(
        "Body",
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "string"}, "b": {"type": "number", "default": None}},
        },
    )
    assert "| `a` | text | yes |" in shown
    assert "| `b` | number | no: `null` |" in shown


def test_what_a_table_cannot_hold_is_escaped() -> None:
    assert table(["A"], [[code("x|y")], [text("a | b `c|d`")]]).splitlines()[2:] == [
        "| `x\\|y` |",
        "| a \\| b `c\\|d` |",
    ]
