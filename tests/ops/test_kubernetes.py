"""deploy/kubernetes: each object is one that Kubernetes takes, and all that it names is there."""

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from service.config import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
IMAGE = (ROOT / "Dockerfile").read_text()
KUBERNETES = "1.31"  # the oldest that is looked after with what these files use
OBJECTS = sorted(
    path
    for path in FOLDER.rglob("*.yaml")
    if path.name not in ("kustomization.yaml", "monitor.yaml")  # of Kustomize, and of the Prometheus operator
)
OF_IMAGE = {"DRAIN_SECONDS", "WORKERS", "TEXTPROOF_CONFIG"}
SELECTED = {"app.kubernetes.io/name": "textproof"}


def read(path):
    return yaml.safe_load(path.read_text())


def pod():
    return read(FOLDER / "base" / "deployment.yaml")["spec"]["template"]["spec"]


@pytest.fixture
def container():
    (only,) = pod()["containers"]
    return only


def rendered(path):
    """Return an object as the base's Kustomize makes it: its labels select, and are in the template."""
    one = read(path)
    if one["kind"] == "Deployment":
        one["spec"] |= {"selector": {"matchLabels": SELECTED}}
        one["spec"]["template"]["metadata"] = {"labels": SELECTED}
    return one


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_kubernetes_takes_each_object(path):
    kubernetes_validate.validate(rendered(path), KUBERNETES, strict=True)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl, with Kustomize 5")
@pytest.mark.parametrize("folder", ["base", "example", "monitoring"])
def test_kubernetes_takes_what_kustomize_makes(folder):
    made = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / folder)], capture_output=True, text=True, check=True, timeout=60
    )
    objects = [*yaml.safe_load_all(made.stdout)]

    for one in objects:
        if one["kind"] != "ServiceMonitor":  # of the Prometheus operator
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
    assert objects


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("kustomization.yaml")), ids=lambda path: path.parent.name)
def test_kustomize_finds_what_it_names(path):
    asked = read(path)
    named = asked.get("resources", []) + [file for one in asked.get("configMapGenerator", []) for file in one["files"]]

    assert named
    assert [name for name in named if not (path.parent / name).exists()] == []


def test_each_variable_is_a_setting_or_one_of_the_image(container):
    names = {variable["name"] for variable in container["env"]}
    settings = {f"TEXTPROOF_{key}" for key in Settings.__dataclass_fields__}

    assert {name for name in names - OF_IMAGE if name.removesuffix("_FILE") not in settings} == set()
    assert all(f"{name}=" in IMAGE for name in OF_IMAGE - {"TEXTPROOF_CONFIG"})


def test_what_is_secret_comes_as_a_file_of_a_mounted_secret(container):
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    files = {one["name"]: one["value"] for one in container["env"] if one["name"].endswith("_FILE")}

    assert {"TEXTPROOF_SECRET_KEY_FILE", "TEXTPROOF_API_KEY_FILE", "TEXTPROOF_REDIS_URL_FILE"} <= files.keys()
    assert {path.rpartition("/")[0] for path in files.values()} == {"/run/secrets/textproof"} <= mounted
    assert not any(read(path)["kind"] == "Secret" for path in OBJECTS)


def test_the_probes_ask_what_the_service_has(container, client):
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert client.get(container[probe]["httpGet"]["path"]).status_code in (200, 503)
    (port,) = container["ports"]
    assert f"PORT={port['containerPort']}" in IMAGE


def test_the_settings_files_can_be_read():
    for path in FOLDER.rglob("config.cfg"):
        names = set(re.findall(r"^([A-Z_]+) =", path.read_text(), re.MULTILINE))
        assert names
        assert names <= set(Settings.__dataclass_fields__)


def test_a_replica_is_given_the_time_to_be_left_alone_and_to_finish(container):
    """The same numbers as in docker-compose.yml, whose rolling restart loses no request."""
    compose = (ROOT / "docker-compose.yml").read_text()
    web = re.split(r"\n  \w", compose.split("\n  web:\n")[1])[0]
    drain = float(next(one["value"] for one in container["env"] if one["name"] == "DRAIN_SECONDS"))
    probe = container["readinessProbe"]

    assert f"stop_grace_period: {pod()['terminationGracePeriodSeconds']}s" in web
    assert f"DRAIN_SECONDS={drain:g}" in IMAGE
    assert probe["periodSeconds"] * probe["failureThreshold"] < drain


def test_a_replica_has_no_rights_and_nothing_to_write_to(container):
    care = container["securityContext"]
    user = pod()["securityContext"]

    assert (care["readOnlyRootFilesystem"], care["allowPrivilegeEscalation"]) == (True, False)
    assert care["capabilities"] == {"drop": ["ALL"]}
    assert user["runAsNonRoot"]
    assert user["seccompProfile"] == {"type": "RuntimeDefault"}
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in IMAGE
