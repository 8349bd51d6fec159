"""Releases as Deployments of a Kubernetes cluster: it schedules, balances and restarts; here is what Gateline adds."""
