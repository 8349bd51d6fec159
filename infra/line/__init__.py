"""The pipeline: its stages in order, how they ended, and what is said at the end."""
