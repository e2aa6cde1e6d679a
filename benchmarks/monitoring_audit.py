"""How long a monitoring audit of a window of 100,000 rows takes: ``python -m benchmarks.monitoring_audit``.

A real service with a worker, the synthetic credit model, 100,000 logged predictions of one week (rows of its test
data, drawn with a seed, each with an id and a time of its own), all recomputed, half labelled. The audit's own
time counts, from the claim to the last finding, its reports by Evidently included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io

from app.cli.catalog import read_manifest, register_manifest
from app.client import Assay
from app.config import ROOT, Settings
from app.demo import host
from app.server import prepare

ROWS, SEED = 100_000, 28
START, DAYS = pd.Timestamp("2024-10-07", tz="UTC"), 7
CHECKS = ["MON-2", "MON-3", "MON-4", "MON-6", "MON-7"]
MODEL, VERSION, ENVIRONMENT = "credit-default", "1.0.0", "production"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _release(folder)
        host.FOLDER = folder
        settings = Settings(data_dir=folder / "data", public_url=f"http://127.0.0.1:{host.free_port(8600)}")
        prepare(settings)
        port = int(settings.public_url.rsplit(":", 1)[1])
        with (
            host.service(settings, port, {}),
            Assay(settings.public_url, host.token(settings, "benchmark", "ci"), timeout=600) as client,
        ):
            host.wait_until_ready(client)
            register_manifest(client, read_manifest(folder / "assay.yaml", {}), folder)
            _serve(client, folder)
            audit = _audit(client)
            for finding in client.findings(audit["id"]):
                print(f"{finding['check_id']} {finding['verdict']} in {finding['seconds']:.1f} s")
    began, ended = (datetime.fromisoformat(audit[moment]) for moment in ("started_at", "finished_at"))
    print(f"monitoring audit of {ROWS:,} rows: {(ended - began).total_seconds():.1f} s")


def _release(folder: Path) -> None:
    command = [sys.executable, "train.py", "--recipe", VERSION, "--out", str(folder)]
    subprocess.run(command, cwd=ROOT / "examples" / MODEL, check=True, capture_output=True)
    (folder / "reports" / "junit.xml").write_text("<testsuite/>")


def _serve(client: Assay, folder: Path) -> None:
    rng = np.random.default_rng(SEED)
    test = pd.read_parquet(folder / "test.parquet")
    rows = test.iloc[rng.integers(0, len(test), ROWS)].reset_index(drop=True)
    rows["application_id"] = [f"W{number:06d}" for number in range(ROWS)]
    rows["applied_at"] = START + pd.to_timedelta(np.sort(rng.random(ROWS)) * DAYS, unit="D")
    path = folder / "model.skops"
    model = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    features = [name for name in model.feature_names_in_ if name in rows]
    probability = model.predict_proba(rows)[:, 1]
    log = rows[["application_id", "applied_at", *features]]
    log = log.assign(prediction=(probability >= 0.5).astype(int), probability=probability)
    log.to_parquet(folder / "log.parquet", index=False)
    log[["application_id", *features]].to_parquet(folder / "recomputed.parquet", index=False)
    rows.iloc[::2][["application_id", "defaulted"]].to_csv(folder / "labels.csv", index=False)
    client.push_predictions(MODEL, VERSION, folder / "log.parquet", environment=ENVIRONMENT)
    client.push_label_file(MODEL, folder / "labels.csv")
    client.push_evidence(MODEL, VERSION, "recomputed-features", folder / "recomputed.parquet")


def _audit(client: Assay) -> dict[str, object]:
    window = (START.isoformat(), (START + pd.Timedelta(days=DAYS)).isoformat())
    audit = client.run_audit(MODEL, VERSION, environment=ENVIRONMENT, checks=CHECKS, window=window)
    *_, audit = client.watch_audit(audit["id"], timeout=600)
    return audit


if __name__ == "__main__":
    main()
