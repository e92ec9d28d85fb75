"""The API as another system meets it: a token, and JSON."""

from collections.abc import Callable

import pytest

from tests.payments.api.helpers import Caller, caller_of
from tests.payments.factories import maker

MakeCaller = Callable[..., Caller]


@pytest.fixture
def caller(clean_cache: None) -> Caller:
    """A system that may do everything, in a maker's name."""
    return caller_of(maker())
