"""The way to one cluster: its API server, through a `kubectl proxy` of our own on a private socket.

Whatever a kubeconfig can say (exec plugins, OIDC, client certificates, proxies), kubectl does; requests are plain HTTP.
docs/decisions/0037-a-cluster-through-kubectl.md has the figures.
"""

import atexit
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from gateline.contracts.programs import Ran, run
from gateline.contracts.headers import HANDED_ON
from gateline.settings import KubernetesCluster, passing
from gateline.settings.errors import OutsideError, UsageError
from infra.host.processes import end

Body = dict[str, Any]
MANAGER = "gateline"
"""What the API server records as the owner of the fields that are set here."""
SECONDS, START_SECONDS, STOP_SECONDS, POLL_SECONDS = 30.0, 20.0, 2.0, 0.02
KEPT_ALIVE = 'exec 3<&0; kubectl "$@" 3<&- & p=$!; (read -r _ <&3; kill $p) 2>/dev/null & wait $p'
"""A shell that ends kubectl when this process, whose pipe it reads, is gone, however it went."""
RESOURCE = re.compile(r"/(?:api/v1|apis/([^/]+)/[^/]+)(?:/namespaces/[^/]+)?/([a-z]+)(?:/([^/]+)(?:/([a-z]+))?)?")
KEPT_BACK = {"authorization": HANDED_ON}
"""Headers that the API server would take as its own, and the name under which the service takes them."""
UNPACKED = ("content-encoding", "content-length")
"""Headers of an answer that no longer hold once it was read."""
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Api:
    """Requests to the API server. Each raises OutsideError where it does not answer, or refuses."""

    def __init__(self, cluster: KubernetesCluster) -> None:
        """Keep what to reach; nothing is started before the first request."""
        self._cluster = cluster

    def path(self, kind: str, name: str = "") -> str:
        """Return the path of an object, or of all objects of a kind such as `apps/v1/deployments`, in the namespace."""
        group, _, plural = kind.rpartition("/")
        root = "/api/v1" if group == "v1" else f"/apis/{group}"
        return f"{root}/namespaces/{self._cluster.namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, path: str) -> Body | None:
        """Return an object, or None where there is none."""
        answer = self.ask("GET", path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._json(answer)

    def items(self, kind: str, labels: Mapping[str, str]) -> list[Body]:
        """Return the objects of a kind that carry these labels."""
        selector = urlencode({"labelSelector": ",".join(f"{name}={value}" for name, value in labels.items())})
        found: list[Body] = (self.get(f"{self.path(kind)}?{selector}") or {}).get("items", [])
        return found

    def apply(self, kind: str, body: Body, *, dry_run: bool = False) -> Body:
        """Make an object what `body` says of it, by server-side apply; with `dry_run`, only return what it would be."""
        path = f"{self.path(kind, body['metadata']['name'])}?fieldManager={MANAGER}&force=true"
        path += "&dryRun=All" if dry_run else ""
        return self._json(self.ask("PATCH", path, body, "application/apply-patch+yaml"))

    def merge(self, kind: str, name: str, body: Body) -> Body:
        """Change the fields of an object that `body` names."""
        path = f"{self.path(kind, name)}?fieldManager={MANAGER}"
        return self._json(self.ask("PATCH", path, body, "application/merge-patch+json"))

    def swap(self, kind: str, body: Body) -> bool:
        """Write an object as it is in `body`; return False where it was changed, made or removed since it was read."""
        name, version = body["metadata"]["name"], body["metadata"].get("resourceVersion")
        way = ("PUT", self.path(kind, name)) if version else ("POST", self.path(kind))
        answer = self.ask(way[0], f"{way[1]}?fieldManager={MANAGER}", body)
        if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.NOT_FOUND) and (version or answer.status_code == 409):
            return False
        self._json(answer)
        return True

    def delete(self, kind: str, name: str) -> None:
        """Remove an object and what belongs to it; one that is gone is no mistake."""
        answer = self.ask("DELETE", f"{self.path(kind, name)}?propagationPolicy=Background")
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._json(answer)

    def logs(self, pod: str, lines: int) -> str:
        """Return the last lines of a pod's log; '' where there is none."""
        answer = self.ask("GET", f"{self.path('v1/pods', pod)}/log?tailLines={lines}")
        return answer.text.rstrip() if answer.is_success else ""

    def ask(
        self, method: str, path: str, body: Body | Sequence[Body] | None = None, media: str = "application/json"
    ) -> httpx.Response:
        """Send one request and return its answer, of any status but those that no caller can do anything about."""
        try:
            headers = {"Content-Type": media} if body is not None else {}
            answer = self.http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise OutsideError(f"{self} does not answer: {error}", "kubectl cluster-info") from None
        if answer.status_code == httpx.codes.FORBIDDEN and (_status(answer).get("details") or {}).get("causes") is None:
            raise OutsideError(f"{self} forbids it: {_told(answer)}", f"a Role with {right(method, path)} would allow it")
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise OutsideError(f"{self} does not know this account", "log in again: kubectl auth whoami")
        if answer.status_code in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE) and not _status(answer):
            raise OutsideError(f"{self} does not answer: {_first_line(answer.text) or answer}", "kubectl cluster-info")
        return answer

    def _json(self, answer: httpx.Response) -> Body:
        if not answer.is_success:
            raise OutsideError(f"{self} refuses it: {_told(answer)}", "fix what it names, then run the command again")
        found: Body = answer.json()
        return found

    def __str__(self) -> str:
        return f"namespace {self._cluster.namespace} of " + (
            f"context {self._cluster.context}" if self._cluster.context else "the kubeconfig's current context"
        )

    @cached_property
    def http(self) -> httpx.Client:
        """The way itself, kept for as long as this process lives."""
        transport = httpx.HTTPTransport(uds=str(self._proxy))
        return httpx.Client(transport=transport, base_url="http://localhost", timeout=SECONDS, trust_env=False)

    def kubectl(self, *words: str) -> Ran:
        """Run kubectl in the namespace; for what no plain request can do."""
        argv = [*_program(), *self._context(), f"--namespace={self._cluster.namespace}", *words]
        return run(argv, passing.without_keys())

    def close(self) -> None:
        """End the proxy, if it was started."""
        if "http" in vars(self):
            self.http.close()
            del self.http
        if "_proxy" in vars(self):
            self._stop()
            del self._proxy

    def _context(self) -> tuple[str, ...]:
        return (f"--context={self._cluster.context}",) if self._cluster.context else ()

    @cached_property
    def _proxy(self) -> Path:
        """The socket of a `kubectl proxy` that ends with this process. Raises OutsideError with what kubectl says."""
        _program()
        folder = Path(tempfile.mkdtemp(prefix="gl-", dir="/tmp"))  # nosec B108: a short path, made private by mkdtemp
        here, log = folder / "api.sock", folder / "kubectl.log"
        argv = ["sh", "-c", KEPT_ALIVE, "sh", "proxy", f"--unix-socket={here}", *self._context()]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=stream, stderr=stream, start_new_session=True, env=passing.without_keys()
            )

        def stop() -> None:
            if process.stdin:
                process.stdin.close()
            end(process, STOP_SECONDS)
            shutil.rmtree(folder, ignore_errors=True)

        self._stop = stop
        atexit.register(stop)
        deadline = time.monotonic() + START_SECONDS
        while not here.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace").strip() or f"no answer within {START_SECONDS:.0f} s"
                stop()
                raise OutsideError(f"kubectl proxy: {said}", "set KUBECONFIG, or environments.<name>.kubernetes.context")
            time.sleep(POLL_SECONDS)
        return here


