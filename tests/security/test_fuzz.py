"""A hundred damaged artifacts: each is answered, and the service lives on (a thousand: ``make fuzz``)."""

import os
from pathlib import Path

from app.catalog.inspection import inspect_model
from app.errors import Invalid
from tests.security import artifacts, fuzz
from tests.security.mutations import mutants

COUNT = 100


def test_every_damaged_artifact_is_answered(tmp_path, reader):
    report = fuzz.run(COUNT, tmp_path, reader)
    assert report.count == COUNT
    assert report.sound, str(report)
    assert report.parsed > COUNT * 0.5, "a corpus that parsers never see shows nothing"
    assert report.outcomes["refused"], "and one that nobody refuses neither"
    assert len(report.contained) <= COUNT * 0.05, report.contained


def test_damage_in_the_service_itself_leaves_the_service_as_it_was(tmp_path, unmigrated):
    """A few of them through the real door, a fresh process each, in this process."""
    pid, before = os.getpid(), fuzz._memory_mb(os.getpid())
    answers = []
    for mutant in [m for m in mutants(10) if m.filename == "model.skops"][:4]:
        path = artifacts.write(tmp_path / "artifact", mutant.content)
        try:
            answers.append(inspect_model(path, mutant.filename, unmigrated).format)
        except Invalid as error:
            answers.append(error.detail)
    control = artifacts.write(tmp_path / "model.skops", artifacts.skops_bytes("forest"))
    assert inspect_model(control, "model.skops", unmigrated).model_class == "RandomForestClassifier"
    assert all(answer == "skops" or answer.startswith("model.skops: ") for answer in answers)
    assert len(answers) == 4
    assert os.getpid() == pid
    assert fuzz._memory_mb(pid) - before <= fuzz.MEMORY_GROWTH_MB
    assert list(Path(unmigrated.work_dir).iterdir()) == []
