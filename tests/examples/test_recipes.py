"""Every recipe of every example writes what its manifest names, and its unit tests report all four kinds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from app.catalog.manifest import parse

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("tumour-malignancy", "diabetes-progression", "credit-default")
RECIPES = [(name, recipe) for name in NAMES for recipe in ("1.0.0", "1.1.0")] + [("credit-default", "1.2.0")]
KINDS = {"random_input", "loss_decreases", "overfits_tiny", "save_load"}
TREES = {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree"}

pytestmark = pytest.mark.slow


def run(example, *arguments):
    """Run Python in the example's folder, as its owner would, on one thread; returns what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=EXAMPLES / example,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=RECIPES, ids=str)
def release(request, tmp_path_factory):
    """(recipe, folder, manifest, printed) of one trained recipe."""
    name, recipe = request.param
    out = tmp_path_factory.mktemp(name)
    printed = run(name, "train.py", "--recipe", recipe, "--out", out)
    return recipe, out, parse((out / "assay.yaml").read_text()), printed


def test_a_recipe_writes_what_its_manifest_names(release):
    recipe, out, manifest, printed = release
    assert manifest.version.name == recipe
    assert all((out / path).is_file() for path in manifest.uploads.values())
    assert 1 <= len(printed.splitlines()) <= 2
    columns = manifest.columns
    named = {f.name for f in manifest.features} | {c for part in manifest.slices for c in part.where}
    named |= {columns.label, columns.id, *manifest.sensitive} | ({columns.time} if columns.time else set())
    for role in ("train", "test"):
        frame = pd.read_parquet(out / f"{role}.parquet")
        assert named <= set(frame.columns)
        assert frame[columns.label].notna().all()


def test_the_model_predicts_a_frame_of_the_declared_features(release):
    _, out, manifest, _ = release
    frame = pd.read_parquet(out / "test.parquet")
    inputs, labels = frame[[feature.name for feature in manifest.features]], frame[manifest.columns.label]
    predicted = predict(out / manifest.version.artifact, inputs)
    right = np.mean(predicted == labels) if manifest.model.task == "binary" else -np.mean(abs(predicted - labels))
    assert right > (0.9 if manifest.model.task == "binary" else -65)


def predict(artifact, inputs):
    if artifact.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(artifact)
        return session.run(["label"], {"X": inputs.to_numpy(np.float32)})[0]
    import skops.io

    untrusted = skops.io.get_untrusted_types(file=artifact)
    assert set(untrusted) <= TREES
    return skops.io.load(artifact, trusted=untrusted).predict(inputs)


def test_training_reports_finite_metrics_or_none(release):
    _, out, manifest, _ = release
    declared = [part for part in manifest.evidence if part.kind == "training-metrics"]
    assert bool(declared) == (out / "reports" / "training.json").is_file()
    for part in declared:
        series = json.loads((out / part.path).read_text())
        assert series["loss"][0] > series["loss"][-1]
        assert all(np.isfinite(values).all() for values in series.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_tests_report_every_kind(name, tmp_path):
    out = tmp_path / "reports" / "junit.xml"
    run(name, "-m", "pytest", "tests", f"--junitxml={out}")
    suite = ET.parse(out).getroot().find("testsuite")
    assert int(suite.get("tests")) >= 5
    assert [suite.get(key) for key in ("failures", "errors", "skipped")] == ["0", "0", "0"]
    tags = {tag.get("value") for tag in suite.iterfind("testcase/properties/property[@name='assay']")}
    assert tags == KINDS


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_in_the_folder_is_that_of_the_first_recipe(name):
    manifest = parse((EXAMPLES / name / "assay.yaml").read_text())
    assert (manifest.model.name, manifest.version.name, manifest.version.change_reason) == (
        name,
        "1.0.0",
        "initial",
    )


def test_examples_do_not_depend_on_assay():
    sources = [path.read_text() for path in EXAMPLES.rglob("*.py")]
    assert len(sources) > 10
    assert not [text for text in sources if "import app" in text or "from app" in text or "checks" in text]
