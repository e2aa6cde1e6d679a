"""The ledger of the practice around models: what tools told, read as levels, stages, links and metrics."""
