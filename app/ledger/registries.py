"""Words that webhooks of a model registry and imports from it share, so that both tell of the same versions."""

MLFLOW = "mlflow"

VERSION_TAG = "assay.version"
"""On a registered version: its name in Assay, where that is another than its number."""
