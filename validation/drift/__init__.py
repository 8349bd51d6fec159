"""The gate on drift."""
