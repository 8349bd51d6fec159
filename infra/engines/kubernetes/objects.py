"""The objects that one environment is made of, as the API server takes them; pure.

Pods keep to Pod Security `restricted`. Nothing of a pod's template ever changes: a slot is a label of its Deployment alone.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateline.contracts.slots import Slot
from gateline.settings import KubernetesCluster
from infra.engines.kubernetes import watcher
from infra.engines.kubernetes.api import Body
from infra.engines.kubernetes.names import DEPLOYMENT, PLAN, POOL, RELEASE, REPLICAS, SLOT, VERSION, Names
from infra.engines.kubernetes.state import Workload

PORT = 8000
CONTAINER = "service"
PREDICTIONS = "/var/lib/predictions"
FIXED = {"GATELINE_WORKERS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GATELINE_LOG_DIR": PREDICTIONS}
SPARE_SECONDS = 10
HUNG_GRACE_SECONDS = 3
"""What hangs does not finish its requests either."""
PROGRESS_SECONDS = 600
LOCKED_DOWN: Body = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What Pod Security `restricted` asks of a container, and a root file system that nothing is written to."""
USER = 65532
WATCHER_FILE = Path(watcher.__file__)
KINDS = (
    "apps/v1/deployments", "v1/services", "gateway.networking.k8s.io/v1/httproutes", "v1/configmaps",
    "coordination.k8s.io/v1/leases", "rbac.authorization.k8s.io/v1/rolebindings", "rbac.authorization.k8s.io/v1/roles",
    "v1/serviceaccounts", "v1/secrets",
)  # fmt: skip
"""The kinds that an environment may have objects of; the state is among the last, so that what is left is found again."""


