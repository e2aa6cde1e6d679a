"""The cases: for every computed test at least three faults of stated strength and three healthy twins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.faults.worlds import World

Plant = Callable[[int], World]


@dataclass(frozen=True)
class Case:
    """``plant(seed)`` makes the world. A "strong" fault must be found, a "weak" one is at the edge of what can be;
    what is "healthy" must not fail.
    """

    test: str
    strength: str
    plant: Plant

    @property
    def id(self) -> str:
        return f"{self.test}/{self.plant.__name__}"


class Cases(list[Case]):
    """Collects what its decorators mark."""

    def strong(self, test: str) -> Callable[[Plant], Plant]:
        return self._of(test, "strong")

    def weak(self, test: str) -> Callable[[Plant], Plant]:
        return self._of(test, "weak")

    def healthy(self, test: str) -> Callable[[Plant], Plant]:
        return self._of(test, "healthy")

    def _of(self, test: str, strength: str) -> Callable[[Plant], Plant]:
        def mark(plant: Plant) -> Plant:
            self.append(Case(test, strength, plant))
            return plant

        return mark


def all_cases() -> list[Case]:
    from benchmarks.faults.cases import data, infra, model, monitoring

    return [case for module in (data, model, infra, monitoring) for case in module.CASES]
