"""The lock: everything asked for is pinned, hashed, and the same in both files."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(settings.BASE_DIR) / "requirements"


def asked_for(name: str) -> dict[str, Requirement]:
    lines = (FOLDER / name).read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(requirement.name): requirement for requirement in wanted}


def locked(name: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==(\S+) \\$", (FOLDER / name).read_text(), flags=re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


class TestLock:
    @pytest.mark.parametrize("name", ["app", "dev"])
    def test_pins_everything_asked_for(self, name: str) -> None:
        versions = locked(f"{name}.txt")

        for package, requirement in asked_for(f"{name}.in").items():
            assert requirement.specifier.contains(versions[package]), package

    @pytest.mark.parametrize("name", ["app.txt", "dev.txt"])
    def test_holds_pins_and_hashes_and_no_address(self, name: str) -> None:
        lines = (FOLDER / name).read_text().splitlines()
        entry = re.compile(r"[\w.-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?|    # via .*|#.*")

        assert [line for line in lines if line and not entry.fullmatch(line)] == []
        assert not any("://" in line for line in lines)

    def test_tests_what_runs(self) -> None:
        assert locked("app.txt").items() <= locked("dev.txt").items()
