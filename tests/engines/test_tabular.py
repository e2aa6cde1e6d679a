"""The three formats give the same frame, in types that checks can count on."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.csv import write_csv

from app.engines import tabular
from app.engines.tabular import Table, look_into, read_frame
from app.errors import Invalid

ROWS = pa.table(
    {
        "income": [1000.5, None, 3.0],
        "age": [30, None, 50],
        "count": [1, 2, 3],
        "region": ["north", "south", None],
        "member": [True, False, True],
        "applied": pa.array([0, 86_400, 172_800], pa.timestamp("s")),
    }
)
KINDS = {"income": "f", "age": "f", "count": "i", "region": "O", "member": "b", "applied": "M"}


@pytest.fixture(params=["parquet", "arrow", "arrow stream", "csv"])
def file(request, tmp_path):
    """The same rows in each format: path and kind."""
    path = tmp_path / "rows"
    if request.param == "parquet":
        pq.write_table(ROWS, path, row_group_size=2)
    elif request.param == "csv":
        write_csv(ROWS, path)
    else:
        new = pa.ipc.new_stream if "stream" in request.param else pa.ipc.new_file
        with new(path, ROWS.schema) as writer:
            for batch in ROWS.to_batches(max_chunksize=2):
                writer.write_batch(batch)
    return path, request.param.split()[0]


def test_all_formats_give_the_same_frame(file):
    frame = read_frame(*file)
    assert {name: dtype.kind for name, dtype in frame.dtypes.items()} == KINDS
    assert frame["income"].isna().tolist() == [False, True, False]
    assert frame["age"].tolist()[::2] == [30, 50]
    assert frame["region"].tolist() == ["north", "south", None]
    assert frame["applied"].tolist() == [pd.Timestamp(1970, 1, day) for day in (1, 2, 3)]
    assert frame.index.tolist() == [0, 1, 2]


def test_looking_counts_rows_and_names_columns(file):
    table = look_into(*file)
    assert table.rows == 3
    assert list(table.columns) == ROWS.column_names
    assert table.columns["income"] == "double"


def test_chosen_columns_come_in_the_order_asked_for(file):
    assert list(read_frame(*file, columns=["region", "income"]).columns) == ["region", "income"]
    with pytest.raises(Invalid, match="no column 'salary'"):
        read_frame(*file, columns=["income", "salary"])


def arrow_file(tmp_path, table):
    path = tmp_path / "rows.arrow"
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    return path


def test_less_usual_types_become_usual_ones(tmp_path):
    table = pa.table(
        {
            "decimal": [Decimal("1.5"), None],
            "half": pa.array(np.array([1, 2], np.float16)),
            "nothing": pa.nulls(2),
            "day": [date(2024, 2, 29), None],
            "zoned": pa.array([0, 1], pa.timestamp("us", "Europe/Berlin")),
            "category": pa.array(["a", "b"]).dictionary_encode(),
            "codes": pa.array([7, 8]).dictionary_encode(),
            "view": pa.array(["a", "b"], pa.string_view()),
            "far": pa.array([10**17, None], pa.timestamp("us")),
        }
    )
    frame = read_frame(arrow_file(tmp_path, table), "arrow")
    assert frame["decimal"].dtype == frame["nothing"].dtype == np.float64
    assert frame["half"].dtype == np.float32
    assert frame["day"].dtype.kind == "M"
    assert str(frame["zoned"].dt.tz) == "UTC"
    assert frame["zoned"][0] == pd.Timestamp(0, tz="UTC")
    assert frame["category"].cat.categories.tolist() == ["a", "b"]
    assert frame["codes"].tolist() == [7, 8]
    assert frame["view"].tolist() == ["a", "b"]
    assert frame["far"][0] == np.datetime64(10**17, "us")


def test_dictionaries_that_differ_by_batch_are_one_column(tmp_path):
    path = tmp_path / "rows"
    one, two = (pa.array(values).dictionary_encode() for values in (["a", "b"], ["c", "a"]))
    schema = pa.schema({"x": one.type})
    with pa.ipc.new_stream(path, schema) as writer:
        for column in (one, two):
            writer.write_batch(pa.record_batch([column], schema=schema))
    assert read_frame(path, "arrow")["x"].tolist() == ["a", "b", "c", "a"]


def test_an_index_of_pandas_is_a_column_like_any_other(tmp_path):
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"x": [1, 2]}, index=pd.Index([7, 8], name="id")).to_parquet(path)
    frame = read_frame(path, "parquet")
    assert frame["id"].tolist() == [7, 8]
    assert frame.index.tolist() == [0, 1]


def test_a_zone_named_by_a_file_is_never_looked_up(tmp_path):
    table = pa.table({"t": pa.array([1], pa.timestamp("us", "../../etc/passwd"))})
    path = arrow_file(tmp_path, table)
    assert look_into(path, "arrow").rows == 1
    assert read_frame(path, "arrow")["t"][0] == pd.Timestamp(1, unit="us", tz="UTC")


def csv(tmp_path, text):
    path = tmp_path / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_types_are_those_of_the_whole_file_not_of_its_beginning(tmp_path):
    path = csv(tmp_path, "a,b\n" + "1,2\n" * 2_500_000 + "x,1.5\n")
    assert look_into(path, "csv") == Table(2_500_001, {"a": "string", "b": "double"})


def test_csv_as_spreadsheets_write_it(tmp_path):
    path = csv(tmp_path, '\ufeff"name","note"\r\n"Müller","two\r\nlines, and a ""quote"""\r\n')
    frame = read_frame(path, "csv")
    assert frame.to_dict("records") == [{"name": "Müller", "note": 'two\r\nlines, and a "quote"'}]


def test_csv_missing_values(tmp_path):
    frame = read_frame(csv(tmp_path, "number,text,flag\n1,a,true\n,,\nNaN,NA,false\n"), "csv")
    assert frame.isna().to_numpy().tolist() == [[False] * 3, [True] * 3, [True, True, False]]


def test_reading_large_files_takes_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "BATCH_CELLS", 1000)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": range(10_000)}), path)
    sizes = [batch.num_rows for batch in tabular._parquet_batches(path)]
    assert max(sizes) == 1000
    assert sum(sizes) == 10_000
