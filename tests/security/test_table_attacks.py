"""Data sets that promise the moon, carry code, lie about themselves, or are not what they say."""

import io
import os
import pickle
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from app.catalog.inspection import inspect_dataset
from app.catalog.inspector import examine
from app.engines import tabular
from app.engines.tabular import read_frame
from tests.security import artifacts

TABLE = pa.table({"income": [1.0, 2.0, 3.0], "region": ["north", "south", None]})


def ask(path, filename=None):
    return examine({"what": "dataset", "path": str(path), "filename": filename or path.name})


def parquet(table, **options):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def arrow(table, stream=False):
    buffer = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def test_real_files_are_accepted_by_the_service(tmp_path, unmigrated):
    """Positive control."""
    csv = b"income,region\n1,north\n2,south\n3,\n"
    for name, content in [("a.parquet", parquet(TABLE)), ("a.arrow", arrow(TABLE)), ("a.csv", csv)]:
        facts = inspect_dataset(artifacts.write(tmp_path / name, content), name, unmigrated)
        assert (facts.rows, list(facts.columns)) == (3, ["income", "region"])


def test_a_small_file_that_promises_billions_of_rows_is_refused_at_its_footer(tmp_path, refusal):
    path = tmp_path / "bomb.parquet"
    zeros = pa.table({"a": np.zeros(1_000_000, np.int8)})
    with pq.ParquetWriter(path, zeros.schema, compression="zstd") as writer:
        for _ in range(201):
            writer.write_table(zeros)
    assert path.stat().st_size < 1_000_000
    detail = refusal(path, inspect=inspect_dataset)
    assert "201000000 rows x 1 columns" in detail
    with pytest.raises(tabular.Invalid, match="cells"):
        read_frame(path, "parquet")
    content = bytearray(path.read_bytes())
    content[4:100] = bytes(96)
    assert "201000000 rows" in ask(artifacts.write(path, bytes(content)))["refused"]  # no page was looked at


def test_a_dictionary_that_unfolds_beyond_memory_is_stopped(tmp_path, refusal):
    """One text of a megabyte, named by every row: 40 kB on disk, gigabytes decoded."""
    text = pa.array(["x" * 1_000_000] * 10)
    content = parquet(pa.table({"a": pa.chunked_array([text] * 800)}), compression="zstd")
    path = artifacts.write(tmp_path / "bomb.parquet", content)
    assert path.stat().st_size < 100_000
    detail = refusal(path, inspect=inspect_dataset, inspection_memory_mb=1024)
    assert "memory" in detail or "reader was" in detail


def test_more_decoded_bytes_than_accepted_are_refused(tmp_path, monkeypatch):
    path = artifacts.write(tmp_path / "a.parquet", parquet(pa.table({"a": ["x" * 1000] * 2000})))
    assert "facts" in ask(path)
    monkeypatch.setattr(tabular, "MAX_BYTES", 1_000_000)
    assert "decode to more than" in ask(path)["refused"]


class Payload:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


def test_pickled_extension_types_are_never_unpickled(tmp_path, mark):
    """CVE-2023-47248: the type's metadata held a pickle that reading the schema would load."""
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Payload(mark)),
    }
    schema = pa.schema(
        [pa.field("a", pa.int64(), metadata=metadata)], metadata={b"pandas": pickle.dumps(Payload(mark))}
    )
    table = pa.table({"a": pa.array([1, 2])}, schema=schema)
    for name, content in [
        ("a.parquet", parquet(table)),
        ("a.arrow", arrow(table)),
        ("a.arrows", arrow(table, stream=True)),
    ]:
        path = artifacts.write(tmp_path / name, content)
        assert b"py_extension_type" in content or name == "a.parquet"
        assert ask(path)["facts"]["columns"] == {"a": "int64"}
        assert read_frame(path, ask(path)["facts"]["format"])["a"].tolist() == [1, 2]
    assert not mark.exists()
    pickle.loads(metadata[b"ARROW:extension:metadata"])  # positive control: it would have
    assert mark.exists()


NESTED = {
    "list": pa.array([[1], [2]]),
    "large list": pa.array([[1], [2]], pa.large_list(pa.int64())),
    "struct": pa.array([{"x": 1}, {"x": 2}]),
    "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"a", b"b"]),
    "time": pa.array([1, 2], pa.time64("us")),
    "duration": pa.array([1, 2], pa.duration("s")),
}


@pytest.mark.parametrize("kind", NESTED)
def test_what_is_no_feature_is_refused_with_the_column_named(kind, tmp_path):
    table = pa.table({"fine": [1, 2], "odd": NESTED[kind]})
    contents = {"a.arrow": arrow(table), "a.arrows": arrow(table, stream=True)}
    if kind != "duration":
        contents["a.parquet"] = parquet(table)
    for name, content in contents.items():
        path = artifacts.write(tmp_path / name, content)
        assert "the column 'odd' holds" in ask(path)["refused"]
        with pytest.raises(tabular.Invalid, match="'odd'"):
            read_frame(path, "parquet" if name.endswith("parquet") else "arrow")


def test_columns_without_sense_are_refused(tmp_path):
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    for table, words in [
        (twice, "'a' is there 2 times"),
        (pa.table({"": [1]}), "is empty"),
        (pa.table({"x" * 600: [1]}), "longer than 512"),
        (pa.table({"a": pa.array([], pa.int64())}), "no rows"),
        (pa.table({str(i): [1] for i in range(tabular.MAX_COLUMNS + 1)}), "10001 columns"),
    ]:
        for name, content in [("a.arrow", arrow(table)), ("a.parquet", parquet(table))]:
            assert words in ask(artifacts.write(tmp_path / name, content))["refused"]
    nothing = artifacts.write(tmp_path / "a.arrow", arrow(pa.table({})))
    assert "no columns" in ask(nothing)["refused"] or "no rows" in ask(nothing)["refused"]


