"""What every endpoint of `/api/` stands on: who asks, how often, page by page, and how it says no.

`settings.REST_FRAMEWORK` names these parts, so a package's own endpoints only say what they do.
"""
