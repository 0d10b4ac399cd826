"""packaging/backend: every file is what its program takes, and names what the backend has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rejoin.backend.budgets import CREATE, Budgets
from rejoin.backend.call_rate import Quota
from rejoin.backend.configuration import PREFIX, BackendSettings
from rejoin.backend.create_turns import CreateTurns
from rejoin.backend.metrics import Metrics
from rejoin.backend.openapi import document
from rejoin.backend.service import ServiceFault
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database import Database
from rejoin.backend.store.turns import TurnStore
from rejoin.clock import boot_s
from rejoin.signaling.wire import MAX_BODY_BYTES, ProblemCode, problem

ROOT = Path(__file__).parent.parent
FILES = ROOT / "packaging" / "backend"
DATA = Path(__file__).parent / "data" / "deployment"

ACTIONS = {
    "gameliftstreams:StartStreamSession",
    "gameliftstreams:GetStreamSession",
    "gameliftstreams:ListStreamSessions",
    "gameliftstreams:CreateStreamSessionConnection",
    "gameliftstreams:TerminateStreamSession",
}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """What a program says, on both outputs."""
    return subprocess.run(
        [str(word) for word in command],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def program(name: str, package: str) -> str:
    """The path of a Debian program; skips the test where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian's package {package})")
    return found


def load(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


# --- containers -----------------------------------------------------------------------------------


def complaints_about(compose: Any) -> list[str]:
    schema = json.loads((DATA / "compose-spec.json").read_text(encoding="utf-8"))
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(compose)]


def test_the_compose_file_is_one_and_its_schema_finds_what_is_wrong() -> None:
    compose = load("compose.yaml")
    assert complaints_about(compose) == []
    compose["services"]["backend-1"]["cap_dropp"] = ["ALL"]
    (complaint,) = complaints_about(compose)
    assert "cap_dropp" in complaint


