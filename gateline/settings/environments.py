"""The tables [environments.<name>]: the places where releases run, and what runs them."""

from typing import Annotated, Literal

from pydantic import Field

from gateline.settings.section import GatewayName, Host, HostName, ObjectName, OptionalName, Section, Text, WebAddress

Port = Annotated[int, Field(ge=1, le=65535)]
Stage = Literal["validate_data", "validate_model", "integration", "benchmark", "security"]


class DockerHost(Section):
    """The Docker daemon of one environment, and what its containers may use."""

    host: Host = ""
    """`ssh://user@host`, `tcp://…` or `unix://…`; empty for DOCKER_HOST, or this machine."""
    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 512
    """Memory of one service container."""
    cpus: Annotated[float, Field(gt=0.0, le=256.0)] = 2.0
    """Processors that one service container may use."""
    keep_images: Annotated[int, Field(ge=2, le=100)] = 5
    """Releases whose images stay on the host, so that a rollback pulls nothing."""


class KubernetesCluster(Section):
    """The cluster and namespace of one environment, and what its pods may use."""

    context: str = ""
    """Context of the kubeconfig (`KUBECONFIG`, or `~/.kube/config`); empty for the current one."""
    namespace: ObjectName = "default"
    """Namespace of everything that Gateline makes there; it must exist."""
    gateway: GatewayName = ""
    """Gateway whose HTTPRoute weights share the traffic, as `namespace/name`; empty to share it by the number of replicas."""
    hostname: HostName = ""
    """Host name that the route answers to; empty for every name that the Gateway listens to."""
    url: WebAddress = ""
    """Where callers reach the environment; empty for the Gateway's address, or the Service's own one inside the cluster."""
    registry_login: OptionalName = ""
    """Secret in the namespace with which nodes pull images."""
    redis_url_from: OptionalName = ""
    """Secret in the namespace whose key `url` is the GATELINE_REDIS_URL of the service."""
    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 512
    """Memory that one pod is promised, and may use."""
    cpus: Annotated[float, Field(gt=0.0, le=256.0)] = 2.0
    """Processors that one pod may use."""
    cpus_requested: Annotated[float, Field(gt=0.0, le=256.0)] = 0.1
    """Processors that one pod is promised."""
    max_replicas: Annotated[int, Field(ge=0, le=1000)] = 0
    """Most pods that a HorizontalPodAutoscaler may start for stable; 0 for none."""
    warm: bool = True
    """Whether the release before stays started. If not, a rollback takes a cold start."""
    leave_seconds: Annotated[float, Field(ge=0.0, le=300.0)] = 5.0
    """How many seconds a pod that is to end serves on, so that no node sends it requests any more when it does."""
    keep_releases: Annotated[int, Field(ge=2, le=100)] = 5
    """Releases that can be started again without the registry of models."""


class Environment(Section):
    """An environment, where releases run."""

    engine: Literal["process", "docker", "kubernetes"] = "process"
    """What runs releases here."""
    local: bool = True
    """Whether this environment is on this machine; others are only changed from CI, or with `--from-laptop`."""
    host: Text = "127.0.0.1"
    """Address the proxy listens on; loopback by default."""
    port: Port
    """Port the proxy listens on."""
    replicas: Annotated[int, Field(ge=1, le=32)] = 1
    """Replicas of the stable slot; production has at least two."""
    canary_share: Annotated[float, Field(gt=0.0, le=0.5)] = 0.1
    """Share of traffic a canary gets."""
    ready_seconds: Annotated[float, Field(gt=0.0, le=600.0)] = 30.0
    """Longest time from start to ready."""
    soak_seconds: Annotated[float, Field(ge=0.0, le=3600.0)] = 2.0
    """How many seconds health is watched after a deploy switched traffic."""
    canary_seconds: Annotated[float, Field(gt=0.0, le=86400.0)] = 240.0
    """A canary that is not decided after so many seconds is held."""
    state: str = ""
    """Folder for what runs here, its releases and its logs, outside the checkout; empty for `.gateline` in the project.

    Name one where the checkout may be cleaned (`git clean -x`) while the environment serves, as on a CI runner of your own.
    """
    requires: tuple[Stage, ...] = ("validate_model",)
    """Stages that must have passed a release before it is deployed here."""
    docker: DockerHost = DockerHost()
    """The daemon and its limits, where the engine is `docker`."""
    kubernetes: KubernetesCluster = KubernetesCluster()
    """The cluster and its limits, where the engine is `kubernetes`."""

    @property
    def runs_containers(self) -> bool:
        """Whether releases run here as images: then the image is built, judged and brought here too."""
        return self.engine in ("docker", "kubernetes")

    @property
    def on_cluster(self) -> bool:
        """Whether Kubernetes runs the releases here."""
        return self.engine == "kubernetes"
