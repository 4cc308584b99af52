"""What `Deploy` says holds: by the schemas that are published, and for a server that is started as it says."""

import json
import re

import compose_spec
import kubernetes_validate
import numpy as np
import pytest
import yaml

from access import ask, port_of
from client import curl
from server import ROOT, run

DEPLOY = ROOT / "Deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["segscore"]
MANIFESTS = sorted(path for folder in ("dask", "kubernetes") for path in (DEPLOY / folder).glob("*.yaml"))
DOCUMENTS = [
    pytest.param(document, id=f"{path.name}-{document['kind']}")
    for path in MANIFESTS
    for document in yaml.safe_load_all(path.read_text())
]
# From the first that pauses before the end without being asked for it, on.
VERSIONS = ["1.30", "1.37"]


def pod(name, folder="kubernetes"):
    document, *_ = yaml.safe_load_all((DEPLOY / folder / name).read_text())
    return document["spec"]["template"]["spec"]


def container(name):
    spec = pod(name)
    return next(each for each in spec.get("initContainers", []) + spec["containers"] if each["name"] == "segscore")


def variables(name):
    return {each["name"]: each["value"] for each in container(name)["env"]}


SETTINGS = {
    "deployment": variables("deployment.yaml"),
    "sidecar": variables("sidecar.yaml"),
    "compose": COMPOSE["environment"],
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_manifests_fit_the_schemas_of_kubernetes(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_a_manifest_with_a_slip_would_not_fit():
    document = next(yaml.safe_load_all((DEPLOY / "kubernetes/sidecar.yaml").read_text()))
    document["spec"]["template"]["spec"]["initContainers"][0]["restartPolicies"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


def test_the_compose_file_fits_the_compose_specification():
    text = (DEPLOY / "compose.yaml").read_text()
    compose_spec.PyCompose.from_yaml(text).validate()
    with pytest.raises(ValueError, match="read_onyl"):
        compose_spec.PyCompose.from_yaml(text.replace("read_only", "read_onyl")).validate()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_variable_stands_for_a_flag(settings):
    flags = set(re.findall(r"--([a-z-]+)", run("serve", "--help").stdout))
    assert {name.removeprefix("SEGSCORE_").lower().replace("_", "-") for name in settings} <= flags


@pytest.mark.parametrize("name", ["deployment.yaml", "sidecar.yaml"])
def test_pods_give_as_little_as_they_can(name):
    spec, ours = pod(name), container(name)
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    assert ours["securityContext"]["readOnlyRootFilesystem"]
    assert f"USER {spec['securityContext']['runAsUser']}:" in (ROOT / "Dockerfile").read_text()
    assert {mount["name"] for mount in ours["volumeMounts"]} <= {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize("name", ["deployment.yaml", "sidecar.yaml"])
def test_a_pod_is_given_the_time_that_its_drain_takes(name):
    spec, ours = pod(name), container(name)
    pause = ours.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    drain = float(variables(name)["SEGSCORE_DRAIN_TIMEOUT"])
    assert drain + pause < spec["terminationGracePeriodSeconds"]
    assert float(COMPOSE["environment"]["SEGSCORE_DRAIN_TIMEOUT"]) < int(COMPOSE["stop_grace_period"].rstrip("s"))


@pytest.mark.parametrize("name", ["deployment.yaml", "sidecar.yaml"])
def test_a_server_that_is_started_as_a_pod_says_answers_its_probes(start_server, tmp_path, name):
    settings = variables(name)
    for variable, value in settings.items():
        for path in re.findall(r"/[a-z]+(?=/|$)", value.removeprefix("unix:")):
            (tmp_path / path[1:]).mkdir(exist_ok=True)
        settings[variable] = re.sub(r"^(unix:)?(/[a-z]+)", lambda found: f"{found[1] or ''}{tmp_path}{found[2]}", value)
    # The log is read for the ports.
    settings |= {"SEGSCORE_ADMIN_LISTEN": "127.0.0.1:0", "SEGSCORE_LOG_FORMAT": "text"}
    if "SEGSCORE_API_KEY_FILE" in settings:
        (tmp_path / "keys/keys").write_text("k" * 32 + "\n")
        settings["SEGSCORE_LISTEN"] = "127.0.0.1:0"
    server = start_server(env=settings, listen=())
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = container(name)[probe]["httpGet"]["path"]
        assert ask(f"http://127.0.0.1:{port_of(server, 'administration')}{path}").status_code == 200
    if "SEGSCORE_API_KEY_FILE" in settings:
        assert ask(f"http://127.0.0.1:{port_of(server, 'service')}/jobs").status_code == 401
    else:
        np.save(tmp_path / "shared/labels.npy", np.zeros((1, 1, 2), np.uint8))
        np.save(tmp_path / "shared/pred_probs.npy", np.array([0.9, 0.8, 0.1, 0.2], np.float32).reshape(1, 2, 1, 2))
        status, _, body = curl(
            server,
            "/score",
            "-d",
            json.dumps(
                {"labels": {"file": "labels.npy"}, "pred_probs": {"file": "pred_probs.npy"}, "output": "scores"}
            ),
            socket_path=tmp_path / "shared/segscore.sock",
        )
        assert status == 200, body
        assert np.load(tmp_path / "shared/scores/pixel_scores.npy").tolist() == [[[np.float32(0.9), np.float32(0.8)]]]


UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def byte_count(text):
    """A size as Kubernetes, Compose or the server's flags have it."""
    digits, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", text).groups()
    return int(digits) * UNITS[unit.lower().removesuffix("b")]


@pytest.mark.parametrize("name", ["deployment.yaml", "sidecar.yaml"])
def test_what_a_pod_keeps_fits_its_volumes(name):
    spec, settings = pod(name), variables(name)
    mounts = {mount["mountPath"]: mount["name"] for mount in container(name)["volumeMounts"]}
    limits = {
        volume["name"]: byte_count(volume["emptyDir"]["sizeLimit"])
        for volume in spec["volumes"]
        if "emptyDir" in volume
    }
    # What has not ended takes room there too.
    assert 2 * byte_count(settings["SEGSCORE_RESULT_DISK"]) <= limits[mounts[settings["SEGSCORE_STATE_DIR"]]]
    assert byte_count(settings["SEGSCORE_SPOOL_BUDGET"]) < limits[mounts["/tmp"]]
    memory = byte_count(container(name)["resources"]["limits"]["memory"])
    assert byte_count(settings.get("SEGSCORE_MEMORY_BUDGET", "0")) <= memory * 3 // 4


def test_what_a_container_of_compose_keeps_fits_its_memory():
    settings = COMPOSE["environment"]
    (tmpfs,) = COMPOSE["tmpfs"]
    size = byte_count(re.search(r"size=(\w+)", tmpfs)[1])
    assert tmpfs.startswith("/tmp:") and byte_count(settings["SEGSCORE_SPOOL_BUDGET"]) < size
    assert byte_count(settings["SEGSCORE_MEMORY_BUDGET"]) + size <= byte_count(COMPOSE["mem_limit"]) * 3 // 4


def test_other_services_of_a_project_may_call_it_by_its_name(start_server):
    names = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    server = start_server("--allow-host", COMPOSE["environment"]["SEGSCORE_ALLOW_HOST"])
    assert "segscore" in names
    assert ask(f"http://127.0.0.1:{server.port}/jobs", headers={"Host": "segscore:8080"}).status_code == 200


@pytest.mark.parametrize("name", ["deployment.yaml", "sidecar.yaml"])
def test_probes_come_by_the_address_of_the_pod(start_server, name):
    """As the kubelet sends them: `Host` is the pod's IP address and port."""
    assert variables(name)["SEGSCORE_ADMIN_LISTEN"] == "0.0.0.0:8081"
    server = start_server("--admin-listen", "0.0.0.0:0")
    url = f"http://127.0.0.1:{port_of(server, 'administration')}/readyz"
    assert ask(url, headers={"Host": "10.42.0.17:8081", "User-Agent": "kube-probe/1.33"}).status_code == 200


@pytest.mark.parametrize("name", ["scheduler.yaml", "workers.yaml"])
def test_pods_of_dask_give_as_little_as_they_can(name):
    spec = pod(name, "dask")
    [ours] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    assert ours["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert f"USER {spec['securityContext']['runAsUser']}:" in (DEPLOY / "dask/Dockerfile").read_text()
    assert {mount["name"] for mount in ours["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
    ports = {port["name"] for port in ours["ports"]}
    assert {ours[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe")} <= ports


def test_a_worker_of_dask_keeps_to_the_limits_of_its_container():
    spec = pod("workers.yaml", "dask")
    [ours] = spec["containers"]
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in ours["args"] if "=" in flag)
    resources = ours["resources"]
    assert byte_count(flags["memory-limit"]) == byte_count(resources["limits"]["memory"])
    assert flags["nthreads"] == resources["requests"]["cpu"]
    mounts = {mount["mountPath"]: mount["name"] for mount in ours["volumeMounts"]}
    volumes = {volume["name"]: volume["emptyDir"] for volume in spec["volumes"]}
    assert byte_count(volumes[mounts[flags["local-directory"]]]["sizeLimit"]) > byte_count(flags["memory-limit"])


def test_workers_of_dask_find_the_scheduler_by_its_service():
    _, service = yaml.safe_load_all((DEPLOY / "dask/scheduler.yaml").read_text())
    [port] = (each["port"] for each in service["spec"]["ports"] if each["name"] == "tcp-comm")
    address = f"tcp://{service['metadata']['name']}:{port}"
    [ours] = pod("workers.yaml", "dask")["containers"]
    assert ours["args"][1] == address and address in ours["lifecycle"]["preStop"]["exec"]["command"][-1]
    [scheduler] = pod("scheduler.yaml", "dask")["containers"]
    assert scheduler["args"][scheduler["args"].index("--port") + 1] == str(port)
