"""The pages of the payments desk."""
