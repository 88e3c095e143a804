"""The files of docker/kubernetes are valid, and name what exists in code, images and Compose file."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from app.main import create_app
from app.queue.rq_jobs import JOB_TIMEOUT_S
from app.settings import AppSettings
from app.telemetry.metrics import Metrics
from contract.keys import QUEUE_KEY
from contract.version import VERSION
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "kubernetes"
BASE = FOLDER / "base"
OVERLAYS = ("cpu", "gpu")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
# The oldest with the sleep of preStop, and the newest that the package has.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
KEDA = "keda.sh/v1alpha1"
# Parameters that a trigger must have, by its type (keda.sh/docs/scalers).
TRIGGERS = {
    "metrics-api": {"url", "format", "valueLocation", "targetValue"},
    "redis": {"address", "listName", "listLength"},
    "cpu": {"value"},
}
# Variables of containers that are no settings of ours.
OTHER_VARIABLES = {"REDIS_PASSWORD", "OMP_NUM_THREADS"}
SETTINGS = {"app": AppSettings, "worker": WorkerSettings}
KEY = "0123456789abcdef"

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    """Return the objects in a file."""
    return [found for found in yaml.safe_load_all(path.read_text("utf-8")) if found]


def read_base() -> list[Manifest]:
    """Return every object of the base."""
    (kustomization,) = read(BASE / "kustomization.yaml")
    return [found for name in kustomization["resources"] for found in read(BASE / name)]


def render(overlay: str) -> list[Manifest]:
    """Return what kubectl would apply."""
    shown = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [found for found in yaml.safe_load_all(shown.stdout) if found]


def find(objects: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the object of that kind and name."""
    (found,) = [one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(name: str, objects: list[Manifest] | None = None) -> Manifest:
    """Return the template of a deployment's pods."""
    template: Manifest = find(objects or read_base(), "Deployment", name)["spec"]["template"]
    return template


def containers(name: str) -> list[Manifest]:
    """Return a deployment's containers, those that start it included."""
    spec = pod(name)["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def overlaid_variables(overlay: str) -> list[Manifest]:
    """Return the variables that an overlay gives workers."""
    (patch,) = read(FOLDER / "overlays" / overlay / "worker.yaml")
    variables: list[Manifest] = patch["spec"]["template"]["spec"]["containers"][0]["env"]
    return variables


def walk(value: object, key: str) -> Iterator[Any]:
    """Return every value below a key, at any depth."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from walk(entry, key)


DEPLOYMENTS = tuple(one["metadata"]["name"] for one in read_base() if one["kind"] == "Deployment")
# Not installed by CI: neither PyPI nor Debian has a recent one.
kubectl = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="needs kubectl, with its Kustomize"
)


@pytest.mark.parametrize("folder", [BASE, *(FOLDER / "overlays" / name for name in OVERLAYS)])
def test_kustomizations_name_every_file_and_no_other(folder: Path) -> None:
    (kustomization,) = read(folder / "kustomization.yaml")
    named = {*kustomization["resources"], *(p["path"] for p in kustomization.get("patches", ()))}
    assert named - {"../../base"} == {path.name for path in folder.iterdir()} - {
        "kustomization.yaml"
    }
    base = {(one["kind"], one["metadata"]["name"]) for one in read_base()}
    for patch in kustomization.get("patches", ()):
        target = patch.get("target")
        if target is None:
            (changed,) = read(folder / patch["path"])
            target = {"kind": changed["kind"], "name": changed["metadata"]["name"]}
        assert (target["kind"], target["name"]) in base, patch


@pytest.mark.parametrize("version", VERSIONS)
def test_the_base_fits_the_published_schemas(version: str) -> None:
    for found in read_base():
        if found["apiVersion"] != KEDA:
            kubernetes_validate.validate(found, version, strict=True)


def test_a_misspelt_field_does_not_fit() -> None:
    changed = find(read_base(), "Deployment", "app")
    changed["spec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(changed, VERSIONS[-1], strict=True)


@kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_overlays_fit_the_published_schemas(overlay: str, version: str) -> None:
    objects = render(overlay)
    assert {one["metadata"].get("namespace", one["metadata"]["name"]) for one in objects} == {
        "foveate"
    }
    for found in objects:
        if found["apiVersion"] != KEDA:
            kubernetes_validate.validate(found, version, strict=True)


@kubectl
@pytest.mark.parametrize(("overlay", "service"), [("cpu", "worker"), ("gpu", "worker-cuda")])
def test_overlays_run_the_images_of_the_compose_file(overlay: str, service: str) -> None:
    objects = render(overlay)
    images = {
        image.rpartition(":")[0]: image
        for name in ("app", "worker")
        for image in walk(pod(name, objects), "image")
    }
    assert images == {
        name: f"{name}:{VERSION}" for name in (COMPOSE["app"]["image"], COMPOSE[service]["image"])
    }
    assert list(walk(pod("redis", objects), "image")) == [COMPOSE["redis"]["image"]]
    variables = {
        v["name"]: v.get("value") for v in pod("worker", objects)["spec"]["containers"][0]["env"]
    }
    assert "REDIS_URL" in variables
    assert variables["DEVICE"] == overlay.replace("gpu", "cuda")


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_have_no_rights(name: str) -> None:
    spec = pod(name)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["runAsNonRoot"] is True
    for container in containers(name):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_can_write_where_the_compose_file_lets_them(name: str) -> None:
    service = COMPOSE[name]
    writable = {entry.partition(":")[0] for entry in service.get("tmpfs", ())}
    writable |= {entry.partition(":")[2] for entry in service.get("volumes", ())}
    (container,) = pod(name)["spec"]["containers"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == writable
    volumes = {volume["name"] for volume in pod(name)["spec"]["volumes"]}
    for each in containers(name):
        assert {mount["name"] for mount in each["volumeMounts"]} <= volumes


@pytest.mark.parametrize("name", SETTINGS)
def test_variables_are_settings_with_valid_values(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = pod(name)["spec"]["containers"]
    variables = list(container["env"])
    if name == "worker":
        variables += [variable for overlay in OVERLAYS for variable in overlaid_variables(overlay)]
    known = {field.upper() for field in SETTINGS[name].model_fields} | OTHER_VARIABLES
    assert {variable["name"] for variable in variables} <= known
    for variable in variables:
        value = variable.get("value", KEY).replace("$(REDIS_PASSWORD)", KEY)
        monkeypatch.setenv(variable["name"], value)
        SETTINGS[name]()
    service = find(read_base(), "Service", "redis")
    url = urlsplit(SETTINGS[name]().redis_url)
    assert (url.hostname, url.port) == ("redis", service["spec"]["ports"][0]["port"])
    assert url.password == KEY


def test_redis_has_the_arguments_of_the_compose_file() -> None:
    (container,) = containers("redis")
    arguments = [*container["command"], *container["args"]]
    assert arguments == [*COMPOSE["redis"]["command"], "--requirepass", "$(REDISCLI_AUTH)"]
    assert (
        container["readinessProbe"]["exec"]["command"]
        == COMPOSE["redis"]["healthcheck"]["test"][1:]
    )


def test_services_lead_to_ports_of_containers() -> None:
    for service in (one for one in read_base() if one["kind"] == "Service"):
        name = service["spec"]["selector"]["app.kubernetes.io/name"]
        named = {port["name"]: port["containerPort"] for port in containers(name)[-1]["ports"]}
        for port in service["spec"]["ports"]:
            assert named[port["targetPort"]] == port["port"]
    exposed = re.findall(r"^EXPOSE (\d+)$", dockerfile("app"), re.MULTILINE)
    assert [str(port["containerPort"]) for port in containers("app")[-1]["ports"]] == exposed
    assert f'"--port", "{exposed[0]}"' in dockerfile("app")


def dockerfile(name: str) -> str:
    return (ROOT / "docker" / f"{name}.Dockerfile").read_text("utf-8")


def paths() -> set[str]:
    """Return the paths that the front end serves."""
    return {getattr(route, "path", "") for route in create_app(AppSettings()).routes} | set(
        create_app(AppSettings()).openapi()["paths"]
    )


def test_probes_ask_what_answers() -> None:
    (app,) = containers("app")
    assert {get["path"] for get in walk(app, "httpGet")} <= paths()
    assert {get["port"] for get in walk(app, "httpGet")} == {"http"}
    worker = containers("worker")[-1]
    for probe in walk(worker, "exec"):
        assert str(probe["command"]).replace("'", '"') in dockerfile("worker")


def test_probes_do_not_wait_for_workers() -> None:
    """Without a worker /readyz is 503: no upload would reach a front end, and none start a worker."""
    (app,) = containers("app")
    assert "/readyz" not in {get["path"] for get in walk(app, "httpGet")}
    variables = {variable["name"]: variable.get("value") for variable in app["env"]}
    assert float(variables["WORKER_GRACE_S"]) > 30 * 24 * 3600


@pytest.mark.parametrize(
    ("name", "longest_s"), [("app", AppSettings().drain_s), ("worker", JOB_TIMEOUT_S)]
)
def test_nothing_is_killed_that_still_drains(name: str, longest_s: int) -> None:
    spec = pod(name)["spec"]
    pause_s = sum(walk(spec["containers"][0].get("lifecycle"), "seconds"))
    assert spec["terminationGracePeriodSeconds"] >= longest_s + pause_s + 10


def test_secrets_are_those_that_the_docs_create() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    command = re.search(r"create secret generic (\S+) (.+(?:\\\n.+)*)", text.replace("\\\n", " "))
    assert command is not None
    created = {(command[1], key) for key in re.findall(r"--from-literal=([\w-]+)=", command[2])}
    used = {(ref["name"], ref["key"]) for ref in walk(read_base(), "secretKeyRef")}
    used |= {
        (ref["name"], ref["key"]) for refs in walk(read_base(), "secretTargetRef") for ref in refs
    }
    assert used == created


def selectors() -> Iterator[tuple[str, dict[str, str]]]:
    """Return the labels that budgets, policies and services select pods by."""
    for one in read_base():
        if one["kind"] in {"NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"}:
            for labels in walk(one, "matchLabels"):
                if "app.kubernetes.io/name" in labels:
                    yield one["kind"], labels


def test_selectors_find_pods() -> None:
    labels = [pod(name)["metadata"]["labels"] for name in DEPLOYMENTS]
    for kind, selected in selectors():
        assert selected in labels, kind
    for one in read_base():
        if one["kind"] == "NetworkPolicy":
            for ports in walk(one, "ports"):
                for port in ports:
                    assert port["port"] in {"http", "redis", 53}


def test_everything_is_forbidden_that_no_policy_allows() -> None:
    policy = find(read_base(), "NetworkPolicy", "default-deny")["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    worker = find(read_base(), "NetworkPolicy", "worker")["spec"]
    assert "ingress" not in worker


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_scaling_reads_what_the_service_reports(overlay: str) -> None:
    base = read_base()
    scaled = find(base, "ScaledObject", "worker")["spec"]
    patches = yaml.safe_load((FOLDER / "overlays" / overlay / "scaling.yaml").read_text("utf-8"))
    triggers = [*scaled["triggers"], *(p["value"] for p in patches if p["path"].endswith("/-"))]
    assert "replicas" not in find(base, "Deployment", scaled["scaleTargetRef"]["name"])["spec"]
    assert scaled["minReplicaCount"] == 0
    assert scaled["cooldownPeriod"] >= JOB_TIMEOUT_S
    for trigger in triggers:
        metadata = trigger["metadata"]
        assert metadata.keys() >= TRIGGERS[trigger["type"]]
        assert all(isinstance(value, str) for value in metadata.values()), trigger
        if trigger["type"] == "cpu":  # is measured in shares of what a pod requests
            (worker,) = read(FOLDER / "overlays" / overlay / "worker.yaml")
            assert all("cpu" in requests for requests in walk(worker, "requests"))
        if "authenticationRef" in trigger:
            find(base, "TriggerAuthentication", trigger["authenticationRef"]["name"])
    by_name = {trigger["name"]: trigger["metadata"] for trigger in triggers}
    assert len(by_name) == len(triggers)
    assert by_name["queue"]["listName"] == QUEUE_KEY
    assert by_name["wait"]["valueLocation"] in {
        family.name for family in Metrics().registry.collect()
    }
    url = urlsplit(by_name["wait"]["url"])
    assert url.path in paths()
    address = urlsplit(f"//{by_name['queue']['address']}")
    for location, service in ((url, "app"), (address, "redis")):
        assert location.hostname == f"{service}.foveate"
        assert location.port == find(base, "Service", service)["spec"]["ports"][0]["port"]
