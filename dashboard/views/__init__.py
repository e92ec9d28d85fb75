"""The pages of the shell: home, search, upstreams, preferences and what goes wrong."""

from dashboard.views.errors import csrf_failure

__all__ = ["csrf_failure"]
