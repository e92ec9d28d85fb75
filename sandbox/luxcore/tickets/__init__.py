"""Support tickets: conversation with LuxCore's people, with attachments."""
