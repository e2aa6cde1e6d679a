"""The parent's side of a look into a file: it believes nothing and waits for nobody without end."""

import pytest
from pydantic import TypeAdapter

from app.catalog import inspection
from app.catalog.inspection import DatasetFacts, ModelFacts, inspect_dataset
from app.errors import Invalid, Unavailable
from tests.security import artifacts


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"facts": None},
        {"facts": {"format": "csv"}},
        {"facts": {"format": "csv", "rows": "many", "columns": {}}},
        {"facts": {"format": "csv", "rows": 1, "columns": {"a": 1}}},
        {"facts": [1, 2, 3]},
    ],
)
def test_an_answer_that_is_no_answer_is_a_refusal(answer):
    with pytest.raises(Invalid, match=r"rows\.csv: .* nonsense"):
        inspection.checked(TypeAdapter(DatasetFacts), answer, "rows.csv")


def test_a_true_answer_is_taken():
    facts = {
        "format": "onnx",
        "model_class": "onnx",
        "classes": [1, "b", True],
        "feature_names": None,
        "n_features": 3,
    }
    taken = inspection.checked(TypeAdapter(ModelFacts), {"facts": facts}, "model.onnx")
    assert taken == ModelFacts(**facts)
    assert [type(value) for value in taken.classes] == [int, str, bool]


def test_too_many_at_once_are_told_to_come_again(tmp_path, unmigrated):
    path = artifacts.write(tmp_path / "rows.csv", b"a,b\n1,2\n")
    for _ in range(inspection.AT_ONCE):
        inspection._places.acquire()
    try:
        with pytest.raises(Unavailable):
            inspect_dataset(path, "rows.csv", unmigrated.model_copy(update={"inspection_seconds": 0.1}))
    finally:
        for _ in range(inspection.AT_ONCE):
            inspection._places.release()
    assert inspect_dataset(path, "rows.csv", unmigrated).rows == 1


def test_places_are_given_back_after_refusals(tmp_path, unmigrated):
    path = artifacts.write(tmp_path / "rows.csv", b"")
    for _ in range(inspection.AT_ONCE + 1):
        with pytest.raises(Invalid, match="empty"):
            inspect_dataset(path, "rows.csv", unmigrated)


def test_a_folder_in_the_name_is_not_repeated(tmp_path, refusal):
    path = artifacts.write(tmp_path / "rows.csv", b"")
    detail = refusal(path, "../../etc/rows.csv", inspect_dataset)
    assert detail.startswith("rows.csv: ")
