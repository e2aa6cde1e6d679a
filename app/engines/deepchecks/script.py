"""Runs in the environment of deepchecks, apart from the service's: the standard library and what is there only.

``python -I script.py FOLDER`` reads ``request.json`` and Parquet files in the folder and writes ``answer.json`` and
``report.html`` into it; ``app.engines.deepchecks`` says what is in them. No address is ever reached from here.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

FORMAT = 1
PARENT_CHECK_SECONDS = 1.0
LABEL, ANSWER, ERROR, CHANCE = "assay.label", "assay.answer", "assay.error", "assay.chance."
MISSING = "None"
"""What deepchecks calls a missing category."""
POINTLESS = {"ModelInferenceTime"}
"""Checks of the suite that would measure a look into a table: there is no model here, only its answers."""
SUITE_FEATURES = 5
"""In whose pairs the suite's own search looks, which would take longer than all the rest; ours is apart."""
SEARCHED_FEATURES = 10
SEGMENTS = 10
SEED = 28


def main() -> None:
    """Answer the request in the folder."""
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()
    sys.addaudithook(_refuse_the_network)
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text())
    if request["format"] != FORMAT:
        raise SystemExit(f"format {request['format']} is asked for, this script speaks {FORMAT}")
    warnings.simplefilter("ignore")
    import deepchecks

    answer: dict[str, Any] = {"format": FORMAT, "version": deepchecks.__version__, "problems": {}}
    for part, make in (("tests", _suite), ("segments", _segments)):
        if part in request["parts"]:
            try:
                answer[part] = make(request, folder)
            except Exception as error:  # noqa: BLE001 - one part that fails leaves the other
                traceback.print_exc()
                answer["problems"][part] = f"{type(error).__name__}: {error}"[:500]
    (folder / "answer.json").write_text(json.dumps(answer, allow_nan=False))


def _die_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _refuse_the_network(event: str, _arguments: object) -> None:
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        raise OSError("the engine of deepchecks reaches no address")


def _dataset(name: str, request: dict[str, Any], folder: Path) -> tuple[Any, Any, Any, Any]:
    """A file's rows as deepchecks wants them, what was answered for them, and the chances of the classes."""
    import pandas as pd
    from deepchecks.tabular import Dataset

    frame = pd.read_parquet(folder / f"{name}.parquet")
    features = frame[[*request["numeric"], *request["categorical"], LABEL]]
    dataset = Dataset(
        features, label=LABEL, cat_features=request["categorical"], label_type=request["task"], dataset_name=name
    )
    chances = [column for column in frame if str(column).startswith(CHANCE)]
    return dataset, frame[ANSWER].to_numpy(), frame[chances].to_numpy() if chances else None, frame


def _suite(request: dict[str, Any], folder: Path) -> dict[str, bool]:
    """Write the report of the full suite; whether each condition of its checks holds, by name."""
    from deepchecks.tabular.suites import full_suite

    train, train_answers, train_chances, _ = _dataset("train", request, folder)
    test, test_answers, test_chances, _ = _dataset("test", request, folder)
    suite = full_suite()
    for number, check in list(suite.checks.items()):
        if type(check).__name__ in POINTLESS:
            suite.remove(number)
        elif type(check).__name__ == "WeakSegmentsPerformance":
            check.n_top_features = SUITE_FEATURES
    result = suite.run(
        train,
        test,
        y_pred_train=train_answers,
        y_pred_test=test_answers,
        y_proba_train=train_chances,
        y_proba_test=test_chances,
        model_classes=request["classes"],
    )
    (folder / "report.html").write_text(_page(result), encoding="utf-8")
    return {
        f"{one.get_header()}: {condition.name}": condition.is_pass()
        for one in result.results
        if hasattr(one, "conditions_results")
        for condition in one.conditions_results
    }


def _page(result: Any) -> str:
    """The suite's report with the plotting library in it once: deepchecks puts 4 MB of it into every figure."""
    from plotly.offline import get_plotlyjs

    library = get_plotlyjs()
    content = result.html_serializer.serialize(
        output_id="suite", full_html=False, include_requirejs=False, include_plotlyjs=False, connected=False
    )
    figures = content.replace(library, "")
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"/><title>{result.name}</title>'
        f"<script>{library}</script></head><body>{figures}</body></html>"
    )


def _segments(request: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Where ``ERROR`` is largest: [{column: condition}], weakest first.

    A condition is [low, high] of a number, low exclusive and high inclusive, None where open, or a list of
    categories, in which None is a missing one.
    """
    from deepchecks.tabular.checks import WeakSegmentsPerformance

    dataset, answers, chances, frame = _dataset("search", request, folder)
    check = WeakSegmentsPerformance(
        n_top_features=SEARCHED_FEATURES,
        score_per_sample=(frame[ERROR].mean() - frame[ERROR]) / (frame[ERROR].std() or 1),
        n_samples=len(frame),
        segment_minimum_size_ratio=request["smallest_share"],
        categorical_aggregation_threshold=0,
        random_state=SEED,
    )
    result = check.run(
        dataset,
        with_display=False,
        feature_importance=_importance(frame, request),
        y_pred=answers,
        y_proba=chances,
        model_classes=request["classes"],
    )
    found = result.value["weak_segments_list"].head(SEGMENTS)
    return [_conditions(row, request["categorical"]) for _, row in found.iterrows()]


def _importance(frame: Any, request: dict[str, Any]) -> Any:
    """How much each feature tells of the error; pairs are searched among those that tell most."""
    import pandas as pd
    from sklearn.ensemble import RandomForestRegressor

    columns = {name: frame[name].fillna(frame[name].median()) for name in request["numeric"]}
    columns |= {name: frame[name].astype("category").cat.codes for name in request["categorical"]}
    forest = RandomForestRegressor(n_estimators=50, max_depth=6, min_samples_leaf=20, random_state=SEED)
    table = pd.DataFrame(columns)
    return pd.Series(forest.fit(table, frame[ERROR]).feature_importances_, index=list(table))


def _conditions(row: Any, categorical: list[str]) -> dict[str, Any]:
    conditions: dict[str, Any] = {}
    for which in ("Feature1", "Feature2"):
        name, span = row[which], row[f"{which} Range"]
        if name in categorical:
            conditions[name] = [None if value == MISSING else value for value in span]
        elif name:
            conditions[name] = [float(end) if abs(end) != float("inf") else None for end in span]
    return conditions


if __name__ == "__main__":
    main()
