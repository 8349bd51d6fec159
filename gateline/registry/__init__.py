"""The handover between rooms: artifacts, aliases, verdicts, releases and the audit log."""
