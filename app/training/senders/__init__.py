"""The ways by which a pipeline is asked to train: each starts one run, and tells what proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.alerts.channels import Wires
from app.training.senders import github, kubeflow, webhook
from app.training.senders.call import Call, Started

SENDERS: Mapping[str, Callable[[Call, Wires], Started]] = {
    "webhook": webhook.send,
    "kfp": kubeflow.send,
    "github": github.send,
}

__all__ = ["SENDERS", "Call", "Started"]
