"""A child that does what its request says, to see what its limits allow."""

import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from app import sandbox


def memory(megabytes):
    return len(bytearray(megabytes * 1024 * 1024))


def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "burnt"


def sleep(seconds):
    time.sleep(seconds)
    return "slept"


def grandchild(path):
    """Starts a process that outlives us and would write a file."""
    code = f"import time; time.sleep(1.5); open({path!r}, 'w').close()"
    subprocess.Popen([sys.executable, "-c", code])
    time.sleep(60)


def write(megabytes):
    with Path("big").open("wb") as file:
        file.write(bytes(megabytes * 1024 * 1024))
    return Path("big").stat().st_size


def open_files(count):
    return len([open(os.devnull) for _ in range(count)])  # noqa: PTH123


def surroundings(_):
    files = [path.name for path in Path().iterdir()]
    return {"environment": sorted(os.environ), "folder": str(Path.cwd()), "path": sys.path, "files": files}


def chatter(_):
    print("to stdout")  # noqa: T201
    os.write(1, b"from C\n")
    print("the last words", file=sys.stderr)  # noqa: T201
    return "answered"


def crash(_):
    print("about to fall", file=sys.stderr, flush=True)  # noqa: T201
    ctypes.string_at(0)


def leave(code):
    sys.exit(code)


def garbage(_):
    return None


def main():
    sandbox.confine_from_arguments()
    answers = sandbox.take_stdout()
    request = json.load(sys.stdin)
    result = globals()[request["do"]](request.get("with"))
    answers.write(b"no json" if result is None else json.dumps({"result": result}).encode())
    answers.close()


if __name__ == "__main__":
    main()
