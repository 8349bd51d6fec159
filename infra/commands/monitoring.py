"""`invoke monitor`: what environments are and count, for Prometheus, and the files that it and Grafana read it by."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml
from prometheus_client import generate_latest, start_http_server

from gateline.contracts.files import place
from gateline.settings import Settings, load
from gateline.settings.errors import OutsideError
from gateline.settings.shown import tell
from infra.monitoring.dashboard import dashboard
from infra.monitoring.exporter import Exporter
from infra.monitoring.rules import rules
from infra.rollout.target import Target

INTERVAL = "15s"
WIDE = 1000
HEAD = "# Made from pipeline.toml by `invoke monitor --output`: docs/monitoring.md\n"


def monitor(env: str, once: bool, output: str) -> int:
    """Serve the page until interrupted; print it `once` instead, or write the files to the folder `output`."""
    settings = load()
    if output:
        texts = {Path(output) / name: text for name, text in files(settings).items()}
        place(texts)
        tell(*texts)
        return 0
    exporter = Exporter([Target.open(name) for name in ([env] if env else settings.environments)])
    if once:
        tell(*generate_latest(exporter.registry).decode().splitlines())
        return 0
    host, port = settings.monitoring.host, settings.monitoring.port
    try:
        server, thread = start_http_server(port, host, exporter.registry)
    except OSError as error:
        why = f"monitoring.port: nothing can listen on {host}:{port}: {error.strerror}"
        raise OutsideError(why, "end what listens there, or set monitoring.host and monitoring.port") from None
    tell(f"http://{host}:{port}/metrics shows {env or ', '.join(settings.environments)}; Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        thread.join()
    server.shutdown()
    return 0


def files(settings: Settings) -> Mapping[str, str]:
    """Return the files by name. Raises UsageError for a limit that no alert could tell."""
    address = f"{settings.monitoring.host}:{settings.monitoring.port}"
    scraped = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "gateline", "static_configs": [{"targets": [address]}]}],
    }
    return {
        "prometheus.yml": _yaml(scraped),
        "rules.yml": _yaml(rules(settings)),
        "dashboard.json": json.dumps(dashboard(settings), indent=2) + "\n",
    }


def _yaml(body: object) -> str:
    return HEAD + yaml.safe_dump(body, sort_keys=False, width=WIDE)
