"""What the system around a model depends on: fingerprints, and that somebody is told when one changes."""

from app.monitoring.dependencies.service import plant_due

__all__ = ["plant_due"]
