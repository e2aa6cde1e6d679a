"""Is the judgement true? Planted faults and healthy twins for every computed test, judged by the checks themselves.

A ``Case`` spoils a healthy ``World`` (or leaves it healthy) and names the test that must tell. ``python -m
benchmarks.faults`` runs them over seeds; ``docs/faults.md`` has the figures.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the process of an attempt; before numpy is imported