class PodTransport(httpx.BaseTransport):
    """Sends each request to the pod that its host names, through the API server: nothing else of the cluster is reached."""

    def __init__(self, api: Api) -> None:
        """Use this way; it stays open when the client closes."""
        self._api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx.ConnectError where no pod answers, and what httpx raises where the way fails."""
        pod, _, port = request.url.netloc.decode().partition(":")
        path = f"{self._api.path('v1/pods', f'http:{pod}:{port}')}/proxy{request.url.raw_path.decode()}"
        headers = {KEPT_BACK.get(name, name): value for name, value in request.headers.items() if name != "host"}
        timeout = httpx.Timeout(**request.extensions.get("timeout", {"timeout": SECONDS}))
        try:
            answer = self._api.http.request(request.method, path, content=request.read(), headers=headers, timeout=timeout)
        except OutsideError as error:
            raise httpx.ConnectError(error.message, request=request) from None
        if answer.status_code in (404, 500, 502, 503) and (status := _status(answer)):  # the API server's, not the pod's
            raise httpx.ConnectError(str(status.get("message")), request=request)
        kept = [(name, value) for name, value in answer.headers.multi_items() if name not in UNPACKED]
        return httpx.Response(answer.status_code, headers=kept, content=answer.content, request=request)


def right(method: str, path: str) -> str:
    """Return what a Role must say to allow a request."""
    found = RESOURCE.match(path.partition("?")[0])
    group, resource, name, sub = found.groups() if found else ("", path, "", "")
    verb = "list" if method == "GET" and not name else VERBS.get(method, method.lower())
    return f"apiGroups [{group or ''!r}], resources [{'/'.join(filter(None, (resource, sub)))!r}], verbs [{verb!r}]"


def _program() -> list[str]:
    if shutil.which("kubectl") is None:
        raise UsageError("kubectl is not installed: clusters are reached through it", "https://kubernetes.io/docs/tasks/tools")
    return ["kubectl"]


def _status(answer: httpx.Response) -> Body:
    """Return the Status object in which the API server refuses; empty where it is none."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return {}
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def _told(answer: httpx.Response) -> str:
    return str(_status(answer).get("message") or _first_line(answer.text) or answer.status_code)
