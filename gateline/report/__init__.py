"""Pages and summaries from verdicts."""

from gateline.report.writing import refresh, write, write_site

__all__ = ["refresh", "write", "write_site"]
