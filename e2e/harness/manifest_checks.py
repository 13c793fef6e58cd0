"""What must hold of manifests that are applied together. Each check says what does not."""

from collections.abc import Callable, Iterator

from .manifests import Document, Manifests, Pod, secrets, selects

Check = Callable[[Manifests], Iterator[str]]

# Steps of a rollout, by the label that says to which a document belongs.
BEFORE, MIGRATION, AFTER = {"shared", "database"}, {"migrate"}, {"web", "worker", "metrics"}
PROBES = {"http": {"/livez", "/readyz"}, "metrics": {"/livez", "/readyz"}}
# What a process takes of the database beside its pool, and what PostgreSQL keeps for its owner and its replicas.
CONNECTIONS_BESIDE_THE_POOL, CONNECTIONS_KEPT = 9, 20
IDLE_MIB, REQUESTS_MIB = 20, 64


def breaks_the_restricted_profile(manifests: Manifests) -> Iterator[str]:
    """The restricted Pod Security Standard, and beyond it a root file system that can't be written."""
    for pod in manifests.pods:
        spec, container = pod.spec, pod.container
        context, own = spec["securityContext"], container["securityContext"]
        wanted = {
            "no part of the host": not {"hostNetwork", "hostPID", "hostIPC"} & set(spec),
            "no port of the host": not any("hostPort" in port for port in container.get("ports", [])),
            "volumes of harmless kinds": all(
                set(volume) - {"name"} <= {"configMap", "downwardAPI", "emptyDir", "projected", "secret"}
                for volume in spec["volumes"]
            ),
            "not root": context.get("runAsNonRoot") is True and context.get("runAsUser") != 0,
            "the runtime's seccomp profile": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "no sysctls": "sysctls" not in context,
            # And nothing else, which could take back what the pod says.
            "a closed container": own
            == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "no other containers": not {"initContainers", "ephemeralContainers"} & set(spec),
            "no token": spec.get("automountServiceAccountToken") is False,
        }
        yield from (f"{pod.name}: {what}" for what, holds in wanted.items() if not holds)
    for namespace in manifests.of("Namespace"):
        if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield "the Namespace does not enforce it"


def leads_nowhere(manifests: Manifests) -> Iterator[str]:
    """Names of accounts, settings, Secrets and their keys, and probes."""
    known = {name: set(data) for name, data in secrets().items()}
    known |= {f"{cluster['metadata']['name']}-ca": {"ca.crt"} for cluster in manifests.of("Cluster")}
    for pod in manifests.pods:
        if not manifests.has("ServiceAccount", pod.spec["serviceAccountName"]):
            yield f"{pod.name}: ServiceAccount"
        if not all(manifests.has("ConfigMap", source["configMapRef"]["name"]) for source in pod.container["envFrom"]):
            yield f"{pod.name}: ConfigMap"
            continue
        for volume in pod.secrets.values():
            if not {item["key"] for item in volume.get("items", [])} <= known.get(volume["secretName"], set()):
                yield f"{pod.name}: the Secret {volume['secretName']}"
        for name, value in manifests.environment(pod).items():
            if name.startswith("USHER_") and name.endswith("_FILE"):
                yield from _is_no_secret(pod, name, value, known)
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            ask = pod.container.get(kind, {}).get("httpGet")
            if ask is None and pod.owner["kind"] == "Deployment":
                yield f"{pod.name}: no {kind}"
            elif ask and (ask["port"] not in pod.ports or ask["path"] not in PROBES[ask["port"]]):
                yield f"{pod.name}: {kind}"
    for secret, key in _wanted_by_others(manifests):
        if key not in known.get(secret, ()):
            yield f"README.md makes no Secret {secret} with {key}"


def _is_no_secret(pod: Pod, name: str, path: str, known: dict[str, set[str]]) -> Iterator[str]:
    try:
        secret, key = pod.secret_of(path)
    except KeyError:
        yield f"{pod.name}: nothing is mounted where {name} leads"
        return
    if key not in known.get(secret, ()):
        yield f"{pod.name}: README.md makes no Secret {secret} with {key}"


