"""Finding the Chromium that browser tests drive."""

import os
import shutil


def chromium_executable() -> str | None:
    """Return the path of Chromium: `CHROMIUM` from the environment, else the one on the PATH."""
    if named := os.environ.get("CHROMIUM"):
        return named
    return shutil.which("chromium") or shutil.which("chromium-browser")
