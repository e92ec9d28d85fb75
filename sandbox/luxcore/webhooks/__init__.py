"""Webhooks: the endpoints that manage them, and the delivery of events."""
