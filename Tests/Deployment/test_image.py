"""The Dockerfile and docker-compose.yml as far as they can be judged without an engine; docker/ tries them with one."""
import glob
import json
import os
import re
import subprocess
import unittest

import k8s_objects

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICES = ("orders", "stock", "payments")
PODS = {f"{service}-{number}" for service in SERVICES for number in (0, 1)}


def tools():
    """The folder of the deployment tools."""
    done = subprocess.run([os.path.join(REPOSITORY, "scripts", "deploy-tools")], stdout=subprocess.PIPE, text=True,
                          check=True, timeout=900)
    return done.stdout.strip()


def text(*parts):
    """A file of the repository."""
    with open(os.path.join(REPOSITORY, *parts), encoding="utf-8") as file:
        return file.read()


# The Dockerfile's stages by name.
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", text("Dockerfile"), re.MULTILINE | re.DOTALL))


class TheDockerfile(unittest.TestCase):
    """Dockerfile."""

    def test_hadolint_finds_nothing(self):
        # What stands in for images of registries names users as those do, and packages without versions as the Dockerfile does.
        images = glob.glob(os.path.join(REPOSITORY, "Tests", "Deployment", "docker", "images", "*.Dockerfile"))
        self.assertTrue(images)
        for options, paths in (([], [os.path.join(REPOSITORY, "Dockerfile")]),
                               (["--ignore", "DL3008", "--ignore", "DL3066"], sorted(images))):
            done = subprocess.run([os.path.join(tools(), "hadolint"), *options, *paths],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_base_images_are_arguments_with_a_version(self):
        bases = re.findall(r"^FROM (\S+)", text("Dockerfile"), re.MULTILINE)
        self.assertEqual(set(bases), {"${SWIFT_IMAGE}", "${DEBIAN_IMAGE}"})
        for name in re.findall(r"^ARG \w+_IMAGE=(\S+)$", text("Dockerfile"), re.MULTILINE):
            self.assertRegex(name, r"^[a-z/]+:\d[\w.-]*(@sha256:[0-9a-f]{64})?$")

    def test_the_version_is_the_programs(self):
        version = re.search(r'kassaVersion = "(.+)"', text("Sources", "Program", "kassa", "Version.swift")).group(1)
        self.assertIn(f"ARG KASSA_VERSION={version}\n", text("Dockerfile"))
        self.assertEqual(set(re.findall(r"\$\{KASSA_TAG:-([^}]+)\}", text("docker-compose.yml"))), {version})

    def test_it_runs_as_nobody_else(self):
        for name, stage in (("kassa", STAGES["kassa"]), ("gateway", STAGES["gateway"])):
            self.assertEqual(re.findall(r"^USER (.+)$", stage, re.MULTILINE), ["10001:10001"], name)

    def test_no_stage_has_a_client_of_http(self):
        """Nothing that somebody who got in could fetch more with; the health checks need none."""
        for name, stage in STAGES.items():
            if name != "build":
                code = "\n".join(line for line in stage.splitlines() if not line.lstrip().startswith("#"))
                self.assertEqual(re.findall(r"\b(?:curl|wget|netcat|nc)\b", code), [], name)

    def test_the_program_asks_after_itself(self):
        self.assertRegex(STAGES["kassa"], r'\nHEALTHCHECK [^\n]+ CMD \["kassa", "health"\]\n')

    def test_the_data_folder_is_a_volume_of_its_user_alone(self):
        self.assertEqual(re.findall(r"^(?:VOLUME|WORKDIR) (.+)$", STAGES["kassa"], re.MULTILINE), ["/var/lib/kassa"] * 2)
        self.assertIn("install -d -o 10001 -g 10001 -m 0750 /var/lib/kassa", STAGES["kassa"])

    def test_it_brings_no_secret_and_lets_nobody_in(self):
        """Whoever starts it says who may ask."""
        self.assertEqual(re.findall(r"^ENV (.+)$", STAGES["kassa"], re.MULTILINE),
                         ["KASSA_HTTP=0.0.0.0:8000 KASSA_OPERATOR=0.0.0.0:9000"])


def composed(*options):
    """The services of a compose file, as compose reads it."""
    argv = [os.path.join(tools(), "docker-compose"), *options, "--profile", "*", "config", "--format", "json"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KASSA_", "COMPOSE_"))}
    done = subprocess.run(argv, cwd=REPOSITORY, env=clean, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return json.loads(done.stdout)["services"]


class TheComposeFileOfTheLoad(unittest.TestCase):
    """test/stress-test-k8s/docker-compose.yml."""

    def test_a_master_with_a_page_and_workers_of_one_image(self):
        services = composed("--file", os.path.join("test", "stress-test-k8s", "docker-compose.yml"))
        self.assertEqual(set(services), {"master", "worker"})
        self.assertEqual(len({service["image"] for service in services.values()}), 1)
        # In the host's network, for the shop on its loopback: so each says where it listens.
        words = services["master"]["command"]
        for option in ("--web-host", "--master-bind-host"):
            self.assertEqual(words[words.index(option) + 1], "127.0.0.1")
        for service in services.values():
            self.assertEqual((service["network_mode"], service["read_only"], service["cap_drop"]), ("host", True, ["ALL"]))
            self.assertTrue(os.path.isfile(os.path.join(service["build"]["context"], "Dockerfile")))


class TheComposeFile(unittest.TestCase):
    """docker-compose.yml, as compose reads it."""

    @classmethod
    def setUpClass(cls):
        cls.services = composed()

    def test_every_service_is_confined(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertGreater(int(service["mem_limit"]), 0)
                # The start script of Kafka's image writes into its root.
                self.assertTrue(service.get("read_only") or name == "kafka")
                self.assertEqual(service.get("cap_add"), ["CHOWN"] if name == "secrets" else None)

    def test_no_container_leaves_a_volume_without_a_name(self):
        for name, service in self.services.items():
            if service["image"].startswith("kassa:"):
                with self.subTest(name):
                    self.assertTrue(service["tmpfs"][0].startswith("/var/lib/kassa:"))

    def test_ports_are_of_this_machine_alone(self):
        ports = [port for service in self.services.values() for port in service.get("ports", [])]
        self.assertEqual({port["host_ip"] for port in ports}, {"127.0.0.1"})

    def test_no_environment_holds_a_secret(self):
        for name, service in self.services.items():
            for variable, value in service.get("environment", {}).items():
                with self.subTest(f"{name} {variable}"):
                    self.assertNotRegex(str(value), r"://[^/@]*:[^/@]+@|password=")
                    if re.search("PASSWORD|SECRET|TOKEN", variable):
                        self.assertRegex(variable, "_FILE$")
                    # PostgreSQL's image would let everybody in without a password.
                    self.assertNotIn("trust", str(value))

    def test_passwords_are_made_at_random(self):
        self.assertIn("/dev/urandom", text("compose", "secrets.sh"))
        made = re.findall(r"^ *put .+$", text("compose", "secrets.sh"), re.MULTILINE)
        self.assertGreater(len(made), 6)
        for line in made:
            self.assertRegex(line, r"\$secret|\$\(word\)")

    def test_nobody_is_root_but_who_gives_files_away(self):
        # Of the others' images, those that run as their own user.
        others = {"kafka", "prometheus", "grafana"}
        for name, service in self.services.items():
            with self.subTest(name):
                if name == "secrets":
                    self.assertEqual((service["user"], service["network_mode"]), ("0:0", "none"))
                elif not service["image"].startswith("kassa") and name not in others:
                    self.assertRegex(service["user"], r"^[1-9]\d*:[1-9]\d*$")
                else:
                    self.assertNotIn("user", service)

    def test_pods_are_asked_as_the_image_says(self):
        for name in PODS:
            with self.subTest(name):
                self.assertLessEqual(set(self.services[name]["healthcheck"]),
                                     {"interval", "timeout", "start_period", "retries"})

    def test_all_pods_are_served_by_the_gateway_and_watched(self):
        pods = {name for name in self.services if re.fullmatch(r"(orders|stock|payments)-\d", name)}
        self.assertEqual(pods, PODS)
        self.assertEqual(set(self.services["gateway"]["build"]["args"]["PODS"].split()), PODS)
        self.assertEqual(set(self.services["gateway"]["depends_on"]), PODS)
        self.assertEqual(set(re.findall(r'"([a-z]+-\d):9000"', text("compose", "prometheus.yml"))), PODS)

    def test_a_pod_is_what_its_name_says(self):
        for name in PODS:
            with self.subTest(name):
                settings = self.services[name]["environment"]
                self.assertEqual(settings["KASSA_POD"], name)
                self.assertEqual(settings["KASSA_PEERS_ADVERTISE"], f"{name}:7000")
                self.assertEqual(settings["KASSA_SERVICE"], name[:-2])
                self.assertEqual(settings["KASSA_HOSTS"], f"{name},gateway,localhost")

    def test_the_partitions_are_said_once(self):
        folder = os.path.join(REPOSITORY, "env")
        files = [text("env", name) for name in os.listdir(folder)] + [text("docker-compose.yml")]
        self.assertEqual(sum(len(re.findall(r"PARTITIONS[=:] *\"?\d", file.replace("OFFSETS_TOPIC_NUM_PARTITIONS", "")))
                             for file in files), 1)
        for name in PODS | {"topics", "audit"}:
            self.assertEqual(self.services[name]["environment"]["KASSA_PARTITIONS"], k8s_objects.PARTITIONS)

    def test_files_that_are_mounted_exist(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                if volume["type"] == "bind":
                    with self.subTest(f"{name} {volume['target']}"):
                        self.assertTrue(os.path.isfile(volume["source"]), volume["source"])

    def test_nothing_starts_before_what_it_needs(self):
        for name in PODS:
            needs = {need: how["condition"] for need, how in self.services[name]["depends_on"].items()}
            self.assertEqual(needs, {
                "topics": "service_completed_successfully", "keys": "service_completed_successfully",
                "redis": "service_healthy", f"postgres-{name[:-2]}": "service_healthy"})


if __name__ == "__main__":
    unittest.main()
