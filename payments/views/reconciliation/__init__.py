"""Our books against theirs: the page over all providers, and one page per difference."""
