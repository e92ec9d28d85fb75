"""LuxCore's endpoints, one method each, by resource."""
