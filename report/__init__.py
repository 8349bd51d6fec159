"""Pages and summaries from verdicts."""

from report.writing import refresh, write

__all__ = ["refresh", "write"]
