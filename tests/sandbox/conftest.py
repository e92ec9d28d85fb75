from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.sandbox.helpers import Bench, bench


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """Benches with settings of their own."""
    with ExitStack() as stack:
        yield lambda **luxcore: stack.enter_context(bench(**luxcore))


@pytest.fixture
def luxcore(make_bench: Callable[..., Bench]) -> Bench:
    """A sandbox with the documented settings, at noon."""
    return make_bench()
