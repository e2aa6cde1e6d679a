"""`assay trainer` and `assay training`, against the whole application."""

from __future__ import annotations

import json
import re

import pytest

from app.cli import run, training
from app.client import Assay
from tests.training.conftest import MODEL, PIPELINE, WHERE

URL = "https://93.184.215.14/hook"


@pytest.fixture
def assay(client, version, monkeypatch, capsys):
    """``assay("trainer", "show", ...)``: (exit code, what it printed)."""
    http = client("ci")
    http.base_url = "http://testserver/api/v1/"

    def connected():
        connection = Assay()
        connection._http = http
        return connection

    monkeypatch.setattr(training, "Assay", connected)

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def shown(assay):
    """The trainer, from among the log's lines."""
    said = assay("trainer", "show", PIPELINE)[1]
    return json.JSONDecoder().raw_decode(said[said.index("{\n") :])[0]


def test_from_the_trainer_to_a_request(assay):
    made = assay("trainer", "set", PIPELINE, "--webhook", URL, "--model", MODEL, "--environment", WHERE)
    assert made[0] == 0
    assert "whsec_" in made[1]
    known = shown(assay)
    assert (known["models"], known["cool_down_hours"], known["dry_run"]) == ([MODEL], 24, False)
    code, said = assay("training", "request", PIPELINE, "--reason", "new scale")
    assert (code, "because  test-ci asked: new scale" in said) == (0, True)
    key = re.search(r"tr_[0-9a-f]+", said).group()
    assert key in assay("training", "list", "--status", "pending")[1]
    assert assay("training", "list", "--status", "failed")[1].count("tr_") == 0
    assert "status   pending" in assay("training", "show", key)[1]
    assert assay("training", "show", key, "--wait", "0.01")[0] == 2
    assert assay("trainer", "remove", PIPELINE)[0] == 0
    assert assay("training", "show", key, "--wait", "0.01")[0] == 1
    assert assay("trainer", "show", PIPELINE)[0] == 1


def test_kubeflow_and_github(assay):
    options = ("--kfp-option", "experiment_id=e-3", "--parameter", "rows=10", "--parameter", "name=x")
    assert assay("trainer", "set", PIPELINE, "--kfp", URL, "--kfp-pipeline", "p-1", *options)[0] == 0
    target = shown(assay)["target"]
    assert (target["experiment_id"], target["parameters"]) == ("e-3", {"rows": 10, "name": "x"})
    github = ("--github", "bank/credit", "--workflow", "train.yml", "--api", "https://93.184.215.14")
    assert assay("trainer", "set", PIPELINE, *github)[0] == 1
    assert assay("trainer", "set", PIPELINE, *github, "--token", "ghs_x", "--cause", "on_demand")[0] == 0
    known = shown(assay)
    assert (known["signed_by"], known["causes"]) == ("token", ["on_demand"])
    assert "ghs_x" not in str(known)


@pytest.mark.parametrize("wrong", [(), ("--webhook", URL, "--github", "a/b"), ("--kfp", URL, "--parameter", "x")])
def test_one_way_is_given(assay, wrong):
    assert assay("trainer", "set", PIPELINE, *wrong)[0] == 64
