"""A RayJob for KubeRay: a cluster that is made for one run, and goes with it.

The sweep files travel in it, as annotations of the head's pod that a volume shows as files: one document has all.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import yaml

from orchestrator.launching.job import LaunchError, Nodes, Work, checked, quoted

VERSION = "2.60.0"
"""Of Ray in the image; a test holds that it is ours."""
ANNOTATION = "kdsweep/file-{}"
SWEEPS, VOLUME, DATA = "/kdsweep/sweeps", "/kdsweep/volume", "/kdsweep/data"
MOST_BYTES = 200_000
"""Of all sweep files: annotations of one object have 256 KiB."""
ROOM_SECONDS = 3600
"""Nodes may have to be made, and an image to be fetched."""
KEPT_SECONDS = 600
HEAD_CORES, HEAD_GIB = 2, 8
QUEUE = "kueue.x-k8s.io/queue-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a RayJob runs, and what it finds there by name.

    Attributes:
        image: has this package, at this version, and what it needs.
        volume: claim of the volume that the home is on.
        shared: every node mounts it; else the head alone does, and files reach it through Ray.
        data: claim of a volume with data sets, for reading.
        mlflow_secret: has MLFLOW_TRACKING_URI and whatever else MLflow's client is to find in its environment.
        storage_secret: has KDSWEEP_STORAGE, the URL of the Optuna storage.
        queue: of Kueue, which starts the job when there is room.
    """

    image: str
    volume: str
    shared: bool = True
    data: str | None = None
    memory_gib: int | None = None
    """Of a node; None: what the cluster gives."""
    namespace: str | None = None
    mlflow_secret: str | None = None
    storage_secret: str | None = None
    queue: str | None = None


