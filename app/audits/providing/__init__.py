"""Evidence by area, each module with its ``PROVIDERS``; ``app.audits.providers`` has what every audit may need."""

from collections.abc import Mapping

from app.audits.providing import (
    ages,
    canary,
    code,
    declared,
    dependencies,
    experiments,
    gains,
    handed_in,
    lead_times,
    moment,
    operation,
    organisation,
    personal,
    profiles,
    reports,
    traffic,
    versions,
)
from app.audits.providing.contract import Provided, Providers

MODULES = (
    ages,
    canary,
    code,
    declared,
    dependencies,
    experiments,
    gains,
    handed_in,
    lead_times,
    moment,
    operation,
    organisation,
    personal,
    profiles,
    reports,
    traffic,
    versions,
)
PROVIDERS: Providers = {kind: provide for module in MODULES for kind, provide in module.PROVIDERS.items()}
AHEAD: Mapping[type, type] = reports.AHEAD
"""What another process makes slowly, by the evidence that it is needed for."""

__all__ = ["AHEAD", "PROVIDERS", "Provided"]
