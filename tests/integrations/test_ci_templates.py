"""What is offered to CI systems: valid by published schemas, and carried out against a real service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from pygments.lexers import GroovyLexer
from pygments.token import Token

from app.config import ROOT
from tests.gate import planted
from tests.gate.test_check_command import nowhere

__all__ = ["nowhere"]

pytestmark = pytest.mark.slow

INTEGRATIONS = ROOT / "integrations"
ACTION = yaml.safe_load((INTEGRATIONS / "github-action" / "action.yml").read_text())
GITLAB = yaml.safe_load((INTEGRATIONS / "gitlab" / "assay-gate.gitlab-ci.yml").read_text())
JENKINS = (INTEGRATIONS / "jenkins" / "Jenkinsfile").read_text()
NAME = "credit-default@1.0.0"
ANSWERS = [({}, 0), ({"INFRA_4": "fail"}, 1), ({"INFRA_4": "inconclusive"}, 2)]
WORDS = {0: "pass", 1: "fail", 2: "unknown"}


@pytest.fixture
def stored(database):
    """``stored(DATA_1="fail")``: evidence of a version, planted as the gate's own tests do."""
    _, version = planted.registered(database)

    def plant(**verdicts):
        with database.write() as session:
            planted.admissible(session, version, **verdicts)

    return plant


