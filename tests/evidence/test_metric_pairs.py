"""Pairs of metrics as CSV: what is none is refused with its line."""

import pytest

from app.errors import Invalid
from app.evidence.metric_pairs import parse
from checks.serving import MetricPair

HEAD = b"name,offline,online,rows\n"


def test_one_line_is_one_experiment():
    found = parse("\ufeffrows,online,name,offline,note\n200,-1.5,arm é,0.7,x\n1e3,2,b,1\n".encode())
    assert found == (MetricPair("arm é", 0.7, -1.5, 200), MetricPair("b", 1.0, 2.0, 1000))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no column 'name'"),
        (b"name,offline,onlin,rows\n", "no column 'online' (did you mean \"onlin\"?)"),
        (HEAD, "it has 0 pairs"),
        (HEAD + b"a,1,2,100\nb,1,x,100\n", "in line 3: the online figure 'x' is no finite number"),
        (HEAD + b"a,nan,2,100\n", "in line 2: the offline figure 'nan'"),
        (HEAD + b"a,1,2\n", "in line 2: the rows figure '' is no finite number"),
        (HEAD + b"a,1,2,1.5\n", "rows 1.5 is no count"),
        (HEAD + b"a,1,2,-1\n", "rows -1 is no count"),
        (HEAD + b" ,1,2,100\n", "a name has 1 to 200 characters"),
        (HEAD + b"a,1,2,100\na ,1,2,100\n", "in line 3: 'a' is there twice; one line an experiment"),
        (HEAD + b"\xff,1,2,100\n", "not UTF-8"),
        (HEAD + b'"a,1,2,100\n', "unexpected end of data"),
        (HEAD + b"".join(b"a%d,1,2,100\n" % n for n in range(201)), "it has 201 pairs; 1 to 200 are due"),
    ],
)
def test_what_is_no_pair_is_refused(content, told):
    with pytest.raises(Invalid) as refused:
        parse(content)
    assert told in refused.value.detail.replace("\\", "")
