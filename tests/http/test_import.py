"""The web process stays light: nothing heavy is loaded before it is needed."""

import subprocess
import sys

HEAVY = {
    "pandas", "numpy", "scipy", "sklearn", "pyarrow", "onnx", "onnxruntime", "skops", "fairlearn", "skl2onnx",
    "evidently", "presidio_analyzer", "alembic", "apscheduler", "httpx2", "typer", "rich", "uvicorn",
}  # fmt: skip


def loaded_by(code):
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_application_loads_nothing_heavy(tmp_path):
    loaded = loaded_by("import app.main")
    assert "fastapi" in loaded
    assert loaded & HEAVY == set()


def test_making_it_loads_nothing_heavy_either(tmp_path):
    loaded = loaded_by(
        "from pathlib import Path; from app.config import Settings; from app.main import create_app\n"
        f"create_app(Settings(data_dir=Path({str(tmp_path)!r})))"
    )
    assert loaded & HEAVY == set()


def test_the_control_sees_what_is_loaded():
    assert {"numpy", "pandas"} <= loaded_by("import pandas") & HEAVY
