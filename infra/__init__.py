"""Operating environments: build, engines, rollout, the line itself."""
