"""The gate on data."""
