"""Compose, the image and Kubernetes: read by their own tools, and by the rules that no schema knows.

No Docker and no cluster runs here: what is tested is what is written.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from serve.config import FORCED_AFTER, ServeConfig
from serve.render.files import FILES
from serve.render.render import rendered, write

ROOT = Path(__file__).parents[3]
LINES = 20  # of a Dockerfile, at most
DATABASE = "postgresql://plume@localhost/plume"
METRICS = (Path(find_spec("vllm").origin).parent / "v1" / "metrics" / "loggers.py").read_text()
VERSIONED = re.compile(r"[\w./-]+:v?\d[\w.]*")  # an image by its version, not by a name that moves


def write_to(folder, **more):
    site = {"replicas": 2, "reaches": ["192.0.2.7", "198.51.100.0/24"], **more.pop("site", {})}
    write(ServeConfig.model_validate({"database": DATABASE, "site": site, **more}), folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    (desk := tmp_path_factory.mktemp("desk") / "desk.yaml").write_text("url: https://bureau.example.org\n")
    return write_to(tmp_path_factory.mktemp("containers") / "out", site={"desk": desk})


def run(*words):
    # Tools of the environment are found though it is not activated: make calls its Python by path.
    searched = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if not (program := shutil.which(words[0], path=searched)):
        pytest.skip(f"{words[0]} is not installed (.ci/run)")
    told = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False)
    return "" if told.returncode == 0 else told.stdout + told.stderr or "fails"


def compose(path):
    """Whatever the schema of compose says, and what of its rules a service breaks."""
    return compose_rules(path) or run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def compose_rules(path):
    told = yaml.safe_load(path.read_text())
    faults = []
    for name, service in told["services"].items():
        faults += [f"{name}: no {key}" for key in ("image", "restart", "healthcheck") if key not in service]
        faults += [] if VERSIONED.fullmatch(service.get("image", "")) else [f"{name}: whichever version"]
        if service.get("entrypoint") == ["sh", "-c"]:
            faults += run("sh", "-n", "-c", service["command"][0].replace("$$", "$")).splitlines()
        faults += [] if service.get("read_only") is True else [f"{name}: may write its root"]
        faults += [] if service.get("cap_drop") == ["ALL"] else [f"{name}: keeps capabilities"]
        secrets = [each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])]
        faults += [f"{name}: no secret {each}" for each in secrets if each not in told["secrets"]]
        sources = [each.split(":")[0] for each in service.get("volumes", [])]
        files = [each for each in sources if each.startswith(".") and not (path.parent / each).exists()]
        faults += [f"{name}: no {each}" for each in files]
        faults += [
            f"{name}: no volume {each}" for each in sources if each[0] not in "./" and each not in told["volumes"]
        ]
        faults += [
            f"{name}: no service {each}" for each in service.get("depends_on", {}) if each not in told["services"]
        ]
        environment = service.get("environment", {})
        faults += [f"{name}: {key} holds a secret" for key in environment if "PASSWORD" in key and "FILE" not in key]
    faults += [f"{name}: no file" for name, secret in told["secrets"].items() if "file" not in secret]
    published = [(name, port) for name, service in told["services"].items() for port in service.get("ports", [])]
    faults += [] if published == [("network", "443:443")] else [f"published: {published}"]
    return "\n".join(faults)


def dockerfile(path):
    """Whatever hadolint says, and what of a Dockerfile's rules it breaks."""
    return run("hadolint", path) or dockerfile_rules(path.read_text())


def dockerfile_rules(text):
    lines = text.splitlines()
    words = {line.split()[0]: line for line in lines if re.match(r"[A-Z]+ ", line)}
    faults = [] if len(lines) <= LINES else [f"{len(lines)} lines"]
    faults += [] if re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", words.get("USER", "")) else ["no user by number, or root"]
    faults += [] if words.get("HEALTHCHECK", "NONE").split()[1].startswith("--") else ["no health check"]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    called = re.findall(r"\bmake ([a-z-]+)((?: [A-Z]+=\S*)*)$", text, flags=re.MULTILINE)
    faults += [] if called and {target for target, _ in called} <= targets else ["no target of make's"]
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    extras = re.search(r"EXTRAS=(\S+)", text)[1].split(",")
    return "\n".join(faults + [f"no extra {each}" for each in extras if each not in known])


def ignored(path):
    lines = path.read_text().split()
    return "" if {".git", ".venv", "var"} <= set(lines) else "the clone's own are copied into the image"


