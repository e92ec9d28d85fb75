"""Looking at the processes of this machine."""

import os
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that ended and was not collected yet does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def started_with(variable: str, value: str) -> list[str]:
    """Return the commands of all processes that carry `variable=value` in their environment."""
    wanted = f"{variable}={value}".encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                found.append(command.replace(b"\0", b" ").decode())
        except OSError:  # gone meanwhile, or somebody else's
            continue
    return [command for command in found if command]
