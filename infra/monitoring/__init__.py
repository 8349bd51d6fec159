"""Monitoring: what environments count, as one page for Prometheus, and the rules and dashboard that read it."""
