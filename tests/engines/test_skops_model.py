"""Models saved with skops predict what scikit-learn predicted before they were saved."""

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier

from app.engines import frames, models, skops_model
from app.errors import Invalid
from checks.contract import Missing
from checks.evidence import Task
from tests.engines import fitted


def reloaded(model, rows, folder, task=Task.BINARY):
    path = fitted.saved(model, folder)
    return models.load(path, "skops", fitted.declared(rows.columns, task)), models.facts(path, "skops")


@pytest.mark.parametrize("name", fitted.pipelines())
def test_classifiers_predict_as_they_did(name, tmp_path):
    model, rows, final = fitted.fit(name)
    predictor, facts = reloaded(model, rows, tmp_path)
    predicted = predictor.predict(rows)
    np.testing.assert_array_equal(predicted.label, model.predict(rows))
    assert predicted.classes == (0, 1)
    assert all(type(value) is int for value in predicted.classes)
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(predicted.proba, model.predict_proba(rows), rtol=0, atol=1e-12)
        np.testing.assert_array_equal(predicted.positive_score(1), predicted.proba[:, 1])
    else:
        assert predicted.proba is None
    assert facts == {
        "model_class": final,
        "classes": [0, 1],
        "feature_names": list(rows.columns),
        "n_features": rows.shape[1],
    }


def test_categories_bring_their_bitsets(tmp_path):
    model, rows = fitted.categorical()
    predictor, _ = reloaded(model, rows, tmp_path)
    np.testing.assert_array_equal(predictor.predict(rows).proba, model.predict_proba(rows))


@pytest.mark.parametrize("name", fitted.regressors())
def test_regressors_have_neither_classes_nor_probabilities(name, tmp_path):
    model, rows = fitted.regressors()[name]
    predictor, facts = reloaded(model, rows, tmp_path, Task.REGRESSION)
    predicted = predictor.predict(rows)
    np.testing.assert_array_equal(predicted.label, model.predict(rows))
    assert predicted.proba is None
    assert predicted.classes == ()
    assert (facts["model_class"], facts["classes"]) == (name, [])


def test_a_model_without_names_takes_columns_by_place(tmp_path):
    model, rows = fitted.plain()
    predictor, facts = reloaded(model, rows, tmp_path)
    shuffled = rows[["d", "a", "c", "b"]].assign(more=1)
    np.testing.assert_array_equal(predictor.predict(shuffled).label, model.predict(rows.to_numpy()))
    assert predictor.classes == ("benign", "malignant")
    assert (facts["feature_names"], facts["n_features"]) == (None, 4)


def test_a_model_with_names_takes_columns_by_name(tmp_path):
    model, rows = fitted.regressors()["Ridge"]
    path = fitted.saved(model, tmp_path)
    backwards = models.load(path, "skops", fitted.declared(reversed(rows.columns), Task.REGRESSION))
    np.testing.assert_array_equal(backwards.predict(rows[rows.columns[::-1]]).label, model.predict(rows))


def test_text_goes_in_as_a_series(tmp_path):
    model, rows = fitted.texts()
    predictor, facts = reloaded(model, rows, tmp_path)
    np.testing.assert_array_equal(predictor.predict(rows).label, model.predict(rows["text"]))
    assert facts["n_features"] is None


def test_a_missing_column_is_named(tmp_path):
    model, rows, _ = fitted.fit("linear")
    predictor, _ = reloaded(model, rows, tmp_path)
    with pytest.raises(Missing) as missing:
        predictor.predict(rows.drop(columns=["region", "member"]))
    assert missing.value.what == "the columns 'region', 'member' that the model takes"


def test_many_rows_go_through_in_batches(tmp_path, monkeypatch):
    model, rows, _ = fitted.fit("linear")
    predictor, _ = reloaded(model, rows, tmp_path)
    whole = predictor.predict(rows)
    sizes = []
    monkeypatch.setattr(frames, "BATCH_ROWS", 100)
    original = predictor._predict
    monkeypatch.setattr(predictor, "_predict", lambda part: (sizes.append(len(part)), original(part))[1])
    parts = predictor.predict(rows)
    assert sizes == [100, 100, 40]
    np.testing.assert_array_equal(parts.label, whole.label)
    np.testing.assert_array_equal(parts.proba, whole.proba)


def test_transformed_inputs_are_what_the_last_step_sees(tmp_path):
    model, rows, _ = fitted.fit("linear")
    predictor, _ = reloaded(model, rows, tmp_path)
    np.testing.assert_array_equal(predictor.transformed(rows), model[:-1].transform(rows).astype(float))
    searched, _, _ = fitted.fit("search")
    inside, _ = reloaded(searched, rows, tmp_path)
    expected = searched.best_estimator_[:-1].transform(rows).astype(float)
    np.testing.assert_array_equal(inside.transformed(rows), expected)


def test_sparse_transformed_inputs_become_dense_unless_too_large(tmp_path, monkeypatch):
    model, rows = fitted.texts()
    predictor, _ = reloaded(model, rows, tmp_path)
    np.testing.assert_array_equal(predictor.transformed(rows), model[:-1].transform(rows["text"]).toarray())
    monkeypatch.setattr(skops_model, "MAX_DENSE_CELLS", 10)
    assert predictor.transformed(rows) is None


def test_a_bare_estimator_tells_no_transformed_inputs(tmp_path):
    model, rows = fitted.plain()
    predictor, _ = reloaded(model, rows, tmp_path)
    assert predictor.transformed(rows) is None


def test_nothing_of_the_model_runs_jobs_or_prints(tmp_path, capfd):
    model, rows, _ = fitted.fit("forest")
    predictor, _ = reloaded(model, rows, tmp_path)
    capfd.readouterr()
    predictor.predict(rows)
    forest = predictor.model.steps[-1][1]
    assert (forest.n_jobs, forest.verbose) == (1, 0)
    assert capfd.readouterr() == ("", "")


def test_several_outputs_are_refused(tmp_path):
    rows, y = fitted.frame()[["visits"]], fitted.labels()
    model = MultiOutputClassifier(LogisticRegression()).fit(rows, np.column_stack([y, 1 - y]))
    with pytest.raises(Invalid, match="several outputs"):
        skops_model.load_estimator(fitted.saved(model, tmp_path))


def test_scores_that_are_no_probabilities_are_not_given_as_such(tmp_path):
    rows = fitted.frame()[["visits"]]
    predictor, _ = reloaded(RidgeClassifier().fit(rows, fitted.labels()), rows, tmp_path)
    predicted = predictor.predict(rows)
    assert predicted.proba is None
    assert predicted.positive_score(1) is None


def test_an_unknown_format_has_no_engine(tmp_path):
    with pytest.raises(Invalid, match="pickle"):
        models.load(tmp_path / "model", "pickle", fitted.declared(["a"]))


def test_a_damaged_file_is_refused(tmp_path):
    model, _, _ = fitted.fit("linear")
    content = skops.io.dumps(model)
    path = tmp_path / "model.skops"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Invalid, match="truncated"):
        skops_model.load_estimator(path)
