"""KYC cases: followed from Lux Financial, reviewed here, and decided by as many as it takes."""
