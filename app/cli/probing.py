"""``assay ledger probe``: whether the components of a pipeline answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.catalog.pipelines import PipelineForm
from app.cli.output import EXIT_FAIL, print_table
from app.client import Assay
from app.errors import Invalid


def probe(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE")],
    timeout: Annotated[float, typer.Option(min=0.1, max=300, help="Seconds for each component.")] = 10.0,
) -> None:
    """Ask each component that pipeline.yaml gives a url, and tell the ledger. Exits with 1 if one does not answer.

    Sends no credentials: a component that asks for them has answered.
    """
    from app.ledger import probing

    client = Assay()
    declared = client.pipeline(pipeline)["declaration"]
    form = PipelineForm.model_validate({**declared, "name": pipeline}) if declared else None
    components = [one for one in (form.components if form else ()) if one.url]
    if not components:
        raise Invalid(f"{pipeline} declares no component with a url: add it to pipeline.yaml and register that")
    events = probing.events(pipeline, components, datetime.now(UTC), timeout)
    taken = client.tell(events)
    rows = [
        (
            event["component"].replace("_", " "),
            event["name"],
            "answers" if event["reachable"] else "does not answer",
            event.get("version"),
            event.get("detail"),
            answer["reason"],
        )
        for event, answer in zip(events, taken, strict=True)
    ]
    print_table("", ("COMPONENT", "NAME", "", "VERSION", "DETAIL", "NOT TAKEN"), rows)
    refused = any(answer["status"] == "refused" for answer in taken)
    if refused or not all(event["reachable"] for event in events):
        raise typer.Exit(EXIT_FAIL)
