"""The handover between packages: artifacts, aliases, verdicts, releases and the audit log."""
