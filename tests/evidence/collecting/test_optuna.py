"""Optuna's own library makes a study in SQLite, assay reads it from there."""

import json

import optuna
import pytest

from app.errors import Invalid
from app.evidence import trials as form
from app.evidence.collecting import optuna as collector
from app.evidence.trials import ParameterForm
from tests.catalog.releases import upload

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    """Best at depth 5, rate 0.1 and solver b: 0.9."""
    depth = trial.suggest_int("depth", 1, 12)
    rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
    solver = trial.suggest_categorical("solver", ["a", "b", None])
    if depth == 12:
        raise RuntimeError("out of memory")
    trial.report(0.5, 0)
    if depth == 1:
        raise optuna.TrialPruned
    if depth == 11:
        return float("nan")
    return 0.9 - 0.01 * abs(depth - 5) - abs(rate - 0.1) / 10 - (0 if solver == "b" else 0.05)


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'optuna.sqlite3'}"


@pytest.fixture
def study(storage):
    sampler = optuna.samplers.RandomSampler(seed=28)
    study = optuna.create_study(storage=storage, study_name="depths", direction="maximize", sampler=sampler)
    study.enqueue_trial({"depth": 5, "rate": 0.1, "solver": "b"})
    study.optimize(objective, n_trials=60, catch=(RuntimeError,))
    study.ask()  # stays running
    return study


def test_a_study_is_read_as_optuna_itself_tells_it(study, storage):
    document = collector.trials(collector.load(storage, "depths"))
    recorded = {str(one.number): one for one in study.get_trials()}
    assert document.source.model_dump() == {"tool": "optuna", "name": "depths"}
    assert document.direction == "maximize"
    assert document.trials[0].parameters == {"depth": 5, "rate": 0.1, "solver": "b"}
    assert {one.id: one.parameters for one in document.trials} == {n: one.params for n, one in recorded.items()}
    complete = {one.id: one.value for one in document.trials if one.state == "complete"}
    assert complete == {n: one.value for n, one in recorded.items() if one.state.name == "COMPLETE"}
    assert max(complete.values()) == study.best_value
    states = [one.state for one in document.trials]
    assert {state: states.count(state) for state in set(states)} == {
        "complete": len(complete),
        "pruned": sum(one.state.name == "PRUNED" for one in recorded.values()),
        "failed": sum(one.state.name == "FAIL" for one in recorded.values()),
        "running": 1,
    }
    assert {one.params["depth"] for one in recorded.values() if one.state.name == "FAIL"} == {11, 12}
    assert form.parse(document.written()) == document


def test_ranges_come_from_the_study_and_limits_from_the_caller(study):
    known = {one.name: one for one in collector.trials(study, [ParameterForm(name="depth", least=1)]).parameters}
    assert known["depth"] == ParameterForm(name="depth", low=1, high=12, least=1)
    assert known["rate"] == ParameterForm(name="rate", low=1e-3, high=1.0, log=True)
    assert known["solver"] == ParameterForm(name="solver")


def test_a_journal_is_a_storage_too(tmp_path):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = str(tmp_path / "journal.log")
    study = optuna.create_study(storage=JournalStorage(JournalFileBackend(path)), study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    document = collector.trials(collector.load(path, "s"))
    assert (document.direction, len(document.trials)) == ("minimize", 2)


def test_what_cannot_be_judged_is_refused(storage, study):
    with pytest.raises(Invalid, match="there is no study 'depth' in"):
        collector.load(storage, "depth")
    several = optuna.create_study(directions=["minimize", "maximize"])
    with pytest.raises(Invalid, match="2 objectives"):
        collector.trials(several)


def test_from_the_study_to_the_finding(study, storage, pipeline, registered, finding):
    registered(version__tunables={"depth": 5, "rate": 0.1, "solver": "b"})
    assert finding("MODEL-3")["verdict"] == "inconclusive"
    code, said = pipeline(
        *("evidence", "collect", "optuna", "--storage", storage, "--study", "depths"),
        *("--push", "--model", "tumour-malignancy", "--version", "1.0.0"),
    )
    assert code == 0, said
    assert said.endswith("evidence 1: trials for tumour-malignancy@1.0.0\n")
    found = finding("MODEL-3")
    assert found["verdict"] == "pass", found["reason"]
    assert found["cap"] is None
    assert "in optuna's depths; all of depth, rate, solver were varied" in found["reason"]


def test_what_a_person_typed_is_capped(study, storage, assay, registered, finding, client, tmp_path):
    code, _ = assay(
        *("evidence", "collect", "optuna", "--storage", storage, "--study", "depths"),
        *("--limit", "depth=1:", "--output", "trials.json"),
    )
    assert code == 0
    document = json.loads((tmp_path / "trials.json").read_text())
    assert document["parameters"][0] == {"name": "depth", "low": 1.0, "high": 12.0, "least": 1.0}
    registered(version__tunables={"depth": 5, "rate": 0.1, "solver": "b"})
    owner = client("owner")
    body = {"kind": "trials", "commit": "3f2a91c", **upload(owner, tmp_path / "trials.json")}
    assert owner.post("/api/v1/models/tumour-malignancy/versions/1.0.0/evidence", json=body).status_code == 201
    found = finding("MODEL-3")
    assert (found["verdict"], found["cap"]) == ("pass", "handed in by test-owner, who does not have the ci role")


@pytest.mark.parametrize("limit", ["depth", "depth=1", "=1:2", "depth=a:b", "depth=3:1"])
def test_a_limit_that_is_none_is_a_usage_error(assay, limit):
    code, said = assay("evidence", "collect", "optuna", "--storage", "x", "--study", "s", "--limit", limit)
    assert code == 64
    assert "NAME=LEAST:MOST" in said


def test_pushing_needs_a_version(assay):
    code, said = assay("evidence", "collect", "optuna", "--storage", "x", "--study", "s", "--push")
    assert (code, "--push needs --model and --version" in said) == (64, True)
