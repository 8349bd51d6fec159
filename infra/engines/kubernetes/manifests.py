"""Kustomize folders of a release and of what is around it, for teams whose cluster is changed by Argo CD, Flux or by hand.

    base/             the release's pods and their Service, and how many may go at once
    overlays/<env>/   an environment: its names, namespace, image, numbers, Secrets, route; what Argo CD or Flux applies
    access/<env>/     for commands instead: the account and the rights of `invoke deploy`, and all that is around the pods
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from gateline.contracts.release import Image, Release
from gateline.contracts.slots import Slot, WantedReplica
from gateline.settings import Environment, Settings
from gateline.settings.errors import UsageError
from infra.engines.kubernetes.api import Body
from infra.engines.kubernetes.around import Around, autoscaler, spread
from infra.engines.kubernetes.names import DEPLOYMENT, PART, RELEASE, VERSION, Names, value
from infra.engines.kubernetes.objects import CONTAINER, PORT, Objects
from infra.engines.kubernetes.state import Workload

Files = dict[str, list[Body]]
HEAD = "# Written by `invoke build --manifests`, which writes it again: put your own changes into an overlay of your own.\n"
KUSTOMIZATION = "kustomization.yaml"
MAIN = "release"
"""The name, before the environment's prefix, of the Deployment, its Service and Secret, the route, and what is around it."""
BASE, REFERENCES = "base", "references.yaml"
EVERY_ADDRESS = "0.0.0.0"  # nosec B104: no bind, what a service that is called by any address is told
PATIENCE_SECONDS = 60.0
SCRAPED = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORT), "prometheus.io/path": "/metrics"}
"""The annotations by which a Prometheus that looks for annotations finds the counters of a pod."""
ROUTED = {"nameReference": [{"kind": "Service", "fieldSpecs": [{"kind": "HTTPRoute", "path": "spec/rules/backendRefs/name"}]}]}
"""Kustomize does not know by itself where an HTTPRoute names Services."""


def files(settings: Settings, release: Release, image: Image | None) -> Files:
    """Return the objects of each file, by its path.

    Raises UsageError where no environment runs on a cluster, and where the image was not pushed: a cluster has no digest to
    pull it by.
    """
    on_cluster = {name: each for name, each in settings.environments.items() if each.on_cluster}
    if not on_cluster:
        raise UsageError("no environment runs on a Kubernetes cluster", 'set environments.<name>.engine = "kubernetes"')
    if image is None or not image.pushed:
        raise UsageError(
            f"the image of {release.name} was not pushed, so that a cluster can't pull it by its digest",
            "set image.repository, then: invoke build --push --manifests=DIR",
        )
    found = {f"{BASE}/{name}": body for name, body in _base(settings, release, image, next(iter(on_cluster.values()))).items()}
    for name, environment in on_cluster.items():
        names = Names(settings.project.name, name)
        found |= {f"overlays/{name}/{file}": body for file, body in _overlay(names, environment, release, image).items()}
        found |= {f"access/{name}/{file}": body for file, body in _access(names, environment).items()}
    return found


def write(folder: Path, settings: Settings, release: Release, image: Image | None) -> None:
    """Write the files, over those of an earlier release; what else is in the folder is left alone. Raises as `files` does."""
    for name, objects in files(settings, release, image).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + yaml.safe_dump_all(objects, sort_keys=False, width=120), encoding="utf-8")


def _base(settings: Settings, release: Release, image: Image, environment: Environment) -> Files:
    names = Names(settings.project.name, BASE)
    made = _deployment(names, environment, release, image)
    template, about = made["spec"]["template"], {"app.kubernetes.io/name": value(names.project), DEPLOYMENT: MAIN}
    notes = SCRAPED | {RELEASE: release.digest}
    labels = about | {PART: "service", VERSION: value(release.version)}
    template["metadata"] = {"labels": labels, "annotations": notes}
    template["spec"]["topologySpreadConstraints"] = spread(MAIN)
    (container,) = template["spec"]["containers"]
    container["image"] = _repository(image)
    for each in ("env", "envFrom", "resources"):
        container.pop(each)
    template["spec"].pop("imagePullSecrets", None)
    made["spec"] = {**made["spec"], "selector": {"matchLabels": about}}
    del made["spec"]["replicas"]  # an overlay says it, or leaves it to its autoscaler
    service = {"selector": about, "ports": [{"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}]}
    objects = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": MAIN}, "spec": made["spec"]},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": MAIN}, "spec": service},
        _bare(Around(names, environment.kubernetes).disruption(MAIN), about),
    ]
    return {KUSTOMIZATION: [_kustomization(resources=["objects.yaml"])], "objects.yaml": objects}