def rayjob(work: Work, nodes: Nodes, place: Place) -> str:
    """Return a manifest for kubectl.

    Raises:
        SweepFileError, LaunchError: what it is to run, or asks for, cannot be.
    """
    sweeps = checked(work, nodes)
    name = sweeps[0].name
    open_ones = [one.name for one in sweeps if one.model.resources.gpus is None]
    if nodes.gpus and open_ones and len(open_ones) < len(sweeps):
        raise LaunchError(f"resources.gpus is to be said by all sweeps of a job or by none; not by {open_ones[0]}")
    if nodes.gpus and open_ones:  # auto asks the nodes that are there, and those may be on their way
        work = dataclasses.replace(work, overrides=(*work.overrides, "resources.gpus=1"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in work.files}
    if len(texts) < len(work.files):
        raise LaunchError("sweep files of one job need names of their own: they lie in one folder there")
    if sum(len(text.encode()) for text in texts.values()) > MOST_BYTES:
        raise LaunchError(f"the sweep files have more than {MOST_BYTES:,} bytes, which a manifest does not hold")
    head, worker = _Pod(nodes, place, texts), _Pod(nodes, place, {})
    metadata: dict[str, Any] = {"generateName": f"{_dns(name)}-"}
    metadata |= {"namespace": place.namespace} if place.namespace else {}
    metadata |= {"labels": {QUEUE: place.queue}} if place.queue else {}
    manifest = {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": metadata,
        "spec": {
            "entrypoint": _entrypoint(work),
            "shutdownAfterJobFinishes": True,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "backoffLimit": 2,
            **({"suspend": True} if place.queue else {}),
            "rayClusterSpec": {
                "rayVersion": VERSION,
                "headGroupSpec": {
                    "rayStartParams": {"num-cpus": "0", "num-gpus": "0"},
                    "template": head.template(head=True),
                },
                "workerGroupSpecs": [
                    {
                        "groupName": "trials",
                        "replicas": nodes.count,
                        "minReplicas": nodes.count,
                        "maxReplicas": nodes.count,
                        "rayStartParams": {},
                        "template": worker.template(head=False),
                    }
                ],
            },
        },
    }
    return HEADER + yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


HEADER = f"""\
# A Ray cluster for one run, and nothing of it stays but what is on the volume. kubectl create -f takes it, again and
# again: the run goes on. The head trains nothing. Whoever has ended is kept for {KEPT_SECONDS} s, for its log.
"""


def _entrypoint(work: Work) -> str:
    files = [f"{SWEEPS}/{path.name}" for path in work.files]
    changes = [word for change in work.overrides for word in ("--set", change)]
    there = ["--home", f"{VOLUME}/home", "--wait-lock", "60", "--wait-for-nodes", str(ROOM_SECONDS)]
    return quoted(["kdsweep", "run", *files, *changes, *there])


def _dns(name: str) -> str:
    """Return a sweep's name as Kubernetes takes it: letters of a host's name, the first one no digit."""
    plain = name.replace(".", "-").replace("_", "-")
    return (plain if plain[:1].isalpha() else f"kdsweep-{plain}")[:40]


class _Pod:
    """Pods of one kind.

    Args:
        texts: of sweep files that are shown in it, by name.
    """

    def __init__(self, nodes: Nodes, place: Place, texts: dict[str, str]) -> None:
        self._nodes = nodes
        self._place = place
        self._texts = texts

    def template(self, *, head: bool) -> dict[str, Any]:
        mounts = [{"name": "home", "mountPath": VOLUME}] if head or self._place.shared else []
        volumes: list[dict[str, Any]] = [_claim("home", self._place.volume)] if mounts else []
        if self._place.data:
            mounts.append({"name": "data", "mountPath": DATA})
            volumes.append(_claim("data", self._place.data, readOnly=True))
        if self._texts:
            mounts.append({"name": "sweeps", "mountPath": SWEEPS})
            items = [_item(number, name) for number, name in enumerate(self._texts)]
            volumes.append({"name": "sweeps", "downwardAPI": {"items": items}})
        # Loaders' pictures and Ray's objects pass through shared memory, of which a container has 64 MB by itself.
        mounts.append({"name": "memory", "mountPath": "/dev/shm"})  # noqa: S108 (in the container)
        volumes.append({"name": "memory", "emptyDir": {"medium": "Memory"}})
        container = {
            "name": "ray-head" if head else "ray-worker",
            "image": self._place.image,
            "env": self._environment(),
            "resources": self._resources(head=head),
            "volumeMounts": mounts,
        }
        container = {key: value for key, value in container.items() if value}
        annotations = {ANNOTATION.format(number): text for number, text in enumerate(self._texts.values())}
        metadata = {"metadata": {"annotations": annotations}} if annotations else {}
        return {**metadata, "spec": {"containers": [container], "volumes": volumes}}

    def _environment(self) -> list[dict[str, Any]]:
        """Return variables; secrets stand in them by name, and no value is printed."""
        found: list[dict[str, Any]] = [{"name": "KDSWEEP_DATA", "value": DATA}] if self._place.data else []
        secrets = (("MLFLOW_TRACKING_URI", self._place.mlflow_secret), ("KDSWEEP_STORAGE", self._place.storage_secret))
        for name, secret in secrets:
            if secret:
                found.append({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}})
        for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
            if self._place.mlflow_secret:
                key = {"name": self._place.mlflow_secret, "key": name, "optional": True}
                found.append({"name": name, "valueFrom": {"secretKeyRef": key}})
        return found

    def _resources(self, *, head: bool) -> dict[str, Any]:
        if head:
            amounts: dict[str, Any] = {"cpu": HEAD_CORES, "memory": f"{HEAD_GIB}Gi"}
        else:
            memory = self._place.memory_gib
            gpus = self._nodes.gpus
            asked = (("cpu", self._nodes.cpus), ("memory", memory and f"{memory}Gi"), ("nvidia.com/gpu", gpus))
            amounts = {name: amount for name, amount in asked if amount}
        return {"requests": amounts, "limits": dict(amounts)} if amounts else {}


def _claim(name: str, claim: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, **more}}


def _item(number: int, name: str) -> dict[str, Any]:
    return {"path": name, "fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION.format(number)}']"}}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they stand, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
