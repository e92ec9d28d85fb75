"""What people ask Lux Financial to do about customers: how it is said, sent, found and settled."""