def kustomized(path):
    """Whatever kubectl and Kubernetes's schemas say of all of it, and what of its rules it breaks."""
    told = subprocess.run(["kubectl", "kustomize", path.parent], capture_output=True, text=True, check=False)
    if told.returncode:
        return told.stderr or "fails"
    try:
        documents = list(yaml.safe_load_all(told.stdout))
        for document in documents:
            kubernetes_validate.validate(document, "1.37", strict=True)
    except (yaml.YAMLError, kubernetes_validate.ValidationError) as error:
        return str(error)
    return kubernetes_rules(path.parent, {document["kind"]: document for document in documents})


def kubernetes_rules(folder, kinds):
    faults = []
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())
    named = {"kustomization.yaml", *listed["resources"], *listed["configMapGenerator"][0]["files"]}
    if named != {each.name for each in folder.iterdir()}:
        return f"resources: {sorted(named)}"
    deployment = kinds["Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    volumes = {each["name"] for each in pod["volumes"]}
    containers = {each["name"]: each for each in pod["containers"]}
    for name, container in containers.items():
        faults += [] if VERSIONED.fullmatch(container["image"]) else [f"{name}: whichever version"]
        told = container["securityContext"]
        safe = told["readOnlyRootFilesystem"] and not told["allowPrivilegeEscalation"]
        faults += [] if safe and told["capabilities"] == {"drop": ["ALL"]} else [f"{name}: may do too much"]
        mounts = container["volumeMounts"]
        faults += [f"{name}: no volume {each['name']}" for each in mounts if each["name"] not in volumes]
        files = [each["subPath"] for each in mounts if each["name"] == "config"]
        faults += [f"{name}: no {each}" for each in files if each not in kinds["ConfigMap"]["data"]]
    faults += [] if pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] else ["root"]
    server, config = containers["server"], yaml.safe_load(kinds["ConfigMap"]["data"]["serve-1.yaml"])
    for probe, page in {"startupProbe": "health", "livenessProbe": "health", "readinessProbe": "ready"}.items():
        url = f"http://127.0.0.1:{config['port']}/{page}"
        faults += [] if server[probe]["exec"]["command"][-1] == url else [f"{probe}: asks elsewhere"]
    first = int(server["lifecycle"]["preStop"]["exec"]["command"][-1])
    enough = first + config.get("drain_timeout", 30) + FORCED_AFTER
    faults += [] if pod["terminationGracePeriodSeconds"] > enough else ["killed before it is drained"]
    for kind, where in {
        "Service": "selector",
        "PodDisruptionBudget": "selector",
        "NetworkPolicy": "podSelector",
    }.items():
        selected = kinds[kind]["spec"][where]
        faults += [] if selected.get("matchLabels", selected) == labels else [f"{kind}: selects other pods"]
    ports = {each["name"] for each in containers["nginx"]["ports"]}
    faults += (
        [] if {each["targetPort"] for each in kinds["Service"]["spec"]["ports"]} <= ports else ["Service: no such port"]
    )
    claims = {each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if "persistentVolumeClaim" in each}
    faults += [] if claims == {kinds["PersistentVolumeClaim"]["metadata"]["name"]} else ["no such claim"]
    policy = kinds["NetworkPolicy"]["spec"]
    faults += [] if sorted(policy["policyTypes"]) == ["Egress", "Ingress"] else ["a direction is open"]
    faults += [] if all(each.get("from") and each.get("ports") for each in policy["ingress"]) else ["anybody comes in"]
    faults += [] if all(each.get("to") for each in policy["egress"]) else ["pods go anywhere"]
    if "HorizontalPodAutoscaler" in kinds:
        (metric,) = kinds["HorizontalPodAutoscaler"]["spec"]["metrics"]
        page, asked = (ROOT / "docs" / "kubernetes.md").read_text(), metric["pods"]["metric"]["name"]
        of_vllm = asked.replace("vllm_", "vllm:", 1)
        known = f"name: {{as: {asked}}}" in page and f"seriesQuery: '{of_vllm}{{" in page and f'"{of_vllm}"' in METRICS
        faults += [] if known else [f"{asked}: nobody gives it"]
    scaled = kinds.get("HorizontalPodAutoscaler", {"spec": {"scaleTargetRef": {"name": "plume"}}})["spec"][
        "scaleTargetRef"
    ]
    faults += [] if scaled["name"] == deployment["metadata"]["name"] else ["scales another deployment"]
    return "\n".join(faults)


