"""A real DVC repository, run by DVC itself; assay reads its files."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from app.errors import Invalid
from app.evidence.collecting import dvc as collector
from tests.evidence.collecting.conftest import tool

pytestmark = pytest.mark.slow

STAGES = """
stages:
  prepare:
    cmd: mkdir -p out/deep && cp data/a out/a && cp data/b.csv out/deep/b.csv
    deps: [data]
    outs: [out]
  train:
    cmd: cat out/a > model.txt && echo '{"auc":0.9,"by":{"north":1}}' > metrics.json
    deps: [out]
    params: [train.depth, train]
    outs: [model.txt]
    metrics: [metrics.json: {cache: false}]
  evaluate:
    foreach: [one, two]
    do:
      cmd: echo ${item} > ${item}.txt
      deps: [model.txt]
      outs: ["${item}.txt"]
"""
GIT = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def git(folder, *arguments):
    subprocess.run(["git", *GIT, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A repository in which ``dvc repro`` ran, committed an hour ago."""
    folder = tmp_path_factory.mktemp("dvc")
    git(folder, "init", "-q", "-b", "main")
    tool("dvc", "init", "-q", cwd=folder)
    (folder / "data").mkdir()
    (folder / "data" / "a").write_text("1\n")
    (folder / "data" / "b.csv").write_text("x\n2\n")
    (folder / "params.yaml").write_text("train: {depth: 3, rate: 0.1}\n")
    (folder / "dvc.yaml").write_text(STAGES)
    tool("dvc", "repro", "-q", cwd=folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "run")
    return folder


@pytest.fixture
def repository(template, tmp_path):
    return shutil.copytree(template, tmp_path / "repository", symlinks=True)


def collected(folder, **options):
    (run,) = collector.pipeline_runs(folder, "training", **options).runs
    return run, {stage.name: (stage.state, stage.detail) for stage in run.stages}


def test_a_pipeline_that_ran_is_whole(repository):
    run, stages = collected(repository)
    assert stages == dict.fromkeys(("prepare", "train", "evaluate"), ("succeeded", ""))
    assert (run.state, run.trigger, run.orchestrated) == ("succeeded", "unknown", False)
    assert run.metrics == {"metrics.json:auc": 0.9, "metrics.json:by.north": 1.0}


@pytest.mark.parametrize(
    ("change", "stage", "state", "words"),
    [
        (lambda r: (r / "data" / "a").write_text("9\n"), "prepare", "failed", "data is another than when it ran"),
        (lambda r: (r / "data" / "new").write_text("9\n"), "prepare", "failed", "data is another"),
        (lambda r: (r / "model.txt").unlink(), "train", "unknown", "model.txt is not here; `dvc pull`"),
        (lambda r: edit(r, "depth: 3", "depth: 4", "params.yaml"), "train", "failed", "the parameter train"),
        (lambda r: edit(r, "cp data/a out/a", "cp data/a out/c"), "prepare", "failed", "its command changed"),
        (lambda r: edit(r, "outs: [model.txt]", "outs: [model.txt, x]"), "train", "failed", "x was declared since"),
        (lambda r: edit(r, "[one, two]", "[one, three]"), "evaluate", "failed", "not have evaluate@three"),
        (
            lambda r: edit(r, "stages:", "stages:\n  publish: {cmd: touch p, outs: [p]}"),
            "publish",
            "failed",
            "dvc.lock does not have publish",
        ),
    ],
)
def test_what_changed_since_is_named(repository, change, stage, state, words):
    change(repository)
    run, stages = collected(repository)
    assert stages[stage][0] == state == run.state
    assert words in stages[stage][1]


@pytest.mark.parametrize("change", [("data/a", "9\n"), ("params.yaml", "train: {depth: 9, rate: 0.1}\n")])
def test_dvc_itself_agrees_before_and_after(repository, change):
    assert yaml.safe_load(tool("dvc", "status", "--json", cwd=repository)) == {}
    (repository / change[0]).write_text(change[1])
    told = yaml.safe_load(tool("dvc", "status", "--json", cwd=repository))
    _, stages = collected(repository)
    assert set(told) == {name for name, (state, _) in stages.items() if state == "failed"}


def edit(folder, old, new, name="dvc.yaml"):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_when_it_ran_is_when_the_lock_changed(repository):
    committed = subprocess.run(
        ["git", "log", "-1", "--format=%cI"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    (repository / "dvc.lock").touch()
    assert collected(repository)[0].finished_at == datetime.fromisoformat(committed)
    edit(repository, "data/b.csv out", "data/b.csv  out")
    tool("dvc", "repro", "-q", cwd=repository)
    now = datetime.now(UTC)
    assert timedelta(0) <= now - collected(repository)[0].finished_at < timedelta(minutes=5)
    assert collected(repository, finished_at=now)[0].finished_at == now


def test_without_git_the_file_tells_when(tmp_path, repository):
    shutil.rmtree(repository / ".git")
    run, _ = collected(repository)
    assert run.finished_at.timestamp() == pytest.approx((repository / "dvc.lock").stat().st_mtime, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("dvc.lock", None, "dvc.lock: there is no such file; run `dvc repro` there"),
        ("dvc.yaml", "stages: [", "dvc.yaml: not readable"),
        ("dvc.yaml", "stages: {}", "declare no stages"),
        ("dvc.lock", "- a", "declare no stages"),
    ],
)
def test_what_is_no_pipeline_is_refused(repository, name, content, words):
    (repository / name).unlink()
    if content is not None:
        (repository / name).write_text(content)
    with pytest.raises(Invalid, match=words):
        collected(repository)


def test_from_the_repository_to_the_finding(repository, pipeline, registered, finding):
    stages = ["prepare", "train", "evaluate"]
    registered(version__pipeline={"name": "training", "stages": stages, "cadence_days": 7})
    arguments = ("evidence", "collect", "dvc", "--folder", repository, "--pipeline", "training")
    push = ("--push", "--model", "tumour-malignancy", "--version", "1.0.0")
    assert pipeline(*arguments, *push)[0] == 0
    found = finding("INFRA-3")
    assert (found["verdict"], found["cap"]) == ("pass", None), found["reason"]
    assert "handed in by CI, which ran it" in found["reason"]
    assert pipeline(*arguments, *push, "--finished-at", "2026-01-01")[0] == 0
    assert "where 7 are declared" in finding("INFRA-3")["reason"]
    edit(repository, "depth: 3", "depth: 4", "params.yaml")
    assert pipeline(*arguments, *push)[0] == 0
    assert "not all declared stages succeeded: train failed" in finding("INFRA-3")["reason"]
