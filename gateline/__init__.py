"""The ground that everything stands on: settings, contracts, registry, rows, reports."""