PLANTED = {  # by path: what is replaced by what, each an error of its own
    "compose/compose.yaml": (
        compose,
        [
            ("restart: always", "restarts: always"),
            ("image: nginx:1.28", "image: nginx:latest"),
            ("sleep 86400; done", "sleep 86400"),
            ("read_only: true", "read_only: false"),
            ("cap_drop: [ALL]", "cap_drop: [KILL]"),
            ("../nginx/nginx.conf:", "../nginx/nginx.cnf:"),
            ("    image: prom", '    ports: ["9090:9090"]\n    image: prom'),
            ("ADMIN_PASSWORD__FILE:", "ADMIN_PASSWORD:"),
            ("secrets: [grafana]", "secrets: [grafanas]"),
            ("server-1: {condition: service_healthy}", "server-9: {condition: service_healthy}"),
            ("    healthcheck:\n      test: [CMD, wget", "    x-healthcheck:\n      test: [CMD, wget"),
        ],
    ),
    "docker/plume.Dockerfile": (
        dockerfile,
        [
            ("USER 10001:10001\n", ""),
            ("USER 10001:10001", "USER 0:0"),
            ("HEALTHCHECK --interval=30s", "HEALTHCHECK NONE\n#"),
            ("make install", "make instal"),
            ("eval,postgres", "eval,postgresql"),
            ("FROM python:3.11-slim-bookworm", "FROM python"),
            ("COPY . .", "ADD . ." + "\n#" * LINES),
            ("COPY . .", "COPPY . ."),
        ],
    ),
    "docker/plume.Dockerfile.dockerignore": (ignored, [("var", "vars")]),
    "kubernetes/kustomization.yaml": (
        kustomized,
        [
            ("  - service.yaml\n", ""),
            ("- storage.yaml", "- storages.yaml"),
            ("files: [serve-1.yaml", "files: [serve.yaml"),
        ],
    ),
    "kubernetes/deployment.yaml": (
        kustomized,
        [
            ("livenessProbe:", "liveProbe:"),
            ("terminationGracePeriodSeconds: 65", "terminationGracePeriodSeconds: 55"),
            ("/ready", "/health"),
            ("image: nginx:1.28", "image: nginx"),
            ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
            ("{name: temporary, mountPath", "{name: temp, mountPath"),
            ("runAsNonRoot: true", "runAsNonRoot: yes please"),
            ("subPath: serve-1.yaml", "subPath: serve-2.yaml"),
            ("labels: {app: plume}", "labels: {app: plumes}"),
        ],
    ),
    "kubernetes/service.yaml": (kustomized, [("targetPort: https", "targetPort: http"), ("selector:", "selectors:")]),
    "kubernetes/storage.yaml": (kustomized, [("accessModes:", "accessMode:"), ("name: plume", "name: plumes")]),
    "kubernetes/disruption.yaml": (
        kustomized,
        [("maxUnavailable: 1", "maxUnavailables: 1"), ("app: plume", "app: ink")],
    ),
    "kubernetes/network.yaml": (
        kustomized,
        [
            ("ipBlock:", "ipBlocks:"),
            ("app: plume", "app: ink"),
            ("[Ingress, Egress]", "[Ingress]"),
            ("from: [{", "x-from: [{"),
            ("    - from: [{", "    - ports: [{port: https}]\n    - from: [{"),
            ("  egress:\n", "  egress:\n    - ports: [{port: 443}]\n"),
        ],
    ),
    "kubernetes/autoscaler.yaml": (
        kustomized,
        [
            ("averageValue:", "averageValues:"),
            ("requests_waiting", "requests_queued"),
            ("kind: Deployment, name: plume", "kind: Deployment, name: ink"),
        ],
    ),
    "kubernetes/serve-1.yaml": (kustomized, [("port: 8300", "port: 8301")]),
    "kubernetes/nginx.conf": (lambda path: nginx(path), [("127.0.0.1:8300", "127.0.0.1:8301")]),
}


def nginx(path):
    """Its first line but one says how it is used; all else is what a machine with one server has, without a desk."""
    port = yaml.safe_load((path.parent / "serve-1.yaml").read_text())["port"]
    servers = re.findall(r"^ *server 127\.0\.0\.1:(\d+) ", path.read_text(), flags=re.MULTILINE)
    return "" if servers == [str(port)] else f"asks {servers}, not {port}"


@pytest.mark.parametrize("path", PLANTED)
def test_a_file_is_read_without_a_word_and_each_planted_error_is_found(folder, path):
    file, (read, planted) = folder / path, PLANTED[path]
    judged = folder / "kubernetes" / "kustomization.yaml" if read is kustomized else file
    text = file.read_text()
    try:
        assert read(judged) == ""
        for right, wrong in planted:
            assert right in text, right
            file.write_text(text.replace(right, wrong, 1))
            assert read(judged) != "", (right, wrong)
    finally:
        file.write_text(text)


