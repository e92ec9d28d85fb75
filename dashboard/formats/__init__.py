"""Where a language writes numbers otherwise than Django says."""
