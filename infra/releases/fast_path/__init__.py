"""A model written out as Python, so that rows are scored without scikit-learn: made at build, and compared there."""
