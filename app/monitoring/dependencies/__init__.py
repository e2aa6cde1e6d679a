"""What the system around a model depends on: fingerprints, and that somebody is told when one changes."""

from app.monitoring.dependencies.service import drills_due, plant_due

__all__ = ["drills_due", "plant_due"]
