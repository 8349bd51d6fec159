"""The security stage: dependencies, secrets, code, workflow, model file and locks, scanned and judged."""
