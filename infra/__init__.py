"""Operating environments: build, engines, rollout, the pipeline itself."""
