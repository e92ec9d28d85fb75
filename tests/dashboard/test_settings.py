"""What the settings of the suite hear, and what they do not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

SAYS_WHAT_IS_READ = """
import environ
environ.Env.read_env = lambda *paths: print("heard", *paths)
import {module}
"""


@pytest.mark.parametrize(
    ("module", "tests", "heard"),
    [
        ("tests.settings", None, False),
        ("dashboard.settings", "kept", False),
        ("dashboard.settings", None, True),
    ],
)
def test_no_test_and_no_process_of_one_hears_the_env_file(
    module: str, tests: str | None, heard: bool
) -> None:
    environment = {"PYTHONPATH": str(settings.BASE_DIR), **os.environ, "SECRET_KEY": "x"}
    if tests is None:
        del environment["LIGHTDESK_TESTS"]

    done = subprocess.run(
        [sys.executable, "-c", SAYS_WHAT_IS_READ.format(module=module)],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("heard" in done.stdout) == heard
