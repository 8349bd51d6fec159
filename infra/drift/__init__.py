"""Drift: what an environment has seen since, and the labels that arrived, held against training."""
