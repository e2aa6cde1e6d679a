"""`assay evidence collect git|github|gitlab` and lock files, on the command line against the whole application."""

from __future__ import annotations

import json

import pytest
import yaml

from app.cli import evidence, run
from app.client import Assay
from app.evidence.kinds import KINDS
from tests.catalog.releases import predictions_only, register, upload
from tests.evidence import forge_server as forge
from tests.evidence.every_kind import files
from tests.evidence.repositories import repository

LOGGED = '{"@timestamp"'
TO = ("--push", "--model", "tumour-malignancy", "--version", "1.0.0")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A checkout with its manifest, in which the command line runs."""
    made = repository(tmp_path / "made")
    manifest, _ = predictions_only(tmp_path, code={"feature_paths": ["features"]}, version__commit=None)
    (made.folder / "assay.yaml").write_text(yaml.safe_dump(manifest))
    made.commit("first", features__shape="'mean radius'\n")
    monkeypatch.chdir(made.folder)
    monkeypatch.delenv("ASSAY_COMMIT", raising=False)
    return made


@pytest.fixture
def assay(client, made, monkeypatch, capsys, tmp_path):
    """``assay("evidence", ...)``: (exit code, what it printed), with the version registered from the checkout."""
    http = client("ci")
    http.base_url = "http://testserver/api/v1/"
    commit = made.git("rev-parse", "HEAD")
    manifest, files = predictions_only(tmp_path, code={"feature_paths": ["features"]}, version__commit=commit)
    http_at_root = client("ci")
    assert register(http_at_root, manifest, files).status_code == 201

    def connected():
        connection = Assay()
        connection._http = http
        connection.__class__ = type("Kept", (Assay,), {"__exit__": lambda *_: None})
        return connection

    monkeypatch.setattr(evidence, "Assay", connected)

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        lines = (captured.out + captured.err).splitlines(keepends=True)
        return code, "".join(line for line in lines if not line.startswith(LOGGED))  # the service logs here too

    return call


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_every_kind_on_the_command_line_and_in_one_call(assay, made, client, tmp_path, kind):
    commit, other = made.git("rev-parse", "HEAD"), "0" * 40
    path = tmp_path / (f"{kind}.parquet" if kind == "recomputed-features" else kind)
    path.write_bytes(files(commit)[kind])
    code, said = assay("evidence", "push", str(path), "--kind", kind, *TO[1:])
    assert (code, said.splitlines()[0]) == (0, f"evidence 1: {kind} for tumour-malignancy@1.0.0")
    http = client("ci")
    body = {"kind": kind, "commit": commit, **upload(http, path)}
    answer = http.post("/api/v1/models/tumour-malignancy/versions/1.0.0/evidence", json=body).json()
    assert (answer["id"], answer["kind"], answer["commit"], answer["cap"]) == (1, kind, commit, None)
    path.write_bytes(files(other)[kind])
    code, said = assay("evidence", "push", str(path), "--kind", kind, "--commit", other, *TO[1:])
    assert code == 1
    assert commit in said
    assert other in said


def test_git_to_standard_output_a_file_and_the_service(assay, made, tmp_path):
    code, said = assay("evidence", "collect", "git")
    assert code == 0
    commit = made.git("rev-parse", "HEAD")
    assert json.loads(said)["commit"] == commit
    file = tmp_path / "git.json"
    assert assay("evidence", "collect", "git", "-o", str(file)) == (0, "")
    found = {one["feature"]: one.get("commit") for one in json.loads(file.read_text())["features"]}
    assert found == {"mean radius": commit, "mean texture": None}
    code, said = assay("evidence", "collect", "git", *TO)
    assert (code, said) == (0, "evidence 1: git for tumour-malignancy@1.0.0\n")
    made.commit("another")
    code, said = assay("evidence", "push", str(file), "--kind", "git", *TO[1:])
    assert code == 0, said  # it names its own commit, whatever is checked out now
    code, said = assay("evidence", "collect", "git", *TO)
    assert code == 1
    assert commit in said
    assert made.git("rev-parse", "HEAD") in said


def test_github_and_gitlab(assay, made, monkeypatch):
    commit = made.git("rev-parse", "HEAD")
    for name, planted, where in (
        ("github", forge.github(), ("--repository", "o/r")),
        ("gitlab", forge.gitlab(), ("--project", "g/p")),
    ):
        monkeypatch.setenv(f"{name.upper()}_TOKEN", "very-secret")
        answers = {path.replace(forge.MERGE, commit): answer for path, answer in planted.items()}
        with forge.serving(answers) as server:
            code, said = assay("evidence", "collect", name, *where, "--url", server.url)
            assert code == 0, said
            assert json.loads(said)["changes"][0]["reviews"][0]["reviewer"] == "bo"
            assert any("very-secret" in " ".join(headers.values()) for _, headers in server.requests)
            code, pushed = assay("evidence", "collect", name, *where, "--url", server.url, *TO)
            assert "review for tumour-malignancy@1.0.0" in pushed
        assert "very-secret" not in said + pushed


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["collect", "git", "--push"], 64, "--push needs --model and --version"),
        (["collect", "git", "-f", "nowhere.yaml"], 1, "nowhere.yaml: No such file"),
        (["collect", "git", "--checkout", "/"], 1, "not a git repository"),
        (["collect", "github", "--repository", "o/r", "--commit", "abc"], 1, "give the full commit"),
        (["collect", "github"], 64, "repository"),
        (["push", "assay.yaml", "--kind", "junit", *TO[1:], "--environment", "production"], 64, "goes with --kind"),
        (["push", "assay.yaml", "--kind", "lock-file", *TO[1:]], 1, "not a lock file"),
    ],
)
def test_what_cannot_be_is_said(assay, arguments, code, words):
    got, said = assay("evidence", *arguments)
    assert (got, words in said) == (code, True), said


def test_a_lock_file_is_shown_and_watched_where_it_is_installed(assay, made, client, tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("alpha==1.2 --hash=sha256:aa\nbeta==0.3\n")
    push = ("evidence", "push", str(path), "--kind", "lock-file", *TO[1:])
    code, said = assay(*push)
    assert code == 0
    assert "2 packages (pip), 1 without a hash; sha256:" in said
    assert client("viewer").get("/api/v1/dependencies").json()["items"] == []
    assert "requirements.txt in production: first seen" in assay(*push, "--environment", "production")[1]
    path.write_text("# made anew\nbeta==0.3\nalpha==1.2 --hash=sha256:aa\n")
    assert "production: unchanged" in assay(*push, "--environment", "production")[1]
    path.write_text("beta==0.4\nalpha==1.2 --hash=sha256:aa\n")
    assert "production: changed" in assay(*push, "--environment", "production")[1]
    newest = client("viewer").get("/api/v1/dependencies").json()["items"][0]
    assert (newest["kind"], newest["name"], newest["alert_id"] is not None) == (
        "lock_file",
        "requirements.txt",
        True,
    )
