"""What is around an environment on a cluster: who may do what there, who reaches its pods, and how many may go at once.

An administrator applies these once; the engine makes none of them. Everything here is pure: settings in, objects out.
"""

from collections.abc import Sequence

from gateline.settings import KubernetesCluster
from infra.engines.kubernetes.api import Body
from infra.engines.kubernetes.names import DEPLOYMENT, PART, Names, value
from infra.engines.kubernetes.objects import PORT

RBAC = "rbac.authorization.k8s.io"
GATEWAY_API = "gateway.networking.k8s.io"
OTHERS = ("default", "kube-system")
"""Namespaces that are not ours alone: what else runs there may not be `restricted`."""
Rule = tuple[str, str, tuple[str, ...]]
"""API group, resource and verbs."""
MAKE = ("list", "create", "patch", "delete")
"""Server-side apply of what is not there needs `create` as well."""
ROUTES: Rule = (GATEWAY_API, "httproutes", ("get", *MAKE))
RIGHTS: tuple[Rule, ...] = (
    ("", "namespaces", ("get",)),
    ("", "secrets", ("get", *MAKE, "update")),
    ("coordination.k8s.io", "leases", ("get", *MAKE, "update")),
    ("apps", "deployments", ("get", *MAKE)),
    ("", "services", ("get", *MAKE)),
    ("", "configmaps", MAKE),
    ("", "serviceaccounts", MAKE),
    (RBAC, "roles", MAKE),
    (RBAC, "rolebindings", ("get", *MAKE)),
    ("", "pods", ("get", "list")),
    ("", "pods/log", ("get",)),
    ("", "pods/proxy", ("get", "create")),
    ("", "pods/exec", ("get", "create")),
    ("", "events", ("list",)),
    ("discovery.k8s.io", "endpointslices", ("list",)),
)
"""What the commands do in their namespace; behind a Gateway, also `ROUTES`.

The watcher's Role is theirs to make; the API server lets nobody make one that holds a right which they do not have.
"""


class Around:
    """The objects around one environment, by the names that they get in its namespace."""

    def __init__(self, names: Names, cluster: KubernetesCluster) -> None:
        """Keep what the environment is called, and its namespace."""
        self._names, self._cluster = names, cluster
        self.commands = names.of("commands")
        """The account of what runs the commands, such as a CI."""

    def namespace(self) -> list[Body]:
        """Return the namespace, where the API server refuses a pod that is not `restricted`; nothing for one of others."""
        if self._cluster.namespace in OTHERS:
            return []
        modes = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._cluster.namespace, "labels": modes}}]

    def rights(self) -> list[Body]:
        """Return the account of the commands and all that it may do: in the namespace, and to know the Gateway."""
        about = self._about(self.commands)
        where, _, gateway = self._cluster.gateway.partition("/")
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}
        if not gateway:
            return [account, *self._granted(about, RIGHTS)]
        there = {**about, "name": f"{self._cluster.namespace}-{self.commands}", "namespace": where}
        known = self._granted(there, [(GATEWAY_API, "gateways", ("get",))], [gateway])
        return [account, *self._granted(about, (*RIGHTS, ROUTES)), *known]

    def network(self, name: str) -> Body:
        """Return who reaches the pods: anyone, at their one port. They reach names (DNS) and, where there is one, Redis."""
        outward: list[Body] = [{"ports": [{"protocol": kind, "port": 53} for kind in ("UDP", "TCP")]}]
        if self._cluster.redis_url_from:
            outward.append({"ports": [{"protocol": "TCP", "port": 6379}]})
        spec = {
            "podSelector": self._pods(),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": PORT}]}],
            "egress": outward,
        }
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": self._about(name), "spec": spec}

    def disruption(self, name: str) -> Body:
        """Return how many pods the drain of a node may take at once; those that never got ready do not count."""
        spec = {"maxUnavailable": 1, "selector": self._pods(), "unhealthyPodEvictionPolicy": "AlwaysAllow"}
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": self._about(name), "spec": spec}

    def _about(self, name: str) -> Body:
        """Return what an object is called. Its labels are not the environment's: `invoke down --remove` leaves it alone."""
        labels = {"app.kubernetes.io/name": value(self._names.project), "app.kubernetes.io/part-of": self._names.prefix}
        return {"name": name, "namespace": self._cluster.namespace, "labels": labels}

    def _pods(self) -> Body:
        """Select the pods of every release of this environment; the watcher's are another part."""
        return {"matchLabels": self._names.own | {PART: "service"}}

    def _granted(self, about: Body, rules: Sequence[Rule], only: Sequence[str] = ()) -> list[Body]:
        """Return a Role of these rights, on the objects named alone if any are, and what gives it to the commands' account."""
        named = {"resourceNames": list(only)} if only else {}
        listed = [{"apiGroups": [group], "resources": [what], "verbs": [*verbs], **named} for group, what, verbs in rules]
        subject = {"kind": "ServiceAccount", "name": self.commands, "namespace": self._cluster.namespace}
        reference = {"apiGroup": RBAC, "kind": "Role", "name": about["name"]}
        made = {"apiVersion": f"{RBAC}/v1", "metadata": about}
        return [
            {**made, "kind": "Role", "rules": listed},
            {**made, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
        ]


def autoscaler(name: str, deployment: str, least: int, most: int) -> Body:
    """Return what gives a Deployment between `least` and `most` pods, by how busy their processors are.

    Pods go slowly: a pause in traffic is no reason to start them again in the next minute.
    """
    busy = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": busy}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


def spread(deployment: str) -> list[Body]:
    """Return how the pods of a Deployment are spread over zones and machines where there are several."""
    keys = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    pods = {"matchLabels": {DEPLOYMENT: deployment}}
    return [{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": pods} for key in keys]
