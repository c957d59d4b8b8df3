"""What becomes of each command that a page shows: every one of them is listed here, or the test fails.

`Run` commands run as they are, in a fresh clone, in the course that is named, in the order of their pages. What cannot
is `Adapted` (words of it replaced, since they name a place or a size of the reader's) or `NotRun`, each with the reason.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Run:
    """Runs as it stands. `code` is what it ends with."""
    course: str
    code: int = 0


@dataclasses.dataclass(frozen=True)
class Adapted:
    """Runs with some words replaced."""
    course: str
    replaced: tuple
    why: str
    code: int = 0


@dataclasses.dataclass(frozen=True)
class NotRun:
    """Is not run; what it takes, or the test that runs the like of it."""
    why: str


# The courses. SERVE: the server of `make run`, and what follows on its data. LIVE: what is asked of it while it serves.
# STACK: a cluster. TOOLS: the program alone. MORE: what takes its own minutes, in the long run only
# (Tests/Readme/run --long).
SERVE, LIVE, STACK, TOOLS, MORE = "serve", "live", "stack", "tools", "more"

# What most commands of the pages for operators lack here.
CLUSTER = "a cluster of Kubernetes; Tests/Deployment renders and checks what is applied"
MINIKUBE = ("minikube and a registry; Tests/Deployment/test_minikube.py and test_minikube_failures.py run the scripts on "
            "stand-ins")
COMPOSE = "Docker with Compose; Tests/Deployment checks the file"
ENGINE = "a Docker engine; `make test-docker` tries the image and the compose file with one"
SYSTEMD = "a service of systemd, and root"

# The clone has the program that is tested, and compiles nothing.
COMPILES = "a debug build of the program or of all tests; make test builds and runs them"

# The folders of docs/backup.md, below the clone.
BACKUP = (("/var/lib/kassa", "data"), ("/backup/", "backup-"))

# The file of docs/authentication.md, below the clone.
API_KEYS = (("/etc/kassa/api-keys", "some-keys"),)

# What several commands have in common.
JOBS = "packages from PyPI, and a server; Tests/Jobs/run runs the program on one"
RENDERED = "a Kubernetes cluster; Tests/Jobs/manifests renders and checks what it applies"

COMMANDS = {
    "README.md": {
        "make run": Run(SERVE),
        "make test": NotRun("it is what runs this: Tests/Stack/test_not_run.py tests its script"),
    },
    "CONTRIBUTING.md": {
        "swift build": NotRun(COMPILES),
        "make check": NotRun(COMPILES),
        "make test": NotRun("README.md shows it, too"),
        "swift test --filter CartTests": NotRun(COMPILES),
        "make sim SEEDS=1 SEED=1005": Run(TOOLS),
        "Tests/Drills/run --only failing_log": NotRun(COMPILES),
        "make sanitize SANITIZE=thread FILTER=Lanes": NotRun("a build of everything for the sanitizer"),
    },
    "docs/quick-start.md": {
        "make run": NotRun("README.md shows it, too, and it is run from there"),
        "curl -X POST http://127.0.0.1:8000/payment/create_user": Run(LIVE),
        "curl http://127.0.0.1:9000/readyz": Run(LIVE),
        "docker compose up --build --wait": NotRun(COMPOSE),
        "docker compose ps": NotRun(COMPOSE),
        "docker compose down": NotRun(COMPOSE),
        "./deploy-charts-and-start-minikube.sh": NotRun(MINIKUBE),
        "./deploy-charts-and-start-minikube.sh --dry-run": NotRun(MINIKUBE),
        "./remove-charts-and-stop-minikube.sh": NotRun(MINIKUBE),
        "./remove-charts-and-stop-minikube.sh --delete-data": NotRun(MINIKUBE),
    },
    "docs/deploy.md": {
        "./deploy-charts-and-start-minikube.sh --profile kassa": NotRun(MINIKUBE),
        "./remove-charts-and-stop-minikube.sh --profile kassa": NotRun(MINIKUBE),
        "kubectl kustomize k8s/overlays/production | less": NotRun("somebody who reads; Tests/Deployment renders it"),
        "kubectl apply -k k8s/overlays/production": NotRun(CLUSTER),
        "helm install kassa helm-config/kassa --namespace kassa --create-namespace --values my-values.yaml":
            NotRun(CLUSTER),
    },
    "docs/scale.md": {
        "kubectl -n kassa scale statefulset/stock --replicas=4": NotRun(CLUSTER),
        "kassa grow --data data --partitions 16": NotRun(
            "it would change the folder of the commands after it; FolderGrowthTests grows folders"),
        "kassa grow --mode cluster --partitions 16 --config /etc/kassa.env": NotRun(
            "a cluster of the reader's; Tests/ClusterDrills/growth_drills.py grows one"),
    },
    "docs/upgrade.md": {
        "systemctl stop kassa && make install && systemctl start kassa": NotRun(SYSTEMD),
        "kubectl -n kassa set image statefulset/stock kassa=registry.example/kassa:0.2.0": NotRun(CLUSTER),
        "kubectl -n kassa rollout status statefulset/stock": NotRun(CLUSTER),
    },
    "docs/backup.md": {
        "kassa backup --data /var/lib/kassa /backup/kassa-$(date +%F)":
            Adapted(SERVE, BACKUP, "folders of the reader's"),
        "systemctl stop kassa": NotRun(SYSTEMD),
        "mv /var/lib/kassa /var/lib/kassa.damaged": Adapted(SERVE, BACKUP[:1], "folders of the reader's"),
        "kassa restore /backup/kassa-$(date +%F) /var/lib/kassa": Adapted(SERVE, BACKUP, "folders of the reader's"),
        "systemctl start kassa": NotRun(SYSTEMD),
    },
    "docs/retention.md": {
        "psql \"$ORDERS\" -c \"\\copy (SELECT partition, key, body FROM kassa.entities WHERE kind = 1) TO 'orders.copy'\"":
            NotRun("databases of the reader's"),
        "psql \"$PAYMENTS\" -c \"\\copy (SELECT partition, key, body FROM kassa.entities WHERE kind = 5) "
        "TO 'payments.copy'\"":
            NotRun("databases of the reader's"),
        "sqlite3 /var/lib/kassa/store.sqlite VACUUM": NotRun("a stopped server; Tests/Drills/retention_drills.py does it"),
    },
    "docs/docker.md": {
        "docker build --tag kassa --target kassa .": NotRun(ENGINE),
        "docker run --name kassa --read-only --cap-drop ALL --security-opt no-new-privileges:true "
        "--volume kassa-data:/var/lib/kassa --publish 127.0.0.1:8000:8000 --env KASSA_NO_AUTHENTICATION=yes "
        "--env KASSA_HOSTS=localhost kassa":
            NotRun(ENGINE),
        "scripts/pin-images": NotRun("the registries; Tests/Deployment/test_pin_images.py has one that stands in for them"),
        "docker compose up --build --wait": NotRun(ENGINE),
        "curl -X POST http://127.0.0.1:8000/payment/create_user": NotRun(ENGINE),
        "docker run --rm --user 472:472 --volume kassa_secrets-grafana:/s:ro --entrypoint cat kassa:0.1.0 /s/password":
            NotRun(ENGINE),
        "git pull": NotRun(ENGINE),
        "docker compose build": NotRun(ENGINE),
        "docker compose up --detach --wait": NotRun(ENGINE),
    },
    "k8s/README.md": {
        "kubectl apply -f k8s/base/namespace.yaml": NotRun(CLUSTER),
        "kubectl -n kassa create secret generic order-db --from-file=uri=order-db.uri": NotRun(CLUSTER),
        "kubectl -n kassa create secret generic redis --from-file=url=redis.url": NotRun(CLUSTER),
        "kubectl -n kassa create secret generic redis-login --from-file=users.acl=users.acl": NotRun(CLUSTER),
        "kassa keys --out keys": Run(TOOLS),
        "kubectl -n kassa create secret generic kassa-peers --from-file=tls.crt=keys/pod.pem "
        "--from-file=tls.key=keys/pod.key --from-file=ca.crt=keys/authorities.pem": NotRun(CLUSTER),
        "minikube start --cpus 2 --memory 6144 && minikube addons enable ingress": NotRun(MINIKUBE),
        "minikube image load kassa:0.1.0": NotRun(MINIKUBE),
        "kubectl apply -k k8s/overlays/minikube": NotRun(MINIKUBE),
        "kubectl -n kassa wait --for=condition=complete job/kassa-topics --timeout=10m": NotRun(MINIKUBE),
        "kubectl -n kassa rollout status statefulset/orders --timeout=10m": NotRun(MINIKUBE),
        'curl -X POST "http://$(minikube ip)/payment/create_user"': NotRun(MINIKUBE),
        "(cd k8s/overlays/production && kustomize edit set image kassa=registry.example.com/kassa:0.1.0)": NotRun(
            "kustomize by itself; Tests/Deployment renders with that of kubectl"),
        "kubectl apply -k k8s/overlays/production": NotRun(CLUSTER),
    },
    "docs/stack.md": {
        "make stack": Run(STACK),
        "make stack ORDERS=1 STOCK=4 BROKERS=3": Run(MORE),
        "curl -X POST http://$(cat .stack/gateway)/payment/create_user": Run(STACK),
        "make stack-status": Run(STACK),
        "make stack-scale SERVICE=stock PODS=4": Run(STACK),
        "make stack-restart": Run(STACK),
        "make stack-stop": Run(STACK),
    },
    "docs/kafka.md": {
        "kassa topics create --brokers kafka:9092": NotRun("a broker at kafka:9092; KafkaIntegration"),
        "kassa topics check  --brokers kafka:9092": NotRun("a broker at kafka:9092; KafkaIntegration"),
    },
    "docs/running.md": {
        "kassa api-keys add shop --scopes orders,stock,payment --file /etc/kassa/api-keys": Adapted(
            SERVE, (("/etc/kassa/api-keys", "served-keys"),), "tests write below their own folder"),
        "kassa serve --http 0.0.0.0:8000 --data /var/lib/kassa --api-keys /etc/kassa/api-keys": Adapted(
            SERVE, (("0.0.0.0:8000", "127.0.0.1:{http}"), ("/var/lib/kassa", "served"),
                    ("/etc/kassa/api-keys", "served-keys"),
                    ("kassa serve", "timeout --preserve-status -s TERM 5 kassa serve --operator 127.0.0.1:{operator}")),
            "tests listen on 127.0.0.1 only, and write below their own folder; it is ended after 5 s"),
        "kassa topics create --brokers kafka:9092": NotRun("a broker at kafka:9092; KafkaIntegration"),
        "kassa serve --config /etc/kassa.env": NotRun("a pod's settings in /etc; Tests/Stack runs pods"),
        "KASSA_MODE=cluster KASSA_KAFKA_BROKERS=kafka-1:9092 KASSA_POSTGRES_ORDERS='host=…' "
        "KASSA_POSTGRES_STOCK='host=…' KASSA_POSTGRES_PAYMENTS='host=…' kassa verify": NotRun(
            "a cluster of the reader's; Tests/Stack/whole verifies one"),
    },
    "docs/monitoring.md": {
        "kassa partitions 10.0.0.7:9000": NotRun("a pod at 10.0.0.7; Tests/Stack/whole asks all pods"),
        "kassa inspect request 3f0c6a9d5be21740-0-16 --data data": NotRun(
            "there is no such request; Tests/Drills/request_drills.py looks up those that it sent"),
    },
    "docs/authentication.md": {
        "kassa api-keys add web-shop --scopes orders,stock:read,payment --rate 200/400 --file /etc/kassa/api-keys": Adapted(
            TOOLS, API_KEYS, "tests write below their own folder"),
        "kassa api-keys list --file /etc/kassa/api-keys": Adapted(
            TOOLS, API_KEYS, "tests write below their own folder"),
        "kassa api-keys revoke web-shop --file /etc/kassa/api-keys": Adapted(
            TOOLS, API_KEYS, "tests write below their own folder"),
        "systemctl kill --signal HUP kassa": NotRun(SYSTEMD),
        "curl --fail --silent --show-error https://id.example/realms/shop/protocol/openid-connect/certs "
        "--output jwks.new": NotRun("an identity provider; TokensServedTests reads such files"),
        "chmod 644 jwks.new": NotRun("the file that the identity provider gives"),
        "mv jwks.new /etc/kassa/jwks.json": NotRun("the file that the identity provider gives"),
        "kassa api-keys add prometheus --scopes operator:read --rate unlimited --file /etc/kassa/api-keys": Adapted(
            TOOLS, API_KEYS, "tests write below their own folder"),
        "kassa partitions 10.0.0.7:9000 --api-key-file /run/secrets/prometheus-key": NotRun(
            "a pod at 10.0.0.7; ServingTests asks with keys"),
        "curl --request POST http://127.0.0.1:9000/reload": Run(LIVE),
    },
    "docs/peers.md": {
        "kassa keys --out pki": Run(TOOLS),
        "kassa keys --out pki-2 --authority pki --days 90": Run(TOOLS),
        "kassa serve --mode cluster --peers 0.0.0.0:7000 --peers-advertise 10.0.0.7:7000 "
        "--peer-certificate pki/pod.pem --peer-key pki/pod.key --peer-authorities pki/authorities.pem …": NotRun(
            "the address of a host, and settings that are left out; Tests/Stack runs pods"),
    },
    "docs/postgres.md": {
        "swift test -c release -Xswiftc -enable-testing --filter SpeedTests": NotRun(
            "an optimised build of all tests, ten minutes of processor time, and a machine that does nothing else"),
    },
    "docs/troubleshooting.md": {
        "sqlite3 FOLDER/log.sqlite 'SELECT partition >> 12, partition & 4095, offset, hex(body), reason FROM quarantined'":
            Adapted(SERVE, (("FOLDER", "served"),), "the reader's data folder"),
    },
    "docs/performance.md": {
        "make stack": NotRun("docs/stack.md shows it, too"),
        'perf/jobs --url "http://$(cat .stack/gateway)"': NotRun(
            "packages from PyPI, and five minutes; Tests/Jobs/test_figures.py runs it in short"),
    },
    "docs/load-and-consistency.md": {
        "python3 test/test-microservices/test_microservices.py --url http://127.0.0.1:8000 --verbose": NotRun(JOBS),
        ".venv/jobs/bin/python test/consistency/run_consistency.py --url http://127.0.0.1:8000 "
        "--buyers 1,100,250,500,750,1000": NotRun(JOBS),
        ".venv/jobs/bin/locust --locustfile test/stress-test-k8s/locustfile.py --host http://127.0.0.1:8000 --headless "
        "--users 100 --spawn-rate 20 --run-time 1m --only-summary Mixed": NotRun(JOBS),
    },
    "test/README.md": {
        "python3 -m venv .venv/jobs": NotRun(JOBS),
        ".venv/jobs/bin/pip install --requirement test/requirements.txt": NotRun(JOBS),
        "python3 test/test-microservices/test_microservices.py --url http://127.0.0.1:8000": NotRun(JOBS),
        ".venv/jobs/bin/python test/consistency/run_consistency.py --url http://127.0.0.1:8000": NotRun(JOBS),
        ".venv/jobs/bin/locust --locustfile test/stress-test-k8s/locustfile.py --host http://127.0.0.1:8000":
            NotRun(JOBS),
        "docker build --tag kassa-tests:0.1.0 test": NotRun("a Docker daemon"),
        "docker run --rm --network host kassa-tests:0.1.0 test-microservices --url http://127.0.0.1:8000": NotRun(
            "a Docker daemon, and the image"),
        "docker compose --file test/stress-test-k8s/docker-compose.yml up --build --scale worker=4": NotRun(
            "a Docker daemon"),
        "kubectl apply -k test/k8s": NotRun(RENDERED),
        "kubectl -n kassa wait --for=condition=Complete --timeout=1h job/consistency": NotRun("a Kubernetes cluster"),
        "kubectl -n kassa logs job/consistency": NotRun("a Kubernetes cluster"),
        "kubectl apply -k test/stress-test-k8s/k8s": NotRun(RENDERED),
        "helm install load test/stress-test-k8s/helm --namespace kassa --set workers.replicas=4": NotRun(RENDERED),
        "helm install load test/stress-test-k8s/helm --namespace kassa --set headless.enabled=true "
        "--set headless.runTime=5m": NotRun(RENDERED),
    },
    "docs/internals/simulator.md": {
        "make sim SEEDS=10000 STEPS=3000": Adapted(
            TOOLS, (("SEEDS=10000", "SEEDS=20"),), "ten thousand worlds take ten minutes of processor time"),
        "swift run kassa-simulator --seed 1005 --seeds 1": NotRun(COMPILES),
        "swift run kassa-simulator --plant releasedTwice": NotRun(COMPILES),
    },
}

# Blocks that run as one script, by page and first line.
SCRIPTS = {
    ("README.md", "api=http://127.0.0.1:8000"): SERVE,
}

# Blocks that run as one script where there is a Docker engine: by Tests/Deployment/docker/course.py, with its own names.
ENGINE_SCRIPTS = {
    ("docs/docker.md", "install -d -m 0700 backup"),
    ("docs/docker.md", "docker compose down --volumes"),
}

# Blocks that run as one script on a cluster that is lost and restored: by Tests/ClusterDrills/losses.py.
DRILL_SCRIPTS = {
    ("docs/backup.md", "install -d -m 0700 backup"),
    ("docs/backup.md", "for service in orders stock payments; do"),
}

# All of them.
SHOWN_SCRIPTS = set(SCRIPTS) | ENGINE_SCRIPTS | DRILL_SCRIPTS

# Blocks without a language that are no commands, by page and first line.
DATA = {
    ("docs/kafka.md", "rdkafka.security.protocol=SASL_SSL"),
    ("docs/monitoring.md", "2026-01-31T12:00:00.123Z info    request answered request_id=3f0c6a9d5be21740-0-16 "
     "client_request_id=cart-7 method=POST path=/orders/checkout/o1 status=409 code=out_of_stock milliseconds=1.234 "
     "caller=web-shop bytes=312"),
    ("docs/monitoring.md", "PARTITION    OWNER       EPOCH  STATE       LAG  CHECKPOINT AGE  DIRTY  PARKED  APPLIED  "
     "CHECKPOINTED"),
    ("docs/retention.md", "KASSA_ORDER_RETENTION=90d"),
    ("docs/retention.md", "2026-01-31T12:00:00.123Z info    orders older than order-retention were removed "
     "partition=orders-3 orders=1812"),
    ("docs/running.md", "KASSA_MODE=cluster"),
    ("docs/running.md", "FORMAT         the folder's format version, its partition count, and whether a server uses it"),
    ("docs/stack.md", ".stack/gateway         the gateway's address; it is there as long as the stack is ready"),
    ("docs/internals/saga.md", "open ──checkout──► checkingOut ──paid──► paid"),
    ("docs/internals/saga.md", "reserve ─► parked ─► held ─► committed (gone)"),
    ("docs/internals/saga.md", "pay by hand ─► byHand ──cancel──► refunded ──pay by hand──► byHand"),
}
