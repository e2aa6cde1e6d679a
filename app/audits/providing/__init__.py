"""Evidence by area, each module with its ``PROVIDERS``; ``app.audits.providers`` has what every audit may need."""

from app.audits.providing import ages, dependencies, moment, operation, profiles, reports, traffic
from app.audits.providing.contract import Provided, Providers

MODULES = (ages, dependencies, moment, operation, profiles, reports, traffic)
PROVIDERS: Providers = {kind: provide for module in MODULES for kind, provide in module.PROVIDERS.items()}

__all__ = ["PROVIDERS", "Provided"]