def test_truncated_files_are_refused(tmp_path):
    big = pa.table({"a": np.random.default_rng(0).normal(size=50_000), "b": ["text"] * 50_000})
    for name, content in [
        ("a.parquet", parquet(big)),
        ("a.arrow", arrow(big)),
        ("a.arrows", arrow(big, stream=True)),
    ]:
        assert "facts" in ask(artifacts.write(tmp_path / name, content))
        for share in (0.05, 0.5, 0.99):
            cut = artifacts.write(tmp_path / name, content[: int(len(content) * share)])
            assert "refused" in ask(cut), (name, share)


def test_a_footer_that_miscounts_is_refused(tmp_path):
    content = bytearray(parquet(pa.table({"a": list(range(37))})))
    footer = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    count = content.index(b"\x16\x4a", footer)  # the number of rows, 37, as thrift writes it
    content[count + 1] = 0x4C
    path = artifacts.write(tmp_path / "a.parquet", bytes(content))
    assert "the footer promises 38 rows, the file holds 37" in ask(path)["refused"]


def test_damaged_pages_are_refused_although_the_footer_is_fine(tmp_path):
    texts = pa.table({"a": [f"row {i}" for i in range(50_000)]})
    numbers = pa.table({"a": np.random.default_rng(0).normal(size=50_000)})
    for table, options in [
        (texts, {"compression": "snappy"}),
        (numbers, {"compression": "none", "write_page_checksum": True}),
    ]:
        content = bytearray(parquet(table, use_dictionary=False, **options))
        assert "facts" in ask(artifacts.write(tmp_path / "a.parquet", bytes(content)))
        content[2000:4000] = bytes(2000)
        assert "refused" in ask(artifacts.write(tmp_path / "a.parquet", bytes(content)))


def test_arrow_offsets_that_lead_out_of_the_file_are_refused(tmp_path, reader):
    table = pa.table({"a": ["one", "two", "three"]})
    content = bytearray(arrow(table))
    position = content.find(struct.pack("<4i", 0, 3, 6, 11))
    assert position > 0
    content[position + 4 : position + 8] = struct.pack("<i", 2**30)
    path = artifacts.write(tmp_path / "a.arrow", bytes(content))
    answer = reader.examine(path, what="dataset")
    assert answer["outcome"] == "refused"
    with pytest.raises(tabular.Invalid):
        read_frame(path, "arrow")


def test_the_name_and_the_content_must_agree(tmp_path):
    feather1 = tmp_path / "old.feather"
    with pytest.warns(DeprecationWarning, match="Feather V1"):
        feather.write_feather(pa.table({"a": [1]}), feather1, version=1)
    text = artifacts.write(tmp_path / "text", b"a,b\n1,2\n")
    table = artifacts.write(tmp_path / "table", parquet(TABLE))
    model = artifacts.write(tmp_path / "model", artifacts.skops_bytes("linear"))
    for path, name, words in [
        (table, "rows.csv", ["name says CSV", "content is Parquet"]),
        (text, "rows.parquet", ["name says Parquet", "not recognised"]),
        (table, "rows.xlsx", ["'.xlsx'", ".parquet, .csv", "content is Parquet"]),
        (feather1, "old.feather", ["name says Arrow", "Feather file of version 1"]),
        (model, "rows.parquet", ["name says Parquet", "content is skops"]),
        (model, "model.skops", ["'.skops'", ".parquet"]),
    ]:
        refused = ask(path, name)["refused"]
        for word in [name, *words]:
            assert word in refused


CSV = {
    "not UTF-8": ("a,b\n1,café\n".encode("latin-1"), "line 2: is not UTF-8"),
    "not UTF-8 far down": (b"a,b\n" + b"1,2\n" * 500_000 + b"1,\xff\n", "line 500002: is not UTF-8"),
    "ends inside a character": ("a,b\n1,é".encode()[:-1], "ends inside a UTF-8 character"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "NUL": (b"a,b\n1,2\n3,\0\n", "line 3: holds a NUL"),
    "ragged": (b"a,b,c\n1,2,3\n4,5\n", "Expected 3 columns, got 2"),
    "an endless line": (b"a,b\n" + b"1" * (tabular.CSV_BLOCK_BYTES + 2**21) + b",2\n", "line 2: is longer"),
    "an open quotation": (b'a,b\n1,"two\n3,4\n', "never closed"),
    "no rows": (b"a,b\n", "no rows"),
    "no name": (b"a,\n1,2\n", "is empty"),
    "a name twice": (b"a,b,a\n1,2,3\n", "'a' is there 2 times"),
    "semicolons": (b"a;b\n1;2\n", "separated by ';'"),
}


@pytest.mark.parametrize("kind", CSV)
def test_csv_that_is_none_is_refused_with_line_or_column(kind, tmp_path):
    content, words = CSV[kind]
    path = artifacts.write(tmp_path / "rows.csv", content)
    refused = ask(path)["refused"]
    assert refused.startswith("rows.csv: ")
    assert words in refused


def test_a_reader_that_hangs_is_stopped(tmp_path, refusal, unmigrated):
    """Reading from a pipe nobody writes to never ends by itself."""
    path = tmp_path / "rows.csv"
    os.mkfifo(path)
    assert "stopped after 1 s" in refusal(path, inspect=inspect_dataset, inspection_seconds=1)
    assert list(unmigrated.work_dir.iterdir()) == []


def test_a_reader_without_memory_is_told(tmp_path, refusal):
    path = artifacts.write(tmp_path / "rows.parquet", parquet(TABLE))
    assert "rows.parquet" in refusal(path, inspect=inspect_dataset, inspection_memory_mb=64)
