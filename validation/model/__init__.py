"""The gate on a model."""
