"""The control door: for tests and for curious people on the same machine. No upstream has it."""