@pytest.fixture
def shell(tmp_path, secret):
    """``shell(script, url, **variables)``: run it as CI does, with ``assay`` and a token of the role ci; a list is
    a command without a shell.
    """
    token = secret("ci")

    def run(script, url, *options, **variables):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {"PATH": path, "HOME": str(tmp_path), "ASSAY_URL": url, "ASSAY_TOKEN": token, **variables}
        command = ["bash", *options, "-c", script] if isinstance(script, str) else script
        return subprocess.run(
            command,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def vendored(name):
    """A schema that check-jsonschema carries: SchemaStore's of GitHub, GitLab's own."""
    return json.loads((files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json").read_text())


# --- GitHub ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "schema"), [("action", "github-actions"), ("example", "github-workflows")])
def test_the_action_and_its_example_are_what_github_takes(name, schema):
    written = (INTEGRATIONS / "github-action" / f"{name}.yml").read_text()
    as_github_reads = yaml.safe_load(re.sub(r"(?m)^on:", '"on":', written))
    jsonschema.Draft7Validator(vendored(schema)).validate(as_github_reads)


def test_zizmor_finds_nothing_in_them():
    command = [Path(sys.executable).parent / "zizmor", "--offline", "--persona=pedantic", "--quiet", "."]
    found = subprocess.run(
        command, cwd=INTEGRATIONS / "github-action", capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_no_script_has_an_expression_in_its_text():
    scripts = [step["run"] for step in ACTION["runs"]["steps"]]
    assert len(scripts) == 3
    assert not [script for script in scripts if "${{" in script]


def test_the_example_gives_what_the_action_takes():
    example = yaml.safe_load((INTEGRATIONS / "github-action" / "example.yml").read_text())
    given = example["jobs"]["gate"]["steps"][0]["with"]
    assert given.keys() <= ACTION["inputs"].keys()
    assert {name for name, spec in ACTION["inputs"].items() if spec["required"]} <= given.keys()


@pytest.fixture
def action(shell, tmp_path):
    """``action(step, url, **inputs)``: a step of the action with the environment that GitHub would make."""

    def run(number, url, event=None, **inputs):
        step = ACTION["runs"]["steps"][number]
        known = {name: spec.get("default", "") for name, spec in ACTION["inputs"].items()} | inputs | {"url": url}
        values = {f"inputs.{name}": value for name, value in known.items()} | (event or {})
        values["github.action_path"] = str(INTEGRATIONS / "github-action")
        variables = {
            name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: values.get(found[1], ""), text)
            for name, text in step["env"].items()
            if name != "ASSAY_TOKEN"
        }
        given = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        answer = shell(step["run"], url, "--noprofile", "--norc", "-eo", "pipefail", **given | variables)
        outputs = (tmp_path / "GITHUB_OUTPUT").read_text() if (tmp_path / "GITHUB_OUTPUT").exists() else ""
        return answer, dict(line.split("=", 1) for line in outputs.splitlines())

    return run


@pytest.mark.parametrize(("verdicts", "code"), ANSWERS)
def test_the_action_answers(server, action, stored, tmp_path, verdicts, code):
    stored(**verdicts)
    answer, outputs = action(1, server.url, model=NAME, environment="production")
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert outputs == {
        "status": WORDS[code],
        "exit-code": str(code),
        "decision-id": "1",
        "reports": "assay-reports",
    }
    assert answer.stdout.startswith("::notice title=PASS" if code == 0 else "::error title=")
    assert WORDS[code].upper() in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    written = {path.name for path in (tmp_path / "assay-reports").iterdir()}
    assert written == {"gate.json", "gate.xml", "gate.sarif", "gate.md"}


def test_the_action_tells_that_nobody_answered(nowhere, action):
    answer, outputs = action(1, nowhere, model=NAME, environment="production")
    assert (answer.returncode, outputs["status"], outputs["decision-id"]) == (3, "unknown", "")


@pytest.mark.parametrize(
    "model", ["--version", "-h", '"; touch owned; "', "$(touch owned)", "`touch owned`", "a@1\nx=y"]
)
def test_no_input_is_an_option_or_a_command(server, action, tmp_path, model):
    answer, outputs = action(1, server.url, model=model, environment=model, reports="a\nstatus=pass")
    assert answer.returncode == 64
    assert outputs["status"] == "unknown"
    assert not (tmp_path / "owned").exists()


class Forge(BaseHTTPRequestHandler):
    """Comments of one issue, as GitHub's REST API keeps them."""

    comments: list[dict]

    def do_GET(self):
        page = int(re.search(r"&page=(\d+)", self.path)[1])
        self._answer(self.comments[(page - 1) * 100 : page * 100])

    def do_POST(self):
        assert self.path == "/repos/o/r/issues/7/comments"
        self.comments.append({"id": len(self.comments) + 1, **self._body()})
        self._answer(self.comments[-1], 201)

    def do_PATCH(self):
        number = int(self.path.rpartition("/")[2])
        self.comments[number - 1].update(self._body())
        self._answer(self.comments[number - 1])

    def log_message(self, *_):
        pass

    def _body(self):
        assert self.headers["Authorization"] == "Bearer ghs_x"
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, value, status=200):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def forge(comments):
    handler = type("Handler", (Forge,), {"comments": comments})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_one_comment_is_written_and_then_kept_up_to_date(shell, tmp_path):
    comments = [{"id": number, "body": "hello"} for number in range(1, 121)]
    marker = "<!-- assay-gate credit-default production/admit -->"
    with forge(comments) as api:
        for text in ("first", "second", "third " + "long line\n" * 9000):
            (tmp_path / "gate.md").write_text(f"{marker}\n{text}")
            given = {"GITHUB_API_URL": api, "GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "ghs_x", "NUMBER": "7"}
            script = f"python3 {INTEGRATIONS}/github-action/comment.py gate.md"
            answer = shell(script, "", **given)
            assert answer.returncode == 0, answer.stderr
            assert len(comments) == 121
            assert comments[120]["body"].startswith(f"{marker}\n{text[:6]}")
    assert len(comments[120]["body"]) < 65_536
    assert comments[120]["body"].endswith("the job's summary has it all.")


# --- GitLab ---------------------------------------------------------------------------------------


def test_the_template_is_what_gitlab_takes():
    jsonschema.Draft7Validator(vendored("gitlab-ci")).validate(GITLAB)
    assert not jsonschema.Draft7Validator(vendored("gitlab-ci")).is_valid({"a": {"script": ["x"], "when": "once"}})


@pytest.mark.parametrize(("verdicts", "code"), ANSWERS)
def test_the_gitlab_job_answers(server, shell, stored, tmp_path, verdicts, code):
    stored(**verdicts)
    job = GITLAB["assay-gate"]
    variables = {**job["variables"], "ASSAY_MODEL": NAME, "ASSAY_URL": server.url}
    answer = shell("\n".join([*job["before_script"], *job["script"]]), server.url, "-eo", "pipefail", **variables)
    assert answer.returncode == code, answer.stdout + answer.stderr
    suite = ET.parse(tmp_path / job["artifacts"]["reports"]["junit"]).getroot()
    assert (suite.get("failures") != "0", suite.get("errors") != "0") == (code == 1, code == 2)
    assert all((tmp_path / name).exists() for name in job["artifacts"]["paths"])


# --- Jenkins --------------------------------------------------------------------------------------


def test_the_jenkinsfile_reads_as_groovy_with_every_bracket_closed():
    tokens = list(GroovyLexer().get_tokens(JENKINS))
    assert not [text for kind, text in tokens if kind is Token.Error]
    opened = []
    for kind, text in tokens:
        for mark in text if kind in Token.Operator or kind in Token.Punctuation else "":
            if mark in "([{":
                opened.append(mark)
            elif mark in ")]}":
                assert opened.pop() + mark in {"()", "[]", "{}"}
    assert opened == []


def jenkins_stage(shell, url, **variables):
    """The shell script of the stage, as an agent runs it."""
    known = dict(re.findall(r"(ASSAY_\w+) = '([^']*)'", JENKINS)) | {"ASSAY_MODEL": NAME, "ASSAY_URL": url}
    script = re.search(r"script: '''(.*?)'''", JENKINS, re.DOTALL)[1].replace("\\\\\n", "\\\n")
    return shell(script, url, "-e", **known | variables)


@pytest.mark.parametrize(("verdicts", "code"), ANSWERS)
def test_the_script_of_the_jenkins_stage_answers(server, shell, stored, tmp_path, verdicts, code):
    stored(**verdicts)
    answer = jenkins_stage(shell, server.url)
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert (tmp_path / "assay-gate.xml").exists()
