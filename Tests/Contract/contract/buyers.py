"""Clients that openapi-generator makes from the server's document: complete, compiled as their language compiles them, and
each buys something at the server with a program of `buyers/`.

Nothing but Debian's compilers and PyPI is needed. Go's and TypeScript's clients have no dependencies; those of Java's,
Jackson, are in the generator's own jar.
"""

import importlib.util
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile

from .clients import run, write_document

SCRIPTS = pathlib.Path(__file__).parents[3] / "scripts"
PROGRAMS = pathlib.Path(__file__).parents[1] / "buyers"
# Of the machine's Java. The default is a quarter of its memory.
HEAP = "-Xmx512m"


def has(client, language, *tools):
    """Whether the tools for a language's client are there. What is missing is noted, unless it is a cluster: the document
    of its pods is the same one."""
    if not client.is_alone:
        return False
    missing = [tool for tool in ("java", *tools) if shutil.which(tool) is None]
    if missing:
        why = f"there is no {' and no '.join(missing)}: scripts/system-packages --for clients"
        subprocess.run([SCRIPTS / "not-run", f"the {language} client that openapi-generator makes", why], check=True)
    return not missing


def jar():
    return pathlib.Path(importlib.util.find_spec("openapi_generator_cli").origin).with_name("openapi-generator.jar")


def generate(client, folder, generator, suffix, **properties):
    """The folder of a client's sources, which have all paths of the document."""
    made = pathlib.Path(folder, generator)
    told = ",".join(f"{name}={value}" for name, value in properties.items())
    options = ["--library", "native"] if generator == "java" else []
    # Fails on a document that its own validation refuses.
    said = run(
        "java", HEAP, "-jar", str(jar()), "generate", "--input-spec", str(write_document(client, folder)),
        "--generator-name", generator, "--output", str(made), "--additional-properties", told, *options,
        "--git-user-id", "example", "--git-repo-id", "kassa",
    )  # fmt: skip
    assert "ERROR" not in said, said
    text = "".join(path.read_text(encoding="utf-8") for path in made.rglob(f"*{suffix}"))
    left_out = [str(one) for one in client.document.operations if one.path.split("{")[0] not in text]
    assert not left_out, (generator, left_out)
    return made


def buys(client, *program, **options):
    """The program's purchase succeeds, and the server shows it."""
    key = secrets.token_hex(8)
    said = run(*map(str, program), f"http://{client.host}:{client.port}", key, **options)
    assert said.splitlines()[-1:] == ["bought"], said
    # The account of the user that it made under this key.
    user = client.post("/payment/create_user", Idempotency_Key=f"{key}-user").json["user_id"]
    assert client.get(f"/payment/find_user/{user}").json["credit"] == 80


def test_python(client):
    if not has(client, "Python"):
        return
    with tempfile.TemporaryDirectory() as folder:
        made = generate(client, folder, "python", ".py", packageName="kassa_generated")
        run(sys.executable, "-m", "compileall", "-q", str(made))
        buys(client, sys.executable, "-B", PROGRAMS / "python/buyer.py", env=os.environ | {"PYTHONPATH": str(made)})


def test_java(client):
    if not has(client, "Java", "javac"):
        return
    with tempfile.TemporaryDirectory() as folder:
        made = generate(client, folder, "java", ".java", openApiNullable="false", useJakartaEe="false")
        sources = [*made.glob("src/main/**/*.java"), *PROGRAMS.glob("java/**/*.java")]
        run("javac", f"-J{HEAP}", "-nowarn", "-cp", str(jar()), "-d", f"{folder}/classes", *map(str, sources))
        buys(client, "java", HEAP, "-cp", f"{folder}/classes:{jar()}", "Buyer")


def test_go(client):
    if not has(client, "Go", "go"):
        return
    with tempfile.TemporaryDirectory() as folder:
        made = generate(client, folder, "go", ".go", packageName="kassa")
        program = made / "cmd/buyer"
        program.mkdir(parents=True)
        shutil.copy(PROGRAMS / "go/main.go", program)
        # Nothing is fetched, nothing is left in the home of whoever runs this.
        settings = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOCACHE": f"{folder}/cache",
                    "GOPATH": f"{folder}/path"}
        run("go", "build", "-o", f"{folder}/buyer", "./cmd/buyer", cwd=made, env=os.environ | settings)
        buys(client, f"{folder}/buyer")


def test_typescript(client):
    if not has(client, "TypeScript", "node", "tsc"):
        return
    with tempfile.TemporaryDirectory() as folder:
        made = generate(client, folder, "typescript-fetch", ".ts", npmName="kassa-client")
        shutil.copy(PROGRAMS / "typescript/buyer.ts", made / "src")
        # The compiler of Debian 12 does not follow the generated guards, `'x' in value`, to the type of `value['x']`.
        run(
            "tsc", "--target", "es2020", "--module", "commonjs", "--lib", "es2020,dom", "--strict", "--noImplicitAny",
            "false", "--outDir", f"{folder}/program", "src/buyer.ts", cwd=made,
        )  # fmt: skip
        buys(client, "node", f"{folder}/program/buyer.js")
