"""Real repositories of git and DVC, and Kubeflow's published schema, told to the ledger."""

import shutil
from datetime import timedelta

import pytest
import yaml
from sqlmodel import select

from app.connections.importing import dvc, git, kfp
from app.db import utcnow
from app.errors import Invalid
from app.evidence.collecting.kfp import connect
from app.ledger import facts
from app.tables import Model, Pipeline
from tests.connections.conftest import PIPELINE
from tests.connections.messages import REPOSITORY
from tests.evidence.collecting.conftest import assay, pipeline, server, tool
from tests.evidence.collecting.kubeflow import NOW, kubeflow, recurring, run
from tests.evidence.collecting.test_dvc import git as run_git
from tests.gate import planted

__all__ = ["assay", "kubeflow", "pipeline", "server"]

pytestmark = pytest.mark.slow

STAGES = """
stages:
  prepare:
    cmd: cat data/*.csv > clean.csv
    deps: [data, prepare.py]
    outs: [clean.csv]
  train:
    cmd: cp clean.csv model.txt && python train.py
    deps: [clean.csv, held-out.csv]
    params: [train, seed]
    outs: [model.txt]
    metrics: [metrics.json: {cache: false}]
"""
TRAIN = """
import json, pathlib
rows = len(pathlib.Path("clean.csv").read_text().split())
json.dump({"roc_auc": rows / 10, "by": {"north": 1}, "note": "x"}, open("metrics.json", "w"))
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Three commits, of which the first and the last changed dvc.lock; data is under DVC's control."""
    folder = tmp_path_factory.mktemp("dvc")
    run_git(folder, "init", "-q", "-b", "main")
    tool("dvc", "init", "-q", cwd=folder)
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_text("1\n2\n")
    (folder / "held-out.csv").write_text("3\n")
    (folder / "prepare.py").write_text("# how data is prepared\n")
    (folder / "train.py").write_text(TRAIN)
    (folder / "params.yaml").write_text("train: {depth: 3, rates: [0.1, 0.2]}\nseed: 7\n")
    (folder / "dvc.yaml").write_text(STAGES)
    tool("dvc", "add", "-q", "data", "held-out.csv", cwd=folder)
    commit(folder, "Train", "2026-03-01T02:00:00+00:00")
    (folder / "notes.md").write_text("x\n")
    commit(folder, "Note", "2026-03-02T02:00:00+00:00", train=False)
    (folder / "data" / "b.csv").write_text("4\n")
    tool("dvc", "add", "-q", "data", cwd=folder)
    commit(folder, "Train on more", "2026-03-03T02:00:00+00:00")
    return folder


def commit(folder, message, at, *, train=True):
    if train:
        tool("dvc", "repro", "-q", cwd=folder)
    run_git(folder, "add", "-A")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", at)
        run_git(folder, "commit", "-qm", message)


@pytest.fixture
def repository(template, tmp_path):
    return shutil.copytree(template, tmp_path / "repository", symlinks=True)