class Objects:
    """The objects of one environment."""

    def __init__(self, names: Names, cluster: KubernetesCluster, port: int) -> None:
        """`port` is that of the Services."""
        self._names, self._cluster, self._port = names, cluster, port

    def secret(self, slot: Slot, wanted: Workload) -> Body:
        """Return what the service of a workload is given as variables: the token and keys are in it."""
        about = self._about(slot, wanted)
        return {"apiVersion": "v1", "kind": "Secret", "metadata": about, "type": "Opaque", "stringData": {**wanted.variables}}

    def deployment(self, slot: Slot, wanted: Workload, replicas: int, patience: float) -> Body:
        """Return the Deployment of a workload; it may take `patience` seconds until a pod is ready."""
        pods = self._names.own | {DEPLOYMENT: self._names.of(wanted.name)}
        pods |= {POOL + pool: "yes" for pool in wanted.pools}
        about = self._about(slot, wanted)
        about["annotations"] = {REPLICAS: str(replicas), RELEASE: wanted.release.digest}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": about,
            "spec": {
                "replicas": replicas,
                "revisionHistoryLimit": 1,
                "progressDeadlineSeconds": PROGRESS_SECONDS,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
                "selector": {"matchLabels": {DEPLOYMENT: self._names.of(wanted.name)}},
                "template": {
                    "metadata": {"labels": self._names.labels("service") | pods | self._versions(wanted)},
                    "spec": self._pod(wanted, patience),
                },
            },
        }

    def service(self, slot: Slot, wanted: Workload) -> Body:
        """Return the Service of one workload alone, for the HTTPRoute to weigh."""
        return self._service(self._about(slot, wanted), {DEPLOYMENT: self._names.of(wanted.name)})

    def entry(self, selector: Mapping[str, str], plan: Body) -> Body:
        """Return the Service that callers ask, where no Gateway shares the traffic."""
        about: Body = {"name": self._names.prefix, "labels": self._names.labels("entry")}
        return self._service(about | {"annotations": {PLAN: json.dumps(plan)}}, selector)

    def route(self, backends: list[Body], plan: Body) -> Body:
        """Return the HTTPRoute that shares the traffic by weights."""
        namespace, _, name = self._cluster.gateway.partition("/")
        spec: Body = {
            "parentRefs": [{"namespace": namespace, "name": name}],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": backends}],
        }
        spec |= {"hostnames": [self._cluster.hostname]} if self._cluster.hostname else {}
        about = {"name": self._names.prefix, "labels": self._names.labels("entry"), "annotations": {PLAN: json.dumps(plan)}}
        return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": about, "spec": spec}

    def heartbeat(self, now: str) -> Body:
        """Return the Lease that a controller renews while it lives."""
        about = {"name": self._names.heartbeat, "labels": self._names.labels("heartbeat")}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": about, "spec": {"renewTime": now}}

    def watcher_account(self) -> list[tuple[str, Body]]:
        """Return the watcher's account and all that it may do, by kind."""
        name = self._names.watcher
        about = {"name": name, "labels": self._names.labels("watcher")}
        api = "rbac.authorization.k8s.io"
        shared = ("gateway.networking.k8s.io", "httproutes") if self._cluster.gateway else ("", "services")
        rules = [
            _rule("coordination.k8s.io", "leases", "get", name=self._names.heartbeat),
            _rule(*shared, "get", "patch", name=self._names.prefix),
            *([_rule("apps", "deployments", "list")] if self._cluster.gateway else ()),
        ]
        return [
            ("v1/serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}),
            (f"{api}/v1/roles", {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": about, "rules": rules}),
            (f"{api}/v1/rolebindings", {
                "apiVersion": f"{api}/v1", "kind": "RoleBinding", "metadata": about,
                "roleRef": {"apiGroup": api, "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self._cluster.namespace}],
            }),
        ]  # fmt: skip

    def watcher(self, image: str, paths: tuple[str, str, str]) -> list[tuple[str, Body]]:
        """Return the watcher, by kind: its program, and what runs that from a release's image; `paths` are its arguments."""
        about = {"name": self._names.watcher, "labels": self._names.labels("watcher")}
        program = {WATCHER_FILE.name: WATCHER_FILE.read_text(encoding="utf-8")}
        files: Body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": program}
        small = {"cpu": "100m", "memory": "96Mi"}
        pod = self._secured({
            "serviceAccountName": self._names.watcher,
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "watcher",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-S", f"/opt/watcher/{WATCHER_FILE.name}", *paths],
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": small},
                "securityContext": LOCKED_DOWN,
                "volumeMounts": [{"name": "program", "mountPath": "/opt/watcher", "readOnly": True}],
            }],
            "volumes": [{"name": "program", "configMap": {"name": self._names.watcher}}],
        })  # fmt: skip
        labels = self._names.labels("watcher") | {DEPLOYMENT: self._names.watcher}
        deployment: Body = {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": about,
            "spec": {
                "replicas": 1,
                "revisionHistoryLimit": 1,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
                "selector": {"matchLabels": {DEPLOYMENT: self._names.watcher}},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }  # fmt: skip
        return [("v1/configmaps", files), ("apps/v1/deployments", deployment)]

    def _about(self, slot: Slot, wanted: Workload) -> Body:
        labels = self._names.labels("service", {SLOT: str(slot)}) | self._versions(wanted)
        return {"name": self._names.of(wanted.name), "labels": labels | {DEPLOYMENT: self._names.of(wanted.name)}}

    def _versions(self, wanted: Workload) -> dict[str, str]:
        return {key: text for key, text in self._names.labels("service", {
            RELEASE: wanted.release.digest, VERSION: wanted.release.version,
        }).items() if key in (RELEASE, VERSION)}  # fmt: skip

    def _service(self, about: Body, selector: Mapping[str, str]) -> Body:
        ports = [{"name": "http", "port": self._port, "targetPort": PORT, "protocol": "TCP"}]
        return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": {**selector}, "ports": ports}}

    def _pod(self, wanted: Workload, patience: float) -> Body:
        cluster, leave = self._cluster, math.ceil(self._cluster.leave_seconds)
        variables: list[Body] = [{"name": name, "value": text} for name, text in FIXED.items()]
        if cluster.redis_url_from:
            where = {"secretKeyRef": {"name": cluster.redis_url_from, "key": "url"}}
            variables.append({"name": "GATELINE_REDIS_URL", "valueFrom": where})
        container: Body = {
            "name": CONTAINER,
            "image": wanted.program,
            "imagePullPolicy": "IfNotPresent",
            "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
            "env": variables,
            "envFrom": [{"secretRef": {"name": self._names.of(wanted.name)}}],
            "resources": {
                "requests": {"cpu": f"{round(cluster.cpus_requested * 1000)}m", "memory": f"{cluster.memory_mb}Mi"},
                "limits": {"cpu": f"{round(cluster.cpus * 1000)}m", "memory": f"{cluster.memory_mb}Mi"},
            },
            "startupProbe": _probe("/health/live", 1, max(30, math.ceil(2 * patience))),
            "readinessProbe": _probe("/health/ready", 1, 2),
            "livenessProbe": _probe("/health/live", 5, 3) | {"terminationGracePeriodSeconds": HUNG_GRACE_SECONDS},
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": LOCKED_DOWN,
            "volumeMounts": [
                {"name": "tmp", "mountPath": "/tmp"},  # nosec B108: a mount of the container's own
                {"name": "predictions", "mountPath": PREDICTIONS},
            ],
        }
        container |= {"lifecycle": {"preStop": {"sleep": {"seconds": leave}}}} if leave else {}
        return self._secured({
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": leave + math.ceil(wanted.release.service.drain_seconds) + SPARE_SECONDS,
            "containers": [container],
            "volumes": [
                {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, {"name": "predictions", "emptyDir": {"sizeLimit": "1Gi"}},
            ],
        })  # fmt: skip

    def _secured(self, pod: Body) -> Body:
        secrets = [{"name": self._cluster.registry_login}] if self._cluster.registry_login else []
        ids = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
        return {
            "enableServiceLinks": False,
            "securityContext": ids | {"seccompProfile": {"type": "RuntimeDefault"}},
            **({"imagePullSecrets": secrets} if secrets else {}),
            **pod,
        }


def _rule(group: str, resource: str, *verbs: str, name: str = "") -> Body:
    names = {"resourceNames": [name]} if name else {}
    return {"apiGroups": [group], "resources": [resource], **names, "verbs": [*verbs]}


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    asked = {"httpGet": {"path": path, "port": "http"}}
    return asked | {"periodSeconds": period, "timeoutSeconds": 2, "failureThreshold": failures}
