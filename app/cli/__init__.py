"""``assay``: the command line. Exits with 0 (pass, done), 1 (fail, refused), 2 (unknown), 3 (no service), 64."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.cli import (
    acceptances,
    alerts,
    approvals,
    audit_log,
    audits,
    catalog,
    collect_code,
    collect_measurements,
    collect_pipelines,
    connections,
    decision,
    delivery,
    delivery_metrics,
    engines,
    evidence,
    gate,
    imports,
    key,
    ledger,
    pipelines,
    policies,
    policy_changes,
    probing,
    register,
    schedules,
    scorecards,
    service,
    teams,
    tokens,
    traffic,
    training,
    trusts,
    uptime,
    waivers,
)
from app.cli.output import EXIT_FAIL, EXIT_UNAVAILABLE, EXIT_USAGE, explain
from app.client import Problem, ServiceError
from app.errors import AssayError

TYPER_USAGE = 2

cli = typer.Typer(
    name="assay",
    help="Audit machine-learning models for production readiness and ask whether one may be deployed.\n\n"
    "Reads ASSAY_URL, ASSAY_TOKEN. A gate check exits with 0 for pass, 1 fail, 2 unknown, 3 service unavailable, "
    "64 usage; other commands with 0 when done, 1 when refused.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group, name in (
    (catalog.model_commands, "model"),
    (evidence.evidence_commands, "evidence"),
    (audits.audit_commands, "audit"),
    (audit_log.audit_log_commands, "audit-log"),
    (trusts.trust_commands, "trust"),
    (schedules.schedule_commands, "schedule"),
    (scorecards.scorecard_commands, "scorecard"),
    (scorecards.checks_commands, "checks"),
    (gate.gate_commands, "gate"),
    (policies.policy_commands, "policy"),
    (decision.decision_commands, "decision"),
    (key.key_commands, "key"),
    (ledger.ledger_commands, "ledger"),
    (delivery_metrics.experiment_commands, "experiments"),
    (pipelines.pipeline_commands, "pipeline"),
    (delivery.deployment_commands, "deployments"),
    (acceptances.accept_commands, "accept"),
    (register.issue_commands, "issue"),
    (register.validation_commands, "validation"),
    (register.inventory_commands, "inventory"),
    (waivers.waiver_commands, "waiver"),
    (approvals.approval_commands, "approval"),
    (alerts.alert_commands, "alerts"),
    (alerts.dependency_commands, "dependencies"),
    (connections.connection_commands, "connection"),
    (traffic.predictions_commands, "predictions"),
    (traffic.labels_commands, "labels"),
    (traffic.traffic_commands, "traffic"),
    (uptime.uptime_commands, "uptime"),
    (training.trainer_commands, "trainer"),
    (training.training_commands, "training"),
    (engines.engine_commands, "engines"),
    (tokens.token_commands, "token"),
    (teams.team_commands, "team"),
    (service.db_commands, "db"),
):
    cli.add_typer(group, name=name)
ledger.ledger_commands.add_typer(imports.import_commands, name="import")
gate.gate_commands.command("publish")(imports.publish)
evidence.collect_commands.command("git")(collect_code.collect_git)
evidence.collect_commands.command("github")(collect_code.collect_github)
evidence.collect_commands.command("gitlab")(collect_code.collect_gitlab)
evidence.collect_commands.command("mlflow-runs")(collect_pipelines.collect_mlflow_runs)
evidence.collect_commands.command("dvc")(collect_pipelines.collect_dvc)
evidence.collect_commands.command("kfp")(collect_pipelines.collect_kfp)
evidence.collect_commands.command("prometheus")(collect_measurements.collect_prometheus)
policies.policy_commands.command("test")(policy_changes.try_policies)
policies.policy_commands.command("diff")(policy_changes.compare_policies)
policies.policy_commands.command("diff")(policy_changes.compare_policies)
ledger.ledger_commands.command("probe")(probing.probe)
catalog.model_commands.command("retire")(register.retire)
catalog.model_commands.command("unretire")(register.unretire)
cli.command("attest")(catalog.attest)
cli.command("delivery-metrics")(delivery_metrics.delivery_metrics)
cli.command("deploy")(delivery.deploy)
cli.command("rollback")(delivery.roll_back)
cli.command("serve")(service.serve)
cli.command("worker")(service.worker)
cli.command("sign-in")(service.sign_in)
cli.command("demo")(service.demo)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"assay {installed_version('assay')}")
        raise typer.Exit


@cli.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return int(cli(arguments, standalone_mode=False) or 0)
    except ServiceError as error:
        return explain(str(error), EXIT_UNAVAILABLE)
    except Problem as error:
        return explain(str(error), EXIT_FAIL)
    except AssayError as error:
        return explain(error.detail, EXIT_FAIL)
    except ValidationError as error:  # of the settings: everything else is turned into an AssayError
        return explain("\n".join(map(_setting, error.errors())), EXIT_USAGE)
    except typer.Abort:
        return explain("stopped", EXIT_FAIL)
    except typer.TyperException as error:
        return explain(error.format_message(), EXIT_USAGE if error.exit_code == TYPER_USAGE else error.exit_code)


def _setting(error: ErrorDetails) -> str:
    """What is wrong with a setting; a message about several begins with their names itself."""
    name = ".".join(map(str, error["loc"])).upper()
    return f"ASSAY_{name}: {error['msg']}" if name else error["msg"].removeprefix("Value error, ")
