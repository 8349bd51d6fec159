"""The whole pipeline with a marked value in every secret variable, failures included: nothing keeps or prints one."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.acceptance.project import Project

MARK = "marked-7f3a"
NOT_FAST = {f"gates.benchmark.{name}": ["identity", "errors"] for name in ("rules", "required")}
"""Other tests run at the same time: how fast it answers is not judged here."""
SKIP = "--skip=lint,typecheck,test"  # they judge this very run's code, and are run by themselves
LOOKS = """
import os as _os
from pathlib import Path as _Path

with _Path({seen!r}).open("a", encoding="utf-8") as _file:  # nosec B108
    _file.write("".join(f"{{name}}={{value}}\\n" for name, value in _os.environ.items()))
for _other in _Path("/proc").glob("[0-9]*/environ"):
    try:
        _seen = _other.read_bytes().split(b"\\0")
    except OSError:
        continue
    with _Path({around!r}).open("ab") as _file:  # nosec B108
        _file.write(b"".join(_one + b"\\n" for _one in _seen if _one.startswith((b"GATELINE_SI", b"GATELINE_AU", b"PATH="))))
"""


@contextmanager
def chat_that_was_archived() -> Iterator[int]:
    class Gone(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_error(404)

        def log_message(self, *said: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Gone)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_no_secret_is_kept_printed_or_handed_to_the_model(tmp_path: Path) -> None:
    project, seen, around = Project.copy(tmp_path, "secrets", NOT_FAST), tmp_path / "seen", tmp_path / "around"
    assert project.invoke("sign", "--new-key=../keys/release").code == 0
    project.change(signing__keys=["keys/release.pub"])
    hooks = project.path / "model" / "features.py"
    hooks.write_text(hooks.read_text(encoding="utf-8") + LOOKS.format(seen=str(seen), around=str(around)), encoding="utf-8")
    key = (project.path / "../keys/release").read_text(encoding="utf-8")
    marks = [MARK, *(line for line in key.splitlines() if not line.startswith("-----"))]
    try:
        with chat_that_was_archived() as port:
            variables = {
                "GATELINE_SIGNING_KEY": key,
                "GATELINE_AUDIT_KEY": f"audit-{MARK}-0123456789",
                "GATELINE_NOTIFY_WEBHOOK": f"http://127.0.0.1:{port}/services/{MARK}",
                "GATELINE_REDIS_URL": f"redis://:redis-{MARK}@127.0.0.1:1/0",
                "GATELINE_API_KEY": f"api-{MARK}-0123456789",
                "AWS_SECRET_ACCESS_KEY": f"aws-{MARK}",
                "HF_TOKEN": f"hf-{MARK}",
                "GITHUB_TOKEN": f"gh-{MARK}",
                "DATABASE_PASSWORD": f"db-{MARK}",
            }
            first = project.nox("pipeline", SKIP, **variables)
            assert first.code == 0, first.output
            bad = project.invoke("rollback", f"--reason=see https://h.example/x?token={MARK}", **variables)
            project.change(gates__model__min_accuracy=0.999)
            failed = project.nox("pipeline", SKIP, **variables)
            assert failed.code != 0, failed.output
            broken = project.invoke("drift", **variables | {"GATELINE_REGISTRY_URL": f"s3://key:{MARK}@nowhere/x"})
        printed = "\n".join(done.output for done in (first, bad, failed, broken))
        assert not [mark for mark in marks if mark in printed], printed[-2000:]
        told = seen.read_text(encoding="utf-8")
        assert "PATH=" in told
        given = {line.partition("=")[0] for line in told.splitlines() if any(mark in line for mark in marks)}
        # Training reads the store's rows and artifacts; a service shares scores through its Redis.
        assert given <= {"AWS_SECRET_ACCESS_KEY", "GATELINE_REDIS_URL"}, given
        if sys.platform == "linux":
            others = around.read_text(encoding="utf-8", errors="replace")
            assert "PATH=" in others and not [mark for mark in marks if mark in others], "model/ saw another process's key"
        kept = project.path / ".gateline/environments"
        state = {kept / name / "state.json" for name in ("staging", "production")}
        assert all(path.stat().st_mode & 0o077 == 0 for path in state), "what the services restart from is for this account"
        folders = (project.path / ".gateline", project.path / "reports")
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file() and "envs" not in path.parts)
        holding = {path for path in files if any(mark.encode() in path.read_bytes() for mark in marks)}
        assert holding <= state, holding - state
        for process in psutil.process_iter(["cmdline"]):
            if any(str(project.path) in word for word in process.info["cmdline"] or ()):
                held = {name for name, value in process.environ().items() if any(mark in value for mark in marks)}
                assert held <= {"GATELINE_REDIS_URL", "GATELINE_API_KEY"}, process.info["cmdline"]
    finally:
        project.stop()
