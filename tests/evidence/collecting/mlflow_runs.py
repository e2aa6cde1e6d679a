"""Run by Python of the tools' environment: logs a search and pipeline runs to the MLflow server at argv[1].

Prints the ids as JSON.
"""

import json
import sys

import mlflow
from mlflow.tracking import MlflowClient


def search(url):
    """24 trials of max_iter x learning_rate, one failed, one without the metric, one whose metric is NaN."""
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("search")
    with mlflow.start_run(run_name="grid") as parent:
        runs = [trial(i, rate) for i in (50, 100, 200, 400, 800, 1600) for rate in (0.01, 0.03, 0.1, 0.3)]
        with mlflow.start_run(nested=True):
            mlflow.log_params({"max_iter": 3200, "learning_rate": 0.1})
        with mlflow.start_run(nested=True):
            mlflow.log_params({"max_iter": 6400, "learning_rate": 0.1})
            mlflow.log_metric("auc", float("nan"))
    client = MlflowClient()
    failed = client.create_run(parent.info.experiment_id, tags={"mlflow.parentRunId": parent.info.run_id})
    client.set_terminated(failed.info.run_id, "FAILED")
    with mlflow.start_run(run_name="elsewhere"):  # no child of the search
        mlflow.log_metric("auc", 1.0)
    client.create_registered_model("credit")
    best = runs[10]
    version = client.create_model_version("credit", f"runs:/{best}/model", best)
    client.set_registered_model_alias("credit", "champion", version.version)
    return {"parent": parent.info.run_id, "best": best, "children": runs}


def trial(iterations, rate):
    with mlflow.start_run(nested=True) as run:
        mlflow.log_params(
            {
                "max_iter": iterations,
                "learning_rate": rate,
                "layers": (64, 32),
                "early": iterations > 100,
                "solver": "adam",
                "limit": None,
            }
        )
        for step, short in ((0, 0.2), (1, 0)):  # the newest value of a metric counts
            value = 0.9 - abs(iterations - 200) / 1e5 - abs(rate - 0.1) / 10 - short
            mlflow.log_metric("auc", value, step=step)
    return run.info.run_id


def pipelines(url):
    """Three runs of a pipeline: by a schedule, in a notebook, and one whose training failed."""
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("training")
    return {
        "whole": pipeline({"assay.trigger": "schedule"}),
        "by_hand": pipeline({"mlflow.source.type": "NOTEBOOK"}),
        "broken": pipeline({}, broken=True),
    }


def pipeline(tags, *, broken=False):
    with mlflow.start_run(run_name="pipeline", tags=tags) as parent:
        for stage in ("extract", "train"):
            with mlflow.start_run(run_name=stage, nested=True):
                if broken and stage == "train":
                    mlflow.end_run("FAILED")
    if broken:
        MlflowClient().set_terminated(parent.info.run_id, "FAILED")
    return parent.info.run_id


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"search": search(sys.argv[1]), "pipelines": pipelines(sys.argv[1])}))
