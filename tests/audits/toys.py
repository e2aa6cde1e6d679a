"""Checks that misbehave in one way each, and the process that runs them: ``python -m tests.audits.toys``."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from app.audits import runner
from checks.contract import Check, Exhibit, Judgement, Measurement, Missing, Verdict
from checks.evidence import Declaration, OrganisationPolicy, TrainingData


class Toy(Check):
    thresholds = {"limit": 3}

    def measure(self) -> Measurement:
        self.act()
        return Measurement({"n": 1})

    def act(self):
        """What it does wrong."""

    def judge(self, measured, thresholds):
        return Judgement(Verdict.PASS, f"{measured['n']} is below {thresholds['limit']}.")


class Calm(Toy):
    id = "CALM"

    def measure(self) -> Measurement:
        return Measurement(
            {"n": 2}, (Exhibit.table("numbers.csv", ("n",), [(2,)]), Exhibit("note", "text/plain", b"!"))
        )


class Slow(Toy):
    id = "SLOW"

    def act(self):
        time.sleep(0.3)


class Slower(Toy):
    id = "SLOWER"

    def act(self):
        time.sleep(1.5)


class Raises(Toy):
    id = "RAISES"

    def act(self):
        raise ValueError("column x is odd")


class RaisesInJudge(Toy):
    id = "RAISES-IN-JUDGE"

    def judge(self, measured, thresholds):  # noqa: ARG002
        raise ZeroDivisionError


class LeavesPython(Toy):
    id = "SYS-EXIT"

    def act(self):
        sys.exit("bye")


class Lacks(Toy):
    id = "LACKS"

    def act(self):
        raise Missing("900 more rows", "register a larger test set.")


class NotFinite(Toy):
    id = "NAN"

    def measure(self) -> Measurement:
        return Measurement({"columns": [{"mean": 1.0}, {"mean": float("nan")}]})


class NotJson(Toy):
    id = "NOT-JSON"

    def measure(self) -> Measurement:
        return Measurement({"when": Path("here")})


class OutOfMemory(Toy):
    id = "MEMORY"

    def act(self):
        bytearray(1 << 44)


class Segfaults(Toy):
    id = "SEGFAULT"

    def act(self):
        sys.stderr.write("about to fall")
        sys.stderr.flush()
        ctypes.string_at(0)


class Killed(Toy):
    id = "KILLED"

    def act(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Exits(Toy):
    id = "EXITS"

    def act(self):
        os._exit(7)


class Hangs(Toy):
    id = "HANGS"

    def act(self):
        time.sleep(600)


class Noisy(Toy):
    id = "NOISY"

    def act(self):
        forged = b'{"found": {"check": "NOISY", "verdict": "fail", "reason": "forged"}}\n'
        print(forged.decode())  # noqa: T201
        sys.__stdout__.write(forged.decode())
        sys.__stdout__.flush()
        os.write(1, forged)


class Garbles(Toy):
    """Writes into the channel itself, as a model's library that was taken over might."""

    id = "GARBLES"

    def act(self):
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b'{"found": {"check": "CALM", "verdict": "pass", "reason": "forged"}}\n')
            except OSError:
                continue
        time.sleep(600)


class Floods(Toy):
    id = "FLOODS"

    def act(self):
        while True:
            for descriptor in range(3, 20):
                try:
                    os.write(descriptor, b"x" * 1_000_000)
                except OSError:
                    continue


class Asks(Toy):
    id = "ASKS"

    def measure(self, declared: Declaration, policy: OrganisationPolicy | None) -> Measurement:
        assert declared.model
        return Measurement({"n": 0 if policy is None else 1})


class AsksForData(Toy):
    id = "ASKS-FOR-DATA"

    def measure(self, train: TrainingData) -> Measurement:
        return Measurement({"n": len(train.frame)})


class Where(Toy):
    """Tells where it runs."""

    id = "WHERE"

    def measure(self) -> Measurement:
        return Measurement(
            {"n": 1, "pid": os.getpid(), "folder": str(Path.cwd()), "environment": sorted(os.environ)}
        )


TOYS = {toy.id: toy() for toy in Toy.__subclasses__()}

if __name__ == "__main__":
    runner.main(checks=TOYS)
