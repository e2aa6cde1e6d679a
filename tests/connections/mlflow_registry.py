"""Run by Python of the tools' environment: trains, logs and registers with the MLflow server at argv[1].

Prints the ids as JSON.
"""

import json
import sys

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient

GIT = {"mlflow.source.git.commit": "c0ffee" + "0" * 34, "mlflow.source.git.branch": "main"}
TRAIN = pd.DataFrame({"age": [31.0, 52.0], "income": [2.5, 3.5], "default": [0, 1]})


def train(rate, rows=2, *, tags=(), nested=False, name="train"):
    with mlflow.start_run(run_name=name, nested=nested, tags={**GIT, **dict(tags)}) as run:
        mlflow.log_params({"learning_rate": rate, "layers": (64, 32)})
        mlflow.log_metrics({"roc_auc": 0.8 + rate / 10, "broken": float("nan")})
        for context, size in (("training", rows), ("evaluation", 1)):
            data = mlflow.data.from_pandas(TRAIN.head(size), name=f"credit-{context}", targets="default")
            mlflow.log_input(data, context=context)
    return run.info.run_id


def main(url):
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("credit")
    first = train(0.1)
    second = train(0.3, tags={"mlflow.source.git.branch": "feature/rates", "assay.trigger": "new_data"})
    other_data = train(0.1, rows=1, tags={"assay.data_digest": "sha256:" + "5e" * 32})
    with mlflow.start_run(run_name="pipeline", tags={"assay.trigger": "schedule"}) as parent:
        train(0.2, nested=True, name="fit")
        with mlflow.start_run(run_name="check", nested=True):
            mlflow.end_run("FAILED")
    running = MlflowClient().create_run(parent.info.experiment_id)
    client = MlflowClient()
    client.create_registered_model("credit")
    for run in (first, second):
        client.create_model_version("credit", f"runs:/{run}/model", run, tags={})
    client.set_model_version_tag("credit", "1", "assay.version", "1.0.0")
    client.set_registered_model_alias("credit", "champion", "2")
    client.create_registered_model("fraud")
    ids = {"first": first, "second": second, "other_data": other_data, "pipeline": parent.info.run_id}
    return ids | {"running": running.info.run_id}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])))
