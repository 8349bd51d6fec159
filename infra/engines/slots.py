"""The slot engine: what every engine does in the same order. An engine adds its transport, its replicas and where they are.

Where a proxy of ours shares the traffic, `ProxiedEngine` is the base.
"""

import secrets
import socket
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from gateline.contracts.headers import KEYS_VARIABLE, LOG_LEVEL_VARIABLE, TOKEN, TOKEN_VARIABLE, authorized, keys_of
from gateline.contracts.reference import LiveCounts
from gateline.contracts.release import Release
from gateline.contracts.slots import Slot, State, WantedReplica
from gateline.settings import Environment, Settings
from gateline.settings.errors import OutsideError, UsageError
from infra.engines import changes
from infra.engines.contract import Engine
from infra.engines.observing import SECONDS, Meter
from infra.host.layout import Layout

PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""The variables of the host that a service sees; everything else stays outside."""
EVERYWHERE = ("0.0.0.0", "::", "*")  # nosec B104: no bind, what an environment that listens everywhere is set to
FIXED = {
    "GATELINE_WORKERS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
"""What every service process gets, also on trial: one worker, one thread a prediction, nothing written into its bundle."""


class SlotEngine(Engine):
    """One environment: slots of replicas behind one address, and a state that says what should run."""

    def __init__(self, settings: Settings, environment: str, root: Path = Path(".")) -> None:
        """Know where everything is; nothing is asked, started, read or written."""
        self._settings = settings
        self._name = environment
        self._environment = settings.environments[environment]
        self._layout = Layout.of(settings, environment, root)
        self._meter = Meter()

    # What an engine adds, next to the calls of the contract that are not here.

    @abstractmethod
    def _read(self) -> State | None:
        """Return the state, or None before the first `up`. Raises OutsideError if it is damaged."""

    @abstractmethod
    def _write(self, change: Callable[[State], State]) -> State:
        """Change the state where it is kept, whole or not at all, one change after the other, and return it."""

    @abstractmethod
    def _apply(self, state: State) -> None:
        """Return when proxy and replicas are what the state says; replicas that leave may still be on their way out."""

    @abstractmethod
    def _repair(self, before: State) -> tuple[list[str], Mapping[Slot, str]]:
        """Let the environment be up; return in words what had to be repaired, and by slot why it is not started."""

    def _transport(self) -> httpx.BaseTransport | None:
        """Return the way to the replicas where it is not this machine's network."""
        return None

    @abstractmethod
    def _first(self) -> State:
        """Return the state before the first `up`."""

    @abstractmethod
    def _living(self, slot: Slot) -> Sequence[WantedReplica]:
        """Return the replicas of a slot that live. Raises UsageError for an empty slot."""

    # What is written once.

    def claim(self, about: str, rollback: bool = False) -> str:
        return ""  # an environment of this machine alone is taken by the caller's lock

    def unclaim(self) -> None:
        return None

    def orphaned(self) -> str:
        return ""

    def versions(self) -> Mapping[str, str]:
        return {}

    def preview(self, release: Release, replicas: int) -> str:
        return ""

    def up(self) -> list[str]:
        before = self._state()
        found, refused = self._repair(before)
        if before.wanted == "up":
            return [*found, *refused.values()]
        for slot, wanted in before.slots.items():
            if wanted.share > 0 and slot not in refused:
                self.wait_ready(slot, self._environment.ready_seconds)
        return [*refused.values()]

    def set_shares(self, shares: Mapping[Slot, float]) -> None:
        self._change(lambda state: changes.shared(state, shares))

    def guard(self, slot: Slot, guarded: bool) -> None:
        self._change(lambda state: changes.guarded(state, slot, guarded))

    def move(self, source: Slot, target: Slot) -> None:
        self._change(lambda state: changes.moved(state, source, target))

    def stop(self, slot: Slot) -> None:
        if slot in self._state().slots:
            self._change(lambda state: changes.emptied(state, slot))

    def drift_counts(self, slot: Slot) -> Mapping[str, LiveCounts]:
        found = {}
        with self.client("", SECONDS) as client:
            for replica in self._living(slot):
                try:
                    answer = client.get(f"http://{replica.address}/drift").raise_for_status()
                    found[replica.name] = LiveCounts.model_validate_json(answer.content)
                except (httpx.HTTPError, ValueError) as error:
                    why = f"the replica at {replica.address} gives no counts: {error}"
                    raise OutsideError(why, "invoke status --logs") from None
        return found

    @property
    def secrets(self) -> Mapping[str, str]:
        return self._state().secrets

    def client(self, base_url: str, seconds: float) -> httpx.Client:
        known, transport = self.secrets, self._transport()
        headers = {TOKEN: known.get(TOKEN_VARIABLE, "")} | authorized(known)
        return httpx.Client(transport=transport, base_url=base_url, timeout=seconds, headers=headers, trust_env=False)

    def bundle(self, release: Release) -> Path:
        return self._layout.bundle(release.digest)

    def history(self) -> list[str]:
        return list(self._state().history)

    def remember(self, digests: list[str]) -> None:
        self._write(lambda state: state.model_copy(update={"history": tuple(digests)}))

    def _state(self) -> State:
        return self._read() or self._first()

    def _change(self, change: Callable[[State], State]) -> State:
        if self._state().wanted == "down":
            raise UsageError(f"{self._name} is down", f"invoke up --env={self._name}")
        state = self._write(change)
        self._apply(state)
        return state


def given(where: Environment, before: State, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the services of an environment keep, also when they are restarted.

    The environment's token (a new one where there is none before) marks made-up rows. The keys that were asked for before
    are asked for again where no others are set: to forget a variable opens no service. Where the environment listens
    everywhere, services are called by this machine's name as well, or that of the machine where the daemon is.
    Raises UsageError for a key that is none.
    """
    names = [where.host]
    if where.host in EVERYWHERE:
        names = ["0.0.0.0", socket.gethostname(), urlsplit(where.docker.host).hostname or ""]  # nosec B104: no bind
    slots = [before.slots[Slot.STABLE]] if Slot.STABLE in before.slots else before.slots.values()
    kept = next((slot.variables.get(KEYS_VARIABLE, "") for slot in slots), "")
    more = {
        **{name: environ.get(name, "") for name in ("GATELINE_REDIS_URL", LOG_LEVEL_VARIABLE)},
        KEYS_VARIABLE: ",".join(keys_of(environ.get(KEYS_VARIABLE, "") or kept)),
    }
    own = {TOKEN_VARIABLE: before.token or secrets.token_hex(16), "GATELINE_HOSTS": ",".join(filter(None, names))}
    return own | {name: value for name, value in more.items() if value}
