"""From data to a candidate: read, fit, measure, describe, store."""
