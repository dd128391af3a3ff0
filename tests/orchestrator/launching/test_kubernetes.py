"""RayJob manifests: KubeRay's own schema takes them, and what a pod is to find stands in them by name.

No Kubernetes is here: whether pods start is not tried.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml

from orchestrator.launching import kubernetes
from orchestrator.launching.job import LaunchError, Nodes, Work
from orchestrator.launching.kubernetes import Place, rayjob

SCHEMA = json.loads((Path(__file__).parent / "rayjob.schema.json").read_text())
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
"""Made once: `jsonschema.validate` looks through the schema itself, of 200 kB, each time."""
SWEEP = """\
name: my_sweep.2
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 1}   # "quoted", and: a colon
methods: {ce: }
seeds: 1
"""


@pytest.fixture
def work(tmp_path: Path) -> Work:
    (tmp_path / "one sweep.yaml").write_text(SWEEP)
    return Work(files=(tmp_path / "one sweep.yaml",), home=tmp_path, overrides=("seeds=2",))


def read(text: str) -> dict[str, Any]:
    """Return a manifest that the schema takes."""
    manifest: dict[str, Any] = yaml.safe_load(text)
    VALIDATOR.validate(manifest)
    return manifest


def pods(manifest: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    cluster = manifest["spec"]["rayClusterSpec"]
    return cluster["headGroupSpec"]["template"], cluster["workerGroupSpecs"][0]["template"]


def mounted(pod: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["mountPath"] for one in pod["spec"]["containers"][0]["volumeMounts"]}


def test_the_least(work: Work) -> None:
    manifest = read(rayjob(work, Nodes(), Place(image="us/kdsweep:1", volume="homes")))
    assert manifest["metadata"] == {"generateName": "my-sweep-2-"}
    spec = manifest["spec"]
    assert spec["shutdownAfterJobFinishes"] is True and "suspend" not in spec
    assert spec["entrypoint"] == (
        "kdsweep run '/kdsweep/sweeps/one sweep.yaml' --set seeds=2 --home /kdsweep/volume/home "
        "--wait-lock 60 --wait-for-nodes 3600"
    )
    head, worker = pods(manifest)
    assert head["metadata"]["annotations"] == {"kdsweep/file-0": SWEEP}
    (item,) = next(one["downwardAPI"]["items"] for one in head["spec"]["volumes"] if one["name"] == "sweeps")
    assert item == {"path": "one sweep.yaml", "fieldRef": {"fieldPath": "metadata.annotations['kdsweep/file-0']"}}
    assert mounted(head) == {"home": "/kdsweep/volume", "sweeps": "/kdsweep/sweeps", "memory": "/dev/shm"}
    assert mounted(worker) == {"home": "/kdsweep/volume", "memory": "/dev/shm"}
    assert spec["rayClusterSpec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_all_of_it(work: Work) -> None:
    place = Place(
        image="us/kdsweep:1",
        volume="homes",
        shared=False,
        data="sets",
        memory_gib=64,
        namespace="team",
        mlflow_secret="tracking",
        storage_secret="searches",
        queue="gpus",
    )
    manifest = read(rayjob(work, Nodes(count=3, gpus=4, cpus=16), place))
    assert manifest["metadata"]["namespace"] == "team"
    assert manifest["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "gpus"} and manifest["spec"]["suspend"]
    head, worker = pods(manifest)
    assert "home" in mounted(head) and "home" not in mounted(worker)  # files reach it through Ray
    assert mounted(worker)["data"] == "/kdsweep/data"
    (container,) = worker["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": 16, "memory": "64Gi", "nvidia.com/gpu": 4}
    environment = {one["name"]: one for one in container["env"]}
    assert environment["KDSWEEP_DATA"]["value"] == "/kdsweep/data"
    secret = environment["KDSWEEP_STORAGE"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "searches", "key": "KDSWEEP_STORAGE"}
    assert environment["MLFLOW_TRACKING_URI"]["valueFrom"]["secretKeyRef"]["name"] == "tracking"
    (group,) = manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (3, 3, 3)


def test_a_head_without_gpus_does_not_decide_that_there_are_none(work: Work) -> None:
    """`gpus: auto` asks the driver's machine, which has none here whatever the nodes have."""
    place, nodes = Place(image="i", volume="v"), Nodes(gpus=2)
    assert "--set resources.gpus=1" in read(rayjob(work, nodes, place))["spec"]["entrypoint"]
    work.files[0].write_text(SWEEP + "resources: {gpus: 0.5}\n")
    assert "resources.gpus" not in read(rayjob(work, nodes, place))["spec"]["entrypoint"]


def test_the_schema_is_one_that_refuses(work: Work) -> None:
    manifest = read(rayjob(work, Nodes(), Place(image="i", volume="v")))
    manifest["spec"]["entrypont"] = manifest["spec"].pop("entrypoint")
    VALIDATOR.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError, match="entrypont"):
        VALIDATOR.validate(manifest)


def test_files_that_a_manifest_cannot_hold(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(image="i", volume="v")
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "one sweep.yaml"
    other.write_text(SWEEP.replace("my_sweep.2", "second"))
    with pytest.raises(LaunchError, match="names of their own"):
        rayjob(Work(files=(*work.files, other), home=tmp_path), Nodes(), place)
    monkeypatch.setattr(kubernetes, "MOST_BYTES", 100)
    with pytest.raises(LaunchError, match="more than 100 bytes"):
        rayjob(work, Nodes(), place)


def test_the_ray_of_the_image_is_ours() -> None:
    assert ray.__version__ == kubernetes.VERSION


def test_names_begin_with_a_letter():
    assert kubernetes._dns("2024_second") == "kdsweep-2024-second"
    assert kubernetes._dns("my.sweep") == "my-sweep" and len(kubernetes._dns("9" * 80)) == 40
