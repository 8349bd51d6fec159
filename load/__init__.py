"""Load on a service: locust users that send payloads made from the schema, and what they saw."""