class TestDVC:
    def test_each_commit_of_the_lock_is_a_run(self, repository):
        newest, first = dvc.Source(repository, "credit-training", "main").events()
        assert [one.at.isoformat() for one in (first, newest)] == [
            "2026-03-01T02:00:00+00:00",
            "2026-03-03T02:00:00+00:00",
        ]
        assert first.parameters == {"train.depth": 3, "train.rates": [0.1, 0.2], "seed": 7}
        assert (first.metrics, newest.metrics) == (
            {"roc_auc": 0.2, "by.north": 1.0},
            {"roc_auc": 0.3, "by.north": 1.0},
        )
        assert {one.name: one.state for one in first.stages} == {"prepare": "succeeded", "train": "succeeded"}
        assert (first.state, first.branch, first.tool, first.orchestrated) == (
            "succeeded",
            "main",
            "dvc",
            False,
        )
        assert first.stages[0].outputs[0].startswith("clean.csv ")

    def test_data_is_what_no_stage_made_and_git_does_not_hold(self, repository):
        newest, first = dvc.Source(repository, "credit-training", "main").events()
        assert first.data_digest != newest.data_digest
        source = dvc.Source(repository, "credit-training", "main", ["data"], "held-out.csv")
        newest, first = source.events()
        lock = yaml.safe_load((repository / "dvc.lock").read_text())
        deps = {one["path"]: one["md5"] for stage in lock["stages"].values() for one in stage["deps"]}
        assert newest.data_digest == deps["data"].removesuffix(".dir")
        assert newest.evaluation_digest == first.evaluation_digest == deps["held-out.csv"]

    def test_a_declared_stage_that_the_lock_lacks_is_unknown(self, repository):
        lock = yaml.safe_load((repository / "dvc.lock").read_text())
        del lock["stages"]["train"]
        (repository / "dvc.lock").write_text(yaml.safe_dump(lock))
        run_git(repository, "commit", "-qam", "Lose the training")
        newest = dvc.Source(repository, "credit-training", "main").events()[0]
        assert (newest.state, {one.name: one.state for one in newest.stages}["train"]) == ("unknown", "unknown")

    def test_what_is_not_there_is_named(self, repository, tmp_path):
        with pytest.raises(Invalid, match="has no branch trunk"):
            dvc.Source(repository, "p", "trunk").events()
        empty = tmp_path / "empty"
        empty.mkdir()
        with pytest.raises(Invalid, match="not a git repository"):
            dvc.Source(empty, "p", "main").events()
        run_git(empty, "init", "-q", "-b", "main")
        run_git(empty, "commit", "-q", "--allow-empty", "-m", "x")
        with pytest.raises(Invalid, match=r"no commit of main holds a dvc\.lock"):
            dvc.Source(empty, "p", "main").events()
        (repository / "dvc.lock").write_text("stages: [")
        run_git(repository, "commit", "-qam", "Break it")
        with pytest.raises(Invalid, match=r"dvc\.lock at [0-9a-f]{12}: not readable"):
            dvc.Source(repository, "p", "main").events()

    def test_from_the_repository_to_the_history(self, repository, pipeline, client, database):
        client("admin").put("/api/v1/pipelines/credit-training", json=PIPELINE)
        arguments = ("ledger", "import", "dvc", repository, "--pipeline", "credit-training")
        assert last_line(pipeline(*arguments)) == (0, "2 recorded")
        assert last_line(pipeline(*arguments)) == (0, "2 known")
        assert last_line(pipeline("ledger", "import", "git", repository, "--repository", REPOSITORY)) == (
            0,
            "3 recorded",
        )
        with database.read() as session:
            history = facts.of_pipeline(session, session.exec(select(Pipeline)).one(), utcnow())
        assert [one.message for one in history.commits] == ["Train", "Note", "Train on more"]
        assert {one.commit for one in history.runs} < {one.commit for one in history.commits}
        then = "2026-03-04T00:00:00Z"
        assert row(client, database, 29, as_of=then) == ("met", "2 runs in DVC, 2 of them succeeded")
        assert row(client, database, 29)[0] == "missing"  # that was long ago


def row(client, database, number, **asked):
    """(status, first proof) of a row of the ledger of credit-default."""
    with database.write() as session:
        if not session.exec(select(Model)).first():
            planted.model(session)
    rows = client("viewer").get("/api/v1/models/credit-default/ledger", params=asked).json()["rows"]
    found = next(one for one in rows if one["number"] == number)
    return found["status"], found["proofs"][0]["text"]


def last_line(answer):
    code, said = answer
    return code, said.splitlines()[-1]


