"""GitHub's published examples, which hold to its published schemas, as events of the ledger."""

from contextlib import suppress

import jsonschema
import pytest
from pydantic import ValidationError

from app.connections import github
from app.connections.translating import Ignored, translated
from app.errors import Invalid
from tests.connections.messages import REPOSITORY, SHA, example, schema

EVENTS = [name for name in github.TRANSLATORS if name != "registry_package"]
DIGEST = "sha256:" + "5e" * 32


def read(event, body):
    return translated("GitHub", github.TRANSLATORS, event, body)


def told(event, number=0, **changes):
    """The events of an example with these changes, which its schema still allows."""
    body = example(event, number, **changes)
    jsonschema.validate(body, schema(event))
    return read(event, body)


def one(event, number=0, **changes):
    (found,) = told(event, number, **changes)
    return found.model_dump(mode="json", exclude_defaults=True) | {"kind": found.kind}


@pytest.mark.parametrize("event", EVENTS)
def test_the_examples_hold_to_the_schemas(event):
    jsonschema.validate(example(event), schema(event))


def test_a_push_is_its_commits():
    assert one("push") == {
        "kind": "commit",
        "id": f"{REPOSITORY}:master:6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "at": "2019-05-15T15:19:25Z",
        "repository": REPOSITORY,
        "commit": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "branch": "master",
        "author": "Codertocat",
        "message": "Initial commit",
    }


def test_every_commit_of_a_push_is_told_once():
    commits = example("push")["commits"] * 3
    for number, commit in enumerate(commits):
        commits[number] = {**commit, "id": f"{number}" * 40, "message": f"Change {number}\n\nAt length."}
    found = told("push", commits=commits, head_commit=commits[2], ref="refs/heads/feature/x")
    assert [(event.commit[0], event.branch, event.message) for event in found] == [
        (str(number), "feature/x", f"Change {number}") for number in range(3)
    ]


def test_tags_and_deleted_refs_are_no_commits():
    with pytest.raises(Ignored, match=r"refs/tags/v1"):
        told("push", ref="refs/tags/v1")
    with pytest.raises(Ignored, match="was deleted"):
        told("push", 1)


@pytest.mark.parametrize(
    ("action", "status", "conclusion", "state"),
    [
        ("requested", "queued", None, "queued"),
        ("in_progress", "in_progress", None, "running"),
        ("completed", "completed", "success", "succeeded"),
        ("completed", "completed", "neutral", "succeeded"),
        ("completed", "completed", "failure", "failed"),
        ("completed", "completed", "timed_out", "failed"),
        ("completed", "completed", "cancelled", "cancelled"),
        ("completed", "completed", "skipped", "cancelled"),
        ("completed", "completed", "action_required", "unknown"),
    ],
)
def test_a_workflow_run_is_a_run_of_ci(action, status, conclusion, state):
    changes = {"status": status, "conclusion": conclusion, "head_sha": SHA, "updated_at": "2026-03-01T02:09:00Z"}
    changes = {f"workflow_run__{key}": value for key, value in changes.items()}
    found = one("workflow_run", 1, action=action, **changes)
    assert (found["state"], found["commit"], found["branch"]) == (state, SHA, "master")
    assert (found["at"], found["run"]) == (
        "2026-03-01T02:09:00Z",
        str(example("workflow_run", 1)["workflow_run"]["id"]),
    )
    assert found["url"].startswith("https://github.com/")


@pytest.mark.parametrize(("number", "state"), [(0, "queued"), (1, "running"), (2, "running")])
def test_a_job_tells_that_its_run_is_at_work(number, state):
    """Not even one that failed ends its run."""
    body = example("workflow_job", number)["workflow_job"]
    found = one("workflow_job", number)
    assert (found["state"], found["run"], found["commit"]) == (state, str(body["run_id"]), body["head_sha"])


def test_checks_of_other_apps_are_runs_of_ci_and_those_of_actions_are_told_by_their_workflows():
    suite = one("check_suite", check_suite__id=118578147)
    assert (suite["run"], suite["state"]) == ("check-suite-118578147", "succeeded")
    check = one("check_run", check_run__check_suite__id=118578147)
    assert (check["run"], check["state"]) == ("check-suite-118578147", "running")
    assert check["id"] != suite["id"]
    for event in ("check_suite", "check_run"):
        with pytest.raises(Ignored, match="the workflow runs are read"):
            told(event, 1)


def test_a_merged_pull_request_is_a_commit_of_its_base():
    merged = {
        "merged": True,
        "merged_at": "2026-03-01T02:00:00Z",
        "merge_commit_sha": SHA,
        "merged_by": example("pull_request")["pull_request"]["user"],
    }
    found = one("pull_request", **{f"pull_request__{key}": value for key, value in merged.items()})
    assert (found["commit"], found["branch"], found["at"]) == (SHA, "master", "2026-03-01T02:00:00Z")
    assert found["author"] == "Codertocat"
    with pytest.raises(Ignored, match="is not merged: closed"):
        told("pull_request")


def test_a_package_is_what_was_built_of_a_commit():
    found = one("package", package__package_version__name=DIGEST)
    assert found["packages"] == [{"name": "hello-world-npm", "digest": DIGEST}]
    assert (found["commit"], found["state"]) == ("6c62fb45fe66bfb1ea9a66abc38f6a0cc974292b", "succeeded")
    body = example("package")
    renamed = {"registry_package": body.pop("package"), **body}
    (again,) = read("registry_package", renamed)
    assert again.id == found["id"]
    with pytest.raises(Ignored, match="does not tell which commit"):
        told("package", package__package_version__target_oid="master")
    with pytest.raises(Ignored, match="does not tell its digest"):
        told("package", package__package_version__name="1.0.0")


def test_a_release_tells_its_assets_where_it_names_a_commit():
    body = example("release", release__target_commitish=SHA)
    body["release"]["assets"] = [{"name": "model.skops", "digest": DIGEST}, {"name": "notes.txt", "digest": None}]
    (found,) = read("release", body)
    assert [(one.name, one.digest) for one in found.packages] == [("model.skops", DIGEST)]
    with pytest.raises(Ignored, match="names no commit: master"):
        told("release")


def test_a_deployment_is_a_pipeline_where_its_payload_says_so():
    payload = {"pipeline": "credit-training", "digest": DIGEST, "packages": [DIGEST]}
    found = one("deployment_status", deployment__payload=payload)
    assert (found["kind"], found["pipeline"], found["environment"]) == (
        "pipeline_version",
        "credit-training",
        "production",
    )
    assert (found["digest"], found["packages"]) == (DIGEST, [DIGEST])
    for state, words in (("success", "names no pipeline"), ("in_progress", "has not succeeded: in_progress")):
        with pytest.raises(Ignored, match=words):
            told("deployment_status", deployment_status__state=state)
    with pytest.raises(Invalid, match="a deployment's payload: digest"):
        told("deployment_status", deployment__payload={"pipeline": "credit-training", "digest": "newest"})


@pytest.mark.parametrize("event", EVENTS)
def test_the_same_message_makes_the_same_events(event):
    """Whatever their ids are made of, it is in the message."""
    with suppress(Ignored):
        assert read(event, example(event)) == read(event, example(event))


@pytest.mark.parametrize("event", EVENTS)
def test_what_lacks_its_parts_is_refused(event):
    for part in list(example(event)):
        body = example(event)
        body[part] = 1
        try:
            read(event, body)
        except (Invalid, Ignored):
            continue
        except ValidationError:
            pytest.fail(f"{event} without {part} is no error that a sender is told")
