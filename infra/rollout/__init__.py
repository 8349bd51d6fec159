"""Changing what an environment runs: phases, decisions, and the record of both."""
