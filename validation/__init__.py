"""Judgement of data and models: pure rules that return verdicts."""
