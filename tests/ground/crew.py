"""A crew of stand-ins, run as a program of its own: `python -m tests.ground.crew LOGS [LAST]`.

Each stand-in has a child of its own and prints both process ids. LAST is the Python text of the
program that starts last.
"""

import os
import sys
from pathlib import Path

from dashboard.processes import Crew, Program

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "1000"])
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(1000)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + PARENT


def main(logs: str, last: str = PARENT) -> None:
    crew = Crew(environment=os.environ, logs=Path(logs), show=show)
    programs = [
        Program(name="first", command=[sys.executable, "-c", PARENT]),
        Program(name="last", command=[sys.executable, "-c", last]),
    ]
    trouble = crew.run(programs, when_ready=lambda: print("ready", flush=True))
    print(f"over: {trouble}", flush=True)


def show(name: str, line: str) -> None:
    print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
