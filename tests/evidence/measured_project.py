"""A small project with tests, and what pytest-cov writes about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILES = {
    "features/__init__.py": "",
    "features/income.py": (
        "def ratio(debt, income):\n    if income:\n        return debt / income\n    return None\n"
    ),
    "features/region/__init__.py": "",
    "features/region/north.py": "NORTH = {'a', 'b'}\n\n\ndef north(code):\n    return code in NORTH\n",
    "lib/__init__.py": "",
    "lib/helpers.py": "def unused():\n    x = 1\n    y = 2\n    z = 3\n    return x + y + z\n",
    "vendor/__init__.py": "",
    "vendor/features/__init__.py": "",
    "vendor/features/copied.py": "def never():\n    return 1\n",
    "tests/test_features.py": (
        "from features.income import ratio\nfrom features.region.north import north\n\n\n"
        "def test_ratio():\n    assert ratio(1, 2) == 0.5\n\n\ndef test_north():\n    assert north('a')\n"
    ),
}


def lay_out(root: Path, **changes: str) -> Path:
    """Write the project below ``root``; ``changes`` replaces files, "__" standing for "/" and ".py" added."""
    for name, text in {**FILES, **{f"{key.replace('__', '/')}.py": text for key, text in changes.items()}}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def run_pytest(root: Path, *options: str) -> tuple[bytes, bytes]:
    """(coverage.xml, junit.xml) of a run of the project's tests with pytest-cov's ``options``."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "--cov-report=xml"]
    done = subprocess.run(
        [*command, "--junitxml=junit.xml", *options],
        cwd=root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ".", "HOME": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return (root / "coverage.xml").read_bytes(), (root / "junit.xml").read_bytes()
