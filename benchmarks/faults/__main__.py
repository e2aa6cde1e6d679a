"""``python -m benchmarks.faults [--full] [--only TEST ...] [--judge assay deepchecks evidently]``.

The short form judges few seeds in under 20 minutes on two cores, ``--full`` as many as docs/faults.md quotes. It
goes on where it was stopped; ``--fresh`` forgets what was judged before.
"""

from __future__ import annotations

import argparse
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from benchmarks.faults.results import FOLDER, Results
from benchmarks.faults.run import PEERS, SEEDS, jobs, judge
from benchmarks.faults.table import tables

CORES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--judge", nargs="*", default=("assay", *PEERS))
    asked = parser.parse_args()
    if asked.fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    form, results = "full" if asked.full else "short", Results()
    known = results.known(SEEDS[form]["costly"])
    due = [job for job in jobs(form, tuple(asked.judge), tuple(asked.only)) if job not in known]
    pool = ProcessPoolExecutor(CORES, mp_context=get_context("spawn"))
    try:
        started = [pool.submit(judge, job, SEEDS[form]["costly"]) for job in due]
        for number, done in enumerate(as_completed(started), 1):
            for judged in done.result():
                results.add(judged)
            if number % 50 == 0:
                print(f"{number} of {len(due)}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    print(tables(results))


if __name__ == "__main__":
    main()
