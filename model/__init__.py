"""Your own code: estimator, features, metrics and hooks. Shipped with every release; never touched by an update."""
