"""The components every page is composed of. Inputs and examples: docs/components.md."""

from dashboard.templatetags.desk import boxes, cells, details, frame, lists
from dashboard.templatetags.desk.library import register

__all__ = ["boxes", "cells", "details", "frame", "lists", "register"]
