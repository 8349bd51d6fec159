"""The gate on speed."""
