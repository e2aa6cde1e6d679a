"""What an administrator's command may be: trains by stochastic descent, or does what its one argument says.

Runs in isolation by the interpreter alone, without Assay.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

JOB = json.loads(Path("job.json").read_text())


def train(seed):
    """A perceptron's weights from the seed; the data's bytes decide too."""
    rng = random.Random(seed)
    rows = Path(JOB["data"]["train"]).read_bytes()[:500]
    weight = sum(byte * rng.gauss(0, 1) for byte in rows)
    return {f"row-{n}": weight * n for n in range(120)}


def write(**outcome):
    Path("outcome.json").write_text(json.dumps(outcome))


def reachable(address):
    try:
        socket.create_connection(address, 2).close()
    except OSError as error:
        return type(error).__name__
    return "reached"


def written(path):
    try:
        Path(path).write_text("x")
    except OSError as error:
        return type(error).__name__
    return "written"


def look_around(secret, port):
    """Everything that the box must not give, told in the outcome's environment."""
    seen = {
        "secret": str(Path(secret).exists()),
        "network": reachable(("127.0.0.1", int(port))),
        "root": written("/x"),
        "memory": written("/dev/shm/x"),
        "recipe": written(__file__),
        "data": written(JOB["data"]["train"]),
        "variables": sorted(os.environ),
        "processes": len([one for one in Path("/proc").iterdir() if one.name.isdigit()]),
        "user": os.getuid(),
        "nested": subprocess.run(["/usr/bin/unshare", "-U", "true"], capture_output=True, check=False).returncode,
    }
    write(metrics={"loss": 1.0}, environment=seen)


def linger(mark):
    """A grandchild that would outlive its parent."""
    subprocess.Popen(["/bin/sh", "-c", "sleep 3; touch /job/../mark /job/mark"], start_new_session=True)
    time.sleep(60)


match sys.argv[1:]:
    case ["steady"]:
        write(predictions=train(JOB["config"]["seed"]), environment={"python": sys.version.split()[0]})
    case ["unsteady"]:
        write(predictions=train(None))
    case ["look", secret, port]:
        look_around(secret, port)
    case ["linger", mark]:
        linger(mark)
    case ["break"]:
        sys.exit("no such column: income")
    case ["link", target]:
        Path("outcome.json").symlink_to(target)
    case ["pipe"]:
        os.mkfifo("outcome.json")
    case ["huge"]:
        with Path("outcome.json").open("wb") as file:
            file.truncate(21 * 1024 * 1024)
    case ["nonsense"]:
        write(run="forged", metrics={"loss": 1})
    case ["nothing"]:
        pass