def _overlay(names: Names, environment: Environment, release: Release, image: Image) -> Files:
    cluster, around = environment.kubernetes, Around(names, environment.kubernetes)
    pods = {"app.kubernetes.io/name": value(names.project), DEPLOYMENT: MAIN}
    own = [*around.namespace(), _bare(around.network(MAIN), pods), *_scaled(environment), *_routed(names, environment)]
    return {
        KUSTOMIZATION: [
            _kustomization(
                namespace=cluster.namespace,
                namePrefix=f"{names.prefix}-",
                labels=[{"pairs": names.own, "includeSelectors": True}],
                resources=[f"../../{BASE}", "own.yaml"],
                patches=[{"path": "numbers.yaml"}],
                images=[{"name": _repository(image), "digest": image.pushed.rpartition("@")[2]}],
                configurations=[REFERENCES],
            )
        ],
        "numbers.yaml": [_numbers(names, environment, release, image)],
        REFERENCES: [ROUTED],
        "own.yaml": own,
    }


def _access(names: Names, environment: Environment) -> Files:
    around = Around(names, environment.kubernetes)
    pods = (around.network(names.of("pods")), around.disruption(names.of("pods")))
    return {
        KUSTOMIZATION: [_kustomization(resources=["rights.yaml", "pods.yaml"])],
        "rights.yaml": [*around.namespace(), *around.rights()],
        "pods.yaml": [*pods],
    }


def _deployment(names: Names, environment: Environment, release: Release, image: Image) -> Body:
    """Return the Deployment as the engine would make it of this release."""
    made = Objects(names, environment.kubernetes, environment.port)
    replicas = (WantedReplica(name=MAIN, port=PORT),)
    wanted = Workload(release=release, program=image.pushed, replicas=replicas, pools=())
    return made.deployment(Slot.STABLE, wanted, environment.replicas, PATIENCE_SECONDS)


def _numbers(names: Names, environment: Environment, release: Release, image: Image) -> Body:
    """Return what an environment changes of the base: how many pods, what each may use, and which Secrets it reads."""
    made = _deployment(names, environment, release, image)["spec"]
    pod = made["template"]["spec"]
    (container,) = pod["containers"]
    variables = [{"secretRef": {**each["secretRef"], "optional": True}} for each in container["envFrom"]]
    kept = {name: container[name] for name in ("resources", "lifecycle") if name in container}
    kept["env"] = [*container["env"], {"name": "GATELINE_HOSTS", "value": ",".join(_hosts(names, environment))}]
    changed = {name: pod[name] for name in ("imagePullSecrets", "terminationGracePeriodSeconds") if name in pod}
    replicas = {} if environment.kubernetes.max_replicas else {"replicas": environment.replicas}
    spec = {**changed, "containers": [{"name": CONTAINER, **kept, "envFrom": variables}]}
    about = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": MAIN}}
    return {**about, "spec": {**replicas, "template": {"spec": spec}}}


def _hosts(names: Names, environment: Environment) -> list[str]:
    """Return the names that callers have for the Service, inside the cluster and at the Gateway, and every address."""
    name, cluster = names.of(MAIN), environment.kubernetes
    within = [name, *(f"{name}.{cluster.namespace}{rest}" for rest in ("", ".svc", ".svc.cluster.local"))]
    return [*within, *([cluster.hostname] if cluster.hostname else []), EVERY_ADDRESS]


def _scaled(environment: Environment) -> Iterator[Body]:
    if most := environment.kubernetes.max_replicas:
        yield autoscaler(MAIN, MAIN, environment.replicas, max(most, environment.replicas))


def _routed(names: Names, environment: Environment) -> Iterator[Body]:
    if environment.kubernetes.gateway:
        backend = {"group": "", "kind": "Service", "name": MAIN, "port": 80, "weight": 1}
        route = Objects(names, environment.kubernetes, environment.port).route([backend], {})
        yield {**route, "metadata": {"name": MAIN}}


def _bare(made: Body, about: Mapping[str, str]) -> Body:
    """Return an object as the base has it: kustomize gives it its namespace, and the labels that it selects by."""
    selector = "podSelector" if "podSelector" in made["spec"] else "selector"
    return {**made, "metadata": {"name": MAIN}, "spec": {**made["spec"], selector: {"matchLabels": dict(about)}}}


def _kustomization(**about: object) -> Body:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **about}


def _repository(image: Image) -> str:
    return image.pushed.partition("@")[0]
