"""What ``discover`` finds is true to the rubric, what is not is refused, and finding and judging stay light."""

import json
import subprocess
import sys

import pytest

import checks.data
from checks import _require_true_to_rubric, discover
from checks.contract import Check
from checks.evidence import Declaration
from checks.explanation import explanation_of, title_of
from checks.rubric import BY_ID

HEAVY = ("numpy", "pandas", "scipy", "sklearn", "pyarrow", "onnx", "skops", "fairlearn", "alembic", "apscheduler")
PLANTED = '''
"""A planted check."""
from checks.contract import Check, Judgement, Verdict


class Planted(Check):
    """{title}.

    Asked: a.

    Measured: b.

    Formula: it fails when

    - one thing;
    - another
      thing.

    Source: d.

    Evidence: e.

    Fix: f.
    """

    id = "{id}"

    def judge(self, measured, thresholds):
        return Judgement(Verdict.PASS, "Planted.")
'''
TITLE = "No feature's cost is too much"


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Writes a module of ``checks.data`` into another folder, which takes the place of that package's own."""
    monkeypatch.setattr(checks.data, "__path__", [str(tmp_path)])

    def write(module, *sources):
        monkeypatch.delitem(sys.modules, f"checks.data.{module}", raising=False)
        (tmp_path / f"{module}.py").write_text("\n".join(sources), encoding="utf-8")

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"checks.data.{path.stem}", None)
        vars(checks.data).pop(path.stem, None)


def discovered():
    """Discovery as in a new process: what was found before is not asked."""
    return discover.__wrapped__()


def planted(test_id="DATA-3", title=TITLE):
    return PLANTED.format(id=test_id, title=title)


@pytest.mark.parametrize("test_id", discover())
def test_check_is_true_to_the_rubric(test_id):
    check, test = discover()[test_id], BY_ID[test_id]
    assert check.id == test.id
    assert type(check).__module__ == test.module
    assert title_of(type(check)) == test.title
    assert all(isinstance(name, str) for name in check.thresholds)


def test_checks_come_in_the_order_of_the_rubric_and_none_is_left_out():
    found = list(discover())
    assert found == [test_id for test_id in BY_ID if test_id in found]
    assert {"DATA-1", "DATA-2", "DATA-4", "INFRA-2", "MON-5"} <= set(found)


def test_the_parts_of_a_docstring_are_told_apart(plant):
    plant("feature_cost", planted())
    blocks = explanation_of(type(discovered()["DATA-3"]))
    assert [block.label for block in blocks] == ["Asked", "Measured", "Formula", "", "Source", "Evidence", "Fix"]
    assert blocks[2].text == "It fails when"
    assert blocks[3].items == ("one thing;", "another thing.")


def test_what_was_found_cannot_be_changed():
    with pytest.raises(TypeError):
        discover()["DATA-1"] = None


def test_new_file_is_all_that_a_new_check_takes(plant):
    plant("feature_cost", planted())
    assert [test_id for test_id in discovered() if test_id.startswith("DATA")] == ["DATA-3"]


@pytest.mark.parametrize(
    ("module", "sources", "message"),
    [
        ("feature_cost", [planted("DATA-8")], "'DATA-8' is not a test of the rubric"),
        ("feature_cost", [planted(), planted().replace("Planted(", "Again(")], "DATA-3 is already checked by"),
        ("feature_price", [planted()], "DATA-3 belongs in checks.data.feature_cost"),
        (
            "feature_cost",
            [planted("MON-1", "Dependency changes result in notification")],
            "MON-1 belongs in checks.mon",
        ),
        ("feature_cost", [planted(title="No feature costs too much")], "must open with the title"),
        ("feature_cost", [planted().replace("Fix: f.", "")], "has the parts Asked, .*, Evidence, not Asked, "),
    ],
    ids=["unknown id", "duplicate id", "wrong file", "wrong section", "wrong title", "a part left out"],
)
def test_check_that_is_not_true_to_the_rubric_is_refused(plant, module, sources, message):
    plant(module, *sources)
    with pytest.raises(ValueError, match=message):
        discovered()


def test_check_without_a_docstring_is_refused():
    class Silent(Check):
        id = "DATA-3"

    Silent.__doc__ = None
    with pytest.raises(ValueError, match="must open with the title"):
        _require_true_to_rubric(Silent, "checks.data.feature_cost", {})


JUDGING = """
import json, sys
from checks import discover
for test_id, measured in json.load(sys.stdin).items():
    check = discover()[test_id]
    judgement = check.judge(measured, check.thresholds)
    assert judgement.verdict == "pass", judgement
print(json.dumps([name for name in %r if name in sys.modules]))
"""
MEASURED = {
    "DATA-1": {
        "rows": 1000,
        "columns": [{"name": "a", "expects": ["type"], "present": True, "failing": 0, "faults": {}}],
    },
    "DATA-2": {
        "rows": 1000,
        "metric": "roc_auc",
        "clusters": [{"features": ["a"], "gain": 0.1, "error": 0.01, "moved": 1.0}],
    },
    "DATA-4": {
        "features": 1,
        "breaches": [],
        "banned_in_data": ["b"],
        "associations": [{"feature": "a", "banned": "b", "strength": 0.1, "error": 0.01, "rows": 1000}],
        "not_in_data": [],
    },
    "INFRA-2": {
        "cases": 4,
        "faulty": [],
        "kinds": {
            "random_input": {"passed": 1},
            "loss_decreases": {"passed": 1},
            "overfits_tiny": {"passed": 1},
            "save_load": {"passed": 1},
        },
    },
    "MON-5": {
        "rows": 1000,
        "non_finite": {"predictions": 0},
        "training": None,
        "noise": {"columns": ["a"], "unit": "in probability", "rows": 1000, "greatest": [0.2]},
    },
}


def test_finding_and_judging_load_no_heavy_library():
    """The web process re-judges stored findings."""
    done = subprocess.run(
        [sys.executable, "-c", JUDGING % (HEAVY,)],
        input=json.dumps(MEASURED),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_evidence_is_named_by_type():
    """What injection reads; a missing annotation would only show when the check runs."""
    for check in discover().values():
        named = {k: v for k, v in type(check).measure.__annotations__.items() if k != "return"}
        assert named
        assert type(check).measure is not Check.measure
    assert Declaration.__name__ in type(discover()["DATA-1"]).measure.__annotations__["declared"]
