"""Run every benchmark, one process each, so that none warms the next."""

import subprocess
import sys

BENCHMARKS = ("import_weight", "gate_latency", "drift", "monitoring_audit", "whole_audit", "prediction_pushes")

for name in BENCHMARKS:
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
