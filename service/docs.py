"""The documentation page: the request as the schema makes it, and a form to try it. Loads nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from string import Template
from typing import Any

from gateline.contracts.release import Release
from service.columns import allowed
from service.requests import Requests

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; }
code, pre, textarea { font: 14px/1.4 ui-monospace, monospace; }
pre { background: #f5f5f5; padding: .8rem; overflow-x: auto; white-space: pre-wrap; }
textarea { width: 100%; height: 12rem; box-sizing: border-box; }
</style>
</head>
<body>
<h1>$title</h1>
<p>Model $version, release <code>$release</code>. The machine-readable form of this page is
<a href="/openapi.json">/openapi.json</a>; counters are at
<a href="/metrics">/metrics</a>, readiness at <a href="/health/ready">/health/ready</a>.</p>
<h2>POST /predict</h2>
<p>One row in the order below: <code>{"features": [...]}</code>; one row by name:
<code>{"features": {...}}</code>; 1 to $max_rows rows by name: <code>{"rows": [{...}, ...]}</code>.
At most $max_body bytes. A missing value is <code>null</code>.</p>
<table>
<thead><tr><th>column</th><th>type</th><th>allowed</th><th>example</th><th>meaning</th></tr></thead>
<tbody>
$rows
</tbody>
</table>
<h2>Try it</h2>
<textarea id="body" aria-label="request body">$example</textarea>
<p><button id="send">Predict</button></p>
<pre id="answer" aria-live="polite"></pre>
<script>
document.getElementById("send").onclick = async () => {
  const body = document.getElementById("body").value;
  const answer = await fetch("/predict", {method: "POST", headers: {"Content-Type": "application/json"}, body});
  document.getElementById("answer").textContent = answer.status + "\\n" + JSON.stringify(await answer.json(), null, 2);
};
</script>
</body>
</html>
""")


def page(release: Release, requests: Requests) -> str:
    """Return the page of a release that takes these requests."""
    cells = [
        (column.name, column.dtype, allowed(column), json.dumps(example, ensure_ascii=False), column.description)
        for column, example in zip(requests.schema.features, requests.example)
    ]
    example = json.dumps(requests.examples()["by name"], indent=2, ensure_ascii=False)
    return PAGE.substitute(
        title=escape(f"{release.project} predictions"),
        version=escape(release.version),
        release=escape(release.digest[:12]),
        max_rows=release.service.max_rows,
        max_body=release.service.max_body_bytes,
        rows="\n".join(map(_row, cells)),
        example=escape(example),
    )


def _row(cells: tuple[Any, ...]) -> str:
    return f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
