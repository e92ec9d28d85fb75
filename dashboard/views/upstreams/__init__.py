"""The pages about the outside world: what was read, what arrived, what is sent."""