def test_no_file_of_theirs_is_left_out():
    assert set(PLANTED) == {
        file.path.format(replica=1) for file in FILES if file.path.startswith(("compose/", "docker/", "kubernetes/"))
    }


def test_pods_that_share_nothing_are_one_and_those_that_share_are_scaled(tmp_path):
    texts = rendered(ServeConfig())
    assert "kubernetes/autoscaler.yaml" not in texts
    alone = yaml.safe_load(texts["kubernetes/deployment.yaml"])["spec"]
    assert (alone["replicas"], alone["strategy"]) == (1, {"type": "Recreate"})
    site = {"replicas": 3, "most_replicas": 2, "reaches": ["192.0.2.7"]}
    shared = rendered(ServeConfig.model_validate({"database": DATABASE, "site": site}))
    scaled = yaml.safe_load(shared["kubernetes/autoscaler.yaml"])["spec"]
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (3, 3)
    together = yaml.safe_load(shared["kubernetes/deployment.yaml"])["spec"]
    assert "replicas" not in together
    assert "PLUME_SERVE_DATABASE" in str(together["template"]["spec"]["containers"][0]["env"])
    for config in ({}, {"database": DATABASE}):
        write(ServeConfig.model_validate(config), tmp_path / "out")
        assert kustomized(tmp_path / "out" / "kubernetes" / "kustomization.yaml") == ""


def test_what_lies_outside_the_home_is_mounted_in_compose_and_keeps_pods_away(tmp_path):
    given = {"merged": "/srv/v4", "sources": "/srv/sheets", "state": "/srv/state"}
    texts = rendered(ServeConfig.model_validate(given))
    (tmp_path / "compose.yaml").write_text(texts["compose/compose.yaml"])
    volumes = yaml.safe_load(texts["compose/compose.yaml"])["services"]["server-1"]["volumes"]
    assert {"/srv/v4:/srv/v4:ro", "/srv/sheets:/srv/sheets:ro", "/srv/state:/srv/state"} < set(volumes)
    assert run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yaml") == ""
    for key, value in given.items():
        assert not any("kubernetes/" in path for path in rendered(ServeConfig.model_validate({key: value})))
    given = {"state": "/srv/state", "database": DATABASE, "site": {"reaches": ["192.0.2.7"]}}
    assert "subPathExpr" in rendered(ServeConfig.model_validate(given))["kubernetes/deployment.yaml"]


def test_containers_are_for_ports_on_every_address():
    for given in ({"socket": "/run/plume/vllm.sock"}, {"site": {"listen": ["192.0.2.1:443"]}}):
        folders = {path.partition("/")[0] for path in rendered(ServeConfig.model_validate(given))}
        assert {"nginx", "systemd", "prometheus"} <= folders
        assert not folders & {"compose", "docker", "kubernetes"}


def test_what_the_config_says_stands_in_them_once():
    site = {"replicas": 2, "gpu": False, "sync_every": "2min", "image": "registry.example/plume", "slo": 7}
    texts = rendered(
        ServeConfig.model_validate({"database": DATABASE, "drain_timeout": 100, "startup_timeout": 95, "site": site})
    )
    services = yaml.safe_load(texts["compose/compose.yaml"])["services"]
    assert services["server-2"]["stop_grace_period"] == "125s"
    assert services["sync"]["command"][-2:] == ["--watch", "120"]
    assert services["server-1"]["image"].startswith("registry.example/plume:")
    assert "deploy" not in services["server-1"]
    assert "serve-cpu" in texts["docker/plume.Dockerfile"]
    pod = yaml.safe_load(texts["kubernetes/deployment.yaml"])["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 135
    assert pod["containers"][0]["startupProbe"]["failureThreshold"] == 10
    assert "resources" not in pod["containers"][0]
    with_store = rendered(
        ServeConfig.model_validate({"tracking_uri": "http://mlflow.example:5000", "site": {"reaches": ["192.0.2.7"]}})
    )
    assert not {"mlflow", "postgres"} & set(yaml.safe_load(with_store["compose/compose.yaml"])["services"])
    devices = yaml.safe_load(
        rendered(ServeConfig.model_validate({"database": DATABASE, "site": {"replicas": 2}}))["compose/compose.yaml"]
    )
    (device,) = devices["services"]["server-2"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["device_ids"] == ["1"]  # one GPU a server
