"""Measurements that back the figures in docs/; each prints its table."""