def _wanted_by_others(manifests: Manifests) -> Iterator[tuple[str, str]]:
    """The Secrets that are not for usher."""
    for ingress in manifests.of("Ingress"):
        yield from ((tls["secretName"], "tls.key") for tls in ingress["spec"]["tls"])
    for gateway in manifests.of("Gateway"):
        for listener in gateway["spec"]["listeners"]:
            yield from ((each["name"], "tls.key") for each in listener.get("tls", {}).get("certificateRefs", []))
    for cluster in manifests.of("Cluster"):
        yield cluster["spec"]["bootstrap"]["initdb"]["secret"]["name"], "password"
        yield from ((role["passwordSecret"]["name"], "password") for role in cluster["spec"]["managed"]["roles"])
    for store in manifests.of("ObjectStore"):
        yield from ((each["name"], each["key"]) for each in store["spec"]["configuration"]["s3Credentials"].values())


def is_not_reached(manifests: Manifests) -> Iterator[str]:
    """From the outside to a pod: each step finds the next."""
    served = {}
    for service in manifests.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        ports = [pod.ports for pod in manifests.pods if selects(spec["selector"], pod.labels)]
        for port in spec["ports"]:
            served |= {(name, port["name"]): service, (name, port["port"]): service}
            if not any(port["targetPort"] in each for each in ports):
                yield f"Service/{name}: {port['name']}"
    for ingress in manifests.of("Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            backend = path["backend"]["service"]
            if (backend["name"], backend["port"]["name"]) not in served:
                yield f"Ingress/{ingress['metadata']['name']}: {path['path']}"
    for route in manifests.of("HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            listeners = manifests.one("Gateway", parent["name"])["spec"]["listeners"]
            if parent["sectionName"] not in {listener["name"] for listener in listeners}:
                yield f"HTTPRoute/{route['metadata']['name']}: its Gateway"
        for rule in route["spec"]["rules"]:
            if any((each["name"], each["port"]) not in served for each in rule.get("backendRefs", [])):
                yield f"HTTPRoute/{route['metadata']['name']}: its Service"
    for monitor in manifests.of("ServiceMonitor"):
        labels, port = monitor["spec"]["selector"]["matchLabels"], monitor["spec"]["endpoints"][0]["port"]
        if not any(each == port and selects(labels, served[name, each]["metadata"]["labels"]) for name, each in served):
            yield f"ServiceMonitor/{monitor['metadata']['name']}"
    for scaler in manifests.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if not manifests.has(target["kind"], target["name"]):
            yield f"HorizontalPodAutoscaler/{scaler['metadata']['name']}"
    for backup in manifests.of("ScheduledBackup"):
        if not manifests.has("Cluster", backup["spec"]["cluster"]["name"]):
            yield f"ScheduledBackup/{backup['metadata']['name']}"


def selects_wrongly(manifests: Manifests) -> Iterator[str]:
    """Selectors of what belongs to one kind of pod find that kind, and it alone."""
    for deployment in manifests.of("Deployment"):
        name, spec = deployment["metadata"]["name"], deployment["spec"]
        budgets = [each for each in manifests.of("PodDisruptionBudget") if each["metadata"]["name"] == name]
        selectors = [spec["selector"], *(budget["spec"]["selector"] for budget in budgets)]
        selectors += [each["labelSelector"] for each in spec["template"]["spec"]["topologySpreadConstraints"]]
        if len(selectors) != 4:
            yield f"{name}: one budget for disruptions, and spread over zones and machines"
        for selector in selectors:
            found = [pod.name for pod in manifests.pods if selects(selector["matchLabels"], pod.labels)]
            if found != [f"Deployment/{name}"]:
                yield f"{name}: {selector['matchLabels']} finds {found}"
        if bool(manifests.scalers(name)) == ("replicas" in spec) or spec.get("replicas", 2) < 2:
            yield f"{name}: an autoscaler says how many, or there are two"


def does_not_add_up(manifests: Manifests) -> Iterator[str]:
    """Times, ports, memory and connections."""
    connections = CONNECTIONS_KEPT
    for pod in manifests.pods:
        settings, resources = manifests.environment(pod), pod.container["resources"]
        each_takes = int(settings["USHER_DATABASE_POOL_SIZE"]) + CONNECTIONS_BESIDE_THE_POOL
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.name}: Services become settings that usher does not know"
        if resources["requests"]["memory"] != resources["limits"]["memory"] or "cpu" not in resources["limits"]:
            yield f"{pod.name}: it may be ended for what another pod takes, or counts the cores of the node"
        hashing = int(settings["USHER_HASH_MEMORY_MIB"]) if pod.container["args"] == ["serve"] else 0
        if int(resources["limits"]["memory"].removesuffix("Mi")) < IDLE_MIB + REQUESTS_MIB + hashing:
            yield f"{pod.name}: too little memory"
        if pod.owner["kind"] == "Job":
            connections += each_takes
            continue
        ending = sum(int(settings[f"USHER_SHUTDOWN_{name}_SECONDS"]) for name in ("DELAY", "GRACE"))
        if pod.spec["terminationGracePeriodSeconds"] < ending + 5:
            yield f"{pod.name}: it is killed before it is done"
        listens = {"http": settings["USHER_LISTEN"], "metrics": settings["USHER_METRICS_LISTEN"]}
        if any(listens[name] != f"0.0.0.0:{port}" for name, port in pod.ports.items()):
            yield f"{pod.name}: it listens elsewhere"
        update = pod.owner["spec"]["strategy"]["rollingUpdate"]
        if update["maxUnavailable"] != 0:
            yield f"{pod.name}: one goes before another is there"
        most = [scaler["maxReplicas"] for scaler in manifests.scalers(pod.owner["metadata"]["name"])]
        connections += (sum(most) or pod.owner["spec"]["replicas"]) * each_takes + update["maxSurge"] * each_takes
    for cluster in manifests.of("Cluster"):
        if connections > int(cluster["spec"]["postgresql"]["parameters"]["max_connections"]):
            yield f"{connections} connections are more than PostgreSQL takes"


def is_open(manifests: Manifests) -> Iterator[str]:
    """Of each pod: closed but for what it needs, and not closed to that."""
    pods = [(pod.name, pod.labels) for pod in manifests.pods]
    clusters = [cluster["metadata"]["name"] for cluster in manifests.of("Cluster")]
    pods += [(f"Cluster/{name}", {"cnpg.io/cluster": name}) for name in clusters]
    for name, labels in pods:
        component = labels.get("app.kubernetes.io/component")
        comes_in = {
            "http": component == "web" and bool(manifests.of("Ingress", "HTTPRoute")),
            "metrics": component is not None and bool(manifests.of("ServiceMonitor")),
        } | dict.fromkeys((5432, 8000, 9187), component is None)
        goes_out = {53, 5432} | {"worker": {465, 587}, None: {443, 6443, 8000}}.get(component, set())
        if component and any("USHER_TRACES_URL" in each["data"] for each in manifests.of("ConfigMap")):
            goes_out |= {4318}
        needed = {"Ingress": {port for port, needs in comes_in.items() if needs}, "Egress": goes_out}
        for direction, ports in needed.items():
            policies = [each["spec"] for each in manifests.of("NetworkPolicy")]
            policies = [policy for policy in policies if _applies(policy, labels, direction)]
            rules = [rule for policy in policies for rule in policy.get(direction.lower(), [])]
            allowed = {port["port"] for rule in rules for port in rule["ports"]}
            if not policies:
                yield f"{name}: {direction} is not restricted"
            if allowed != ports:
                yield f"{name}: {direction} at {allowed}, not {ports}"
            if direction == "Ingress" and any(not rule.get("from") for rule in rules):
                yield f"{name}: everybody comes in"


def _applies(policy: Document, labels: dict[str, str], direction: str) -> bool:
    return direction in policy["policyTypes"] and selects(policy["podSelector"].get("matchLabels", {}), labels)


def is_out_of_order(manifests: Manifests) -> Iterator[str]:
    """What the migration needs comes before it, and everything comes; all in one namespace, and no secret among it."""
    (namespace,) = (each["metadata"]["name"] for each in manifests.of("Namespace"))
    for document in manifests.documents:
        kind, metadata = document["kind"], document["metadata"]
        step = metadata["labels"].get("app.kubernetes.io/component")
        name = f"{kind}/{metadata['name']}"
        if step not in BEFORE | MIGRATION | AFTER:
            yield f"{name} has no step"
        if kind in ("Namespace", "ServiceAccount", "ConfigMap", "NetworkPolicy") and step not in BEFORE:
            yield f"{name} comes after the migration"
        if (kind == "Job") != (step in MIGRATION):
            yield f"{name}: the migration is a Job and nothing else"
        if kind != "Namespace" and metadata.get("namespace") != namespace:
            yield f"{name} is in another namespace"
        if kind == "Secret":
            yield f"{name} is in it"


CHECKS: list[Check] = [
    breaks_the_restricted_profile,
    leads_nowhere,
    is_not_reached,
    selects_wrongly,
    does_not_add_up,
    is_open,
    is_out_of_order,
]