class TestGit:
    def test_the_newest_commits_of_a_branch(self, repository):
        run_git(repository, "switch", "-q", "-c", "side")
        run_git(repository, "commit", "-q", "--allow-empty", "-m", "Beside\n\nAt length")
        found = git.events(repository, REPOSITORY, "main", 2)
        assert [(one.message, one.author, one.branch) for one in found] == [
            ("Train on more", "a", "main"),
            ("Note", "a", "main"),
        ]
        assert git.events(repository, REPOSITORY, "side", 1)[0].message == "Beside"

    def test_the_forges_webhook_tells_of_the_same_commit(self, repository):
        (commit,) = git.events(repository, REPOSITORY, "main", 1)
        assert commit.id == f"{REPOSITORY}:main:{commit.commit}"


class TestKubeflow:
    def told(self, server, **options):
        with connect(server.url) as reader:
            found = kfp.events(reader, "p-1", "credit-training", **options)
        return {one.run: one for one in found if one.kind == "pipeline_run"}, [
            one for one in found if one.kind == "component"
        ]

    def test_runs_and_what_starts_them(self, kubeflow):
        import kfp_server_api as api

        config = api.V2beta1RuntimeConfig(parameters={"rate": 0.1, "layers": [64, 32]})
        server = kubeflow(
            run(1, recurring_run_id="daily", runtime_config=config),
            run(2, "RUNNING", tasks=(("extract", "RUNNING"),)),
            run(3, "CANCELED"),
            run(4, "FAILED", tasks=(("train", "FAILED"), ("notify", "SKIPPED"))),
            run(5, pipeline="another"),
            recurring_runs=[recurring("daily"), recurring("other", pipeline="another")],
        )
        runs, (component,) = self.told(server)
        assert {name: (one.state, one.trigger) for name, one in runs.items()} == {
            "r1": ("succeeded", "schedule"),
            "r2": ("running", "unknown"),
            "r3": ("cancelled", "unknown"),
            "r4": ("failed", "unknown"),
        }
        assert runs["r1"].parameters == {"rate": 0.1, "layers": "[64, 32]"}
        assert {one.name: one.state for one in runs["r4"].stages}["notify"] == "cancelled"
        assert (runs["r1"].at, runs["r2"].at) == (NOW - timedelta(minutes=20), NOW - timedelta(hours=2))
        assert all(one.orchestrated and one.orchestrator == "kfp" for one in runs.values())
        assert (component.component, component.reachable) == ("orchestrator", True)
        assert component.detail == "daily 0 2 * * * enabled"
        assert component.last_activity_at == NOW - timedelta(hours=1)

    def test_the_same_again_is_the_same(self, kubeflow):
        server = kubeflow(run(1), recurring_runs=[recurring("daily")])
        with connect(server.url) as reader:
            assert kfp.events(reader, "p-1", "p") == kfp.events(reader, "p-1", "p")
        assert self.told(server, trigger="ci")[0]["r1"].trigger == "ci"

    def test_nothing_of_the_pipeline_is_no_sign_of_its_orchestrator(self, kubeflow):
        assert self.told(kubeflow(run(1, pipeline="another"))) == ({}, [])

    def test_from_the_answers_to_the_ledger(self, kubeflow, pipeline, client, database):
        client("admin").put("/api/v1/pipelines/credit-training", json=PIPELINE)
        server = kubeflow(run(1), run(2), recurring_runs=[recurring("daily")])
        arguments = ("ledger", "import", "kfp", "--url", server.url, "--pipeline-id", "p-1")
        assert last_line(pipeline(*arguments, "--pipeline", "credit-training")) == (0, "3 recorded")
        server.runs[0].state, server.runs[0].finished_at = "FAILED", NOW - timedelta(minutes=1)  # it was retried
        assert last_line(pipeline(*arguments, "--pipeline", "credit-training")) == (0, "2 known, 1 recorded")
        assert last_line(pipeline(*arguments, "--pipeline", "another")) == (0, "3 set aside")
        assert row(client, database, 31) == ("met", "2 runs in Kubeflow Pipelines, 1 of them succeeded")
