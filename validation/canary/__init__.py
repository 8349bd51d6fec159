"""The gate on a canary."""
