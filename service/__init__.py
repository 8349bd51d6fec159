"""The prediction service: a release behind HTTP."""
