"""The programs that are compared: their names, and how each is built below a folder of its own.

Each function below installs what one language needs, and returns the programs of that language. It raises
LeftOut where the language's tools are not here.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent / "programs"


class LeftOut(Exception):
    """Why the programs of a language are not measured."""


@dataclass
class Peer:
    name: str  # with its version, for the table
    command: list  # the arguments of a run follow
    environment: dict = field(default_factory=dict)
    starts_slowly: bool = False
    queues: bool = True  # waits for a held lock, so that it can fight


def run(folder, *command, **environment):
    """Runs a command of the set-up; its output goes to a log in `folder`."""
    if not shutil.which(command[0]):
        raise LeftOut(f"there is no {command[0]}")
    with open(folder / "set-up.log", "a", encoding="utf-8") as log:
        print("+", *command, file=log, flush=True)
        done = subprocess.run(
            command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
        )
    if done.returncode != 0:
        raise LeftOut(f"{command[0]} failed; see {log.name}")


def native(folder, build):
    """The baseline and redilock itself."""
    library = build / "capi"
    includes = [f"-I{build.parent / 'capi/include'}", f"-L{library}"]
    source = str(HERE / "native.cpp")
    run(folder, "c++", "-std=c++17", "-O2", *includes, source, "-o", "native", "-lredilock", "-lhiredis")
    environment = {"LD_LIBRARY_PATH": str(library)}
    program = str(folder / "native")
    return [
        Peer("raw commands by hiredis", [program, "raw"], environment, queues=False),
        Peer("redilock, C", [program, "redilock"], environment),
        Peer("redilock, C, fence=0", [program, "redilock-without-fence"], environment),
    ]


def python(folder, build):
    """redilock by the Python that it was built for; the others in an environment of their own."""
    packages = ["redis==8.1.0", "hiredis", "python-redilock==0.5.0", "python-redis-lock==4.0.1"]
    if not (folder / "venv/done").exists():
        run(folder, sys.executable, "-m", "venv", "venv")
        run(folder, str(folder / "venv/bin/pip"), "install", "-q", *packages)
        (folder / "venv/done").touch()
    program, own = str(HERE / "turns.py"), str(folder / "venv/bin/python")
    package = {"PYTHONPATH": str(build / "bindings/python"), "PYTHONDONTWRITEBYTECODE": "1"}
    others = {"PYTHONPATH": ""}  # python-redilock is a package "redilock" too
    return [
        Peer("redilock, Python", [sys.executable, program, "redilock"], package),
        Peer("redis-py 8.1.0 Lock", [own, program, "redis-py"], others),
        Peer("python-redilock 0.5.0", [own, program, "python-redilock"], others),
        Peer("python-redis-lock 4.0.1", [own, program, "python-redis-lock"], others),
    ]


def go(folder, _):
    shutil.copytree(HERE / "go", folder, dirs_exist_ok=True)
    run(folder, "go", "build", "-mod=mod", "-o", "turns", ".")
    program = str(folder / "turns")
    return [
        Peer("redsync 4.18.1, Go", [program, "redsync"]),
        Peer("bsm/redislock 0.9.4, Go", [program, "redislock"]),
    ]


def node(folder, _):
    shutil.copy(HERE / "turns.mjs", folder)
    if not (folder / "node_modules/redlock").exists():
        packages = ["ioredis@6.0.0", "redlock@5.0.0-beta.2", "redis-semaphore@5.8.0"]
        run(folder, "npm", "install", "--no-save", "--no-package-lock", "--prefix", str(folder), *packages)
    program = str(folder / "turns.mjs")
    return [
        Peer("node-redlock 5.0.0-beta.2", ["node", program, "node-redlock"]),
        Peer("redis-semaphore 5.8.0, Node", ["node", program, "redis-semaphore"]),
    ]


def rust(folder, _):
    shutil.copytree(HERE / "rust", folder, dirs_exist_ok=True)
    run(folder, "cargo", "build", "-q", "--release")
    return [Peer("rslock 0.10.0, Rust", [str(folder / "target/release/peers"), "rslock"])]


def java(folder, _):
    shutil.copytree(HERE / "java", folder, dirs_exist_ok=True)
    if not (folder / "target/dependency").exists():
        run(folder, "mvn", "-q", "-B", "package", "dependency:copy-dependencies")
    path = f"{folder}/target/peers-0.jar:{folder}/target/dependency/*"
    command = ["java", "-cp", path, "Turns"]
    return [
        Peer("Redisson 3.52.0 RLock, Java", [*command, "RLock"], starts_slowly=True),
        Peer("Redisson 3.52.0 RFairLock, Java", [*command, "RFairLock"], starts_slowly=True),
    ]


LANGUAGES = (native, python, go, node, rust, java)


def build_all(build):
    """All programs that can be had, the baseline first."""
    built = []
    for language in LANGUAGES:
        folder = build / "peers" / language.__name__
        folder.mkdir(parents=True, exist_ok=True)
        try:
            built += language(folder, build)
        except LeftOut as why:
            print(f"left out: {language.__name__}: {why}", flush=True)
    return built