def test_the_files_that_the_compose_file_names_exist() -> None:
    services = load("compose.yaml")["services"]
    made_by_the_operator = {"./tls", "backend.env"}
    for service in services.values():
        named = [each.split(":")[0] for each in service.get("volumes", [])]
        named = [name for name in named if name.startswith("./")]
        named += [service["env_file"]] if "env_file" in service else []
        for name in named:
            assert name in made_by_the_operator or (FILES / name).is_file(), name
        if "build" in service:
            assert (FILES / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the Containerfile with their arguments."""
    text = (FILES / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def test_the_container_runs_the_backend_as_nobody_special() -> None:
    found = list(instructions())
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "ENTRYPOINT"}
    assert {name for name, _ in found} <= known
    last = dict(found)
    assert json.loads(last["ENTRYPOINT"]) == ["/opt/rejoin/bin/rejoin", "backend"]
    assert last["USER"] == "10001:10001"
    assert last["STOPSIGNAL"] == "SIGTERM"


def test_the_container_installs_what_the_backends_lock_names() -> None:
    copied = next(rest.split() for name, rest in instructions() if name == "COPY")
    assert copied == ["dist/rejoin_client-*.whl", "packaging/locks/backend.lock", "./"]
    assert (ROOT / copied[1]).is_file()
    (line,) = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    locked, wheel = [part for part in line.split("&&") if "pip install" in part]
    assert "--require-hashes" in locked
    assert locked.split()[-2:] == ["--requirement", "backend.lock"]
    assert wheel.split()[-2:] == ["--no-deps", "rejoin_client-*.whl"]


# --- settings -------------------------------------------------------------------------------------


def settings_named_in(name: str) -> set[str]:
    text = (FILES / name).read_text(encoding="utf-8")
    return set(re.findall(rf"\b({PREFIX}[A-Z_]+)\b", text))


def example() -> dict[str, str]:
    lines = (FILES / "backend.env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def test_the_example_of_the_settings_can_be_used() -> None:
    settings = BackendSettings.from_env(example())
    assert settings.warnings() == ()
    assert settings.openid is not None
    assert "127.0.0.1" in settings.allowed_hosts


@pytest.mark.parametrize(
    "name", ["compose.yaml", "cloudformation.yaml", "rejoin-backend@.service", "Containerfile"]
)
def test_every_setting_in_a_file_is_one_of_the_backend(name: str) -> None:
    documented = (ROOT / "docs" / "backend.md").read_text(encoding="utf-8")
    for setting in settings_named_in(name):
        short = setting.removeprefix(PREFIX)
        assert setting in documented or f"`..._{short}`" in documented, setting


# --- nginx ----------------------------------------------------------------------------------------


def test_what_nginx_answers_itself_is_a_problem_of_the_contract() -> None:
    text = (FILES / "nginx.conf").read_text(encoding="utf-8")
    found = {int(status): body for status, body in re.findall(r"return (\d+) '(.*)';", text)}
    assert set(found) == {400, 413, 429, 502, 504}
    for status, body in found.items():
        said = json.loads(body)
        expected = problem(ProblemCode(said["code"]), said["detail"], http_status=status)
        assert said == expected.model_dump(mode="json", exclude={"place", "turn_in_s"})
        assert re.search(rf"error_page [0-9 ]*\b{status}\b[0-9 ]* = [@/]", text)
    assert f"client_max_body_size {MAX_BODY_BYTES // 1024}k;" in text
    assert str(MAX_BODY_BYTES) in found[413]


# --- systemd --------------------------------------------------------------------------------------


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists, since systemd looks whether it does."""
    text = (FILES / "rejoin-backend@.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/rejoin/bin/rejoin backend\n" in text
    made = tmp_path / "rejoin-backend@.service"
    made.write_text(text.replace("/opt/rejoin/bin/rejoin", sys.executable), encoding="utf-8")
    return made


def test_systemd_takes_the_unit_and_finds_what_is_wrong(unit: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    done = run(analyze, "verify", unit)
    assert (done.returncode, done.stdout) == (0, "")
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystemm=strict"))
    assert "ProtectSystemm" in run(analyze, "verify", unit).stdout


def test_the_unit_is_hardened(unit: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    command = (analyze, "security", "--offline=true", "--threshold=20")
    done = run(*command, unit)
    assert done.returncode == 0, done.stdout[-200:]
    unit.write_text(re.sub(r"(?m)^(Protect|Restrict|Private).*\n", "", unit.read_text()))
    assert run(*command, unit).returncode != 0


# --- AWS ------------------------------------------------------------------------------------------


def test_the_role_may_do_what_the_backend_does_to_one_stream_group_and_nothing_else() -> None:
    policy = json.loads((FILES / "iam-policy.json").read_text(encoding="utf-8"))
    (statement,) = policy["Statement"]
    assert set(statement["Action"]) == ACTIONS
    assert re.fullmatch(
        r"arn:aws:gameliftstreams:[a-z0-9-]+:\d{12}:streamgroup/sg-\w+", statement["Resource"]
    )


def test_the_policy_has_every_call_that_the_backend_makes() -> None:
    """By the names of boto3's methods in the one module that calls AWS."""
    source = (ROOT / "app" / "rejoin" / "backend" / "aws.py").read_text(encoding="utf-8")
    called = set(re.findall(r"\bclient\.((?:start|get|list|create|terminate)_\w+)\(", source))
    spelled = {"".join(word.capitalize() for word in name.split("_")) for name in called}
    assert {f"gameliftstreams:{name}" for name in spelled} == ACTIONS


def test_the_template_is_one_and_its_role_is_the_same(tmp_path: Path) -> None:
    template = FILES / "cloudformation.yaml"
    text = template.read_text(encoding="utf-8")
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    assert run(cfn_lint, template).stdout == ""
    assert set(re.findall(r"- (gameliftstreams:\w+)", text)) == ACTIONS
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("NetworkMode: awsvpc", "NetworkModee: awsvpc"))
    done = run(cfn_lint, broken)
    assert done.returncode != 0
    assert "NetworkModee" in done.stdout


# --- metrics --------------------------------------------------------------------------------------


def expressions() -> list[str]:
    """Every query of the dashboard and of the alerts."""
    dashboard = json.loads((FILES / "grafana-dashboard.json").read_text(encoding="utf-8"))
    found = [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    for group in load("alerts.yml")["groups"]:
        found += [rule["expr"] for rule in group["rules"]]
    return found


def real_series() -> dict[str, set[str]]:
    """The names of the backend's real series, each with its labels."""
    metrics = Metrics()
    budgets = Budgets(BudgetStore(Database(), "shard", Quota(), boot_s), boot_s)
    turns = TurnStore(budgets.store, CREATE, "this process")
    metrics.watch(budgets, CreateTurns(turns, budgets.of(CREATE), boot_s))
    metrics.reported("silence", "saved", 1.0)
    with metrics.waiting():
        metrics.answered("reconnect", 200, 0.1)
        metrics.service_answered("GetStreamSession", "ok", 0.1)
        found: dict[str, set[str]] = {}
        for family in metrics.registry.collect():
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_and_label_in_the_files_exists() -> None:
    series = real_series()
    operations = {
        call["operationId"] for path in document()["paths"].values() for call in path.values()
    }
    services = {action.partition(":")[2] for action in ACTIONS}
    outcomes = {"ok", "cancelled", *(fault.value for fault in ServiceFault)}
    named = set()
    for expression in expressions():
        for name, selector in re.findall(r"\b(rejoin_\w+)(?:\{([^}]*)\})?", expression):
            named.add(name)
            assert name in series, name
            for label, value in re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"', selector):
                assert label in series[name], f"{label} of {name}"
                if label == "operation":
                    assert value in operations | services | {"none"}, value
                if label == "outcome":
                    assert set(value.split("|")) <= outcomes, value
    assert len(named) >= 5, "the files use most of what there is"


def test_the_runbook_has_every_alert() -> None:
    text = (ROOT / "docs" / "backend.md").read_text(encoding="utf-8")
    runbook = text.partition("## Runbook\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(Rejoin\w+)`", runbook))
    alerts = {rule["alert"] for group in load("alerts.yml")["groups"] for rule in group["rules"]}
    assert named == alerts


def test_promtool_takes_every_file_and_query_and_each_alert_fires_when_it_has_to(
    tmp_path: Path,
) -> None:
    promtool = program("promtool", "prometheus")
    done = run(promtool, "check", "config", FILES / "prometheus.yml")
    assert done.returncode == 0, done.stdout
    rules = [
        {"record": f"query:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    queries = tmp_path / "queries.yml"
    queries.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    done = run(promtool, "check", "rules", queries)
    assert done.returncode == 0, done.stdout
    tests = tmp_path / "alerts_test.yml"
    text = (DATA / "alerts_test.yml").read_text(encoding="utf-8")
    tests.write_text(text.replace("ALERTS", str(FILES / "alerts.yml")))
    done = run(promtool, "test", "rules", tests)
    assert done.returncode == 0, done.stdout
    fired = {
        each["alertname"]
        for scene in yaml.safe_load(text)["tests"]
        for each in scene["alert_rule_test"]
        if each.get("exp_alerts")
    }
    alerts = {rule["alert"] for group in load("alerts.yml")["groups"] for rule in group["rules"]}
    assert fired == alerts, "each alert was seen to fire"
