"""Replays the scenarios with the runners of each language, and prints a table: language by scenario.

usage: run.py FOLDER [FILE...]    FOLDER gets the sockets of servers and the runners
REDILOCK_LANGUAGES selects languages by the names of their folders. README.md describes the formats.
"""
import os
import pathlib
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).parent
# For what takes milliseconds on an idle machine.
SECONDS = int(os.environ.get("REDILOCK_CONFORMANCE_SECONDS", "60"))
PASSED, FAILED, SKIPPED, UNABLE = "ok", "FAIL", "SKIP", "n/a"


class Mismatch(Exception):
    """A step came to something else than the scenario says."""


class Skipped(Exception):
    """A scenario needs what is not there."""


class Unable(Exception):
    """A language has no such call."""


class Server:
    """A redis-server, and a connection of the driver's own to it."""

    def __init__(self, folder):
        path = f"{folder}/server.sock"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + SECONDS
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                if self.process.poll() is not None or time.monotonic() > until:
                    sys.exit("redis-server does not start")
                time.sleep(0.005)
        self.stream = self.socket.makefile("rb")
        os.environ["REDILOCK_URL"] = f"unix://{path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def ask(self, *words):
        parts = [urllib.parse.unquote_to_bytes(word) for word in words]
        lines = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.socket.sendall(b"*%d\r\n%s" % (len(parts), lines))
        return self.read()

    def read(self):
        kind, rest = (line := self.stream.readline().rstrip(b"\r\n"))[:1], line[1:]
        if kind == b"*":
            return " ".join(self.read() for _ in range(int(rest)))
        if kind == b"$" and rest == b"-1":
            return "nil"
        if kind == b"$":
            rest = self.stream.read(int(rest) + 2)[:-2]
        return urllib.parse.quote_from_bytes(rest, safe=":{}@/")


class Runner:
    """One process of a language: requests go in as lines, and replies come out as lines."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.replies, self.sent = {}, 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            number, _, reply = line.rstrip("\n").partition(" ")
            if number in self.replies:
                self.replies[number].put((time.monotonic(), reply))
        for waiting in list(self.replies.values()):
            waiting.put((time.monotonic(), "the runner has ended"))

    def send(self, request):
        self.sent += 1
        number = str(self.sent)
        self.replies[number] = queue.Queue()
        began = time.monotonic()
        try:
            self.process.stdin.write(f"{number} {request}\n")
        except OSError as error:
            raise Mismatch("the runner has ended") from error
        return number, began

    def reply(self, number, began):
        """The words of a reply, with the milliseconds that it took."""
        try:
            ended, reply = self.replies[number].get(timeout=SECONDS)
        except queue.Empty:
            raise Mismatch(f"no reply in {SECONDS} s") from None
        return [*reply.split(), f"took={int((ended - began) * 1000)}"]

    def end(self):
        """The runner frees all that it has when its input ends, and exits with 0."""
        self.process.stdin.close()
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Mismatch("the runner does not end") from None
        if code != 0:
            raise Mismatch(f"the runner ended with {code}")


class Replay:
    """One scenario with one language."""

    def __init__(self, language, programs, redis):
        self.language, self.programs, self.redis = language, programs, redis
        self.runners, self.started, self.variables = {}, {}, {}

    def runner(self, actor):
        if actor not in self.runners:
            self.runners[actor] = Runner(self.programs[self.language_of(actor)])
        return self.runners[actor]

    def language_of(self, actor):
        if actor in self.programs:
            return actor
        if actor != "other":
            return self.language
        names = list(self.programs)
        if len(names) < 2:
            raise Skipped("there is no other language")
        return names[(names.index(self.language) + 1) % len(names)]

    def run(self, path):
        try:
            for number, line in expanded(path, list(self.programs)):
                try:
                    self.step(self.filled_in(line))
                except Mismatch as error:
                    raise Mismatch(f"{path.name}:{number}: {line}\n    {error}") from None
            for runner in self.runners.values():
                runner.end()
        finally:
            for runner in self.runners.values():
                runner.process.kill()
                runner.process.wait()

    def filled_in(self, line):
        wanted = line.partition("->")[0]
        for name in re.findall(r"\$(\w+)", wanted):
            if name not in self.variables:
                raise Mismatch(f"${name} is not known")
        done = re.sub(r"\$(\w+)", lambda found: self.variables[found[1]], wanted)
        return done + line[len(wanted) :]

    def step(self, line):
        asked, arrow, wanted = line.partition("->")
        verb, _, rest = asked.strip().partition(" ")
        if verb == "redis":
            self.look(rest.split(), wanted.strip() if arrow else None)
        elif verb == "start":
            label, actor, request = rest.split(" ", 2)
            self.started[label] = (self.runner(actor), *self.runner(actor).send(request))
        elif verb == "end":
            runner, number, began = self.started.pop(rest)
            self.compare(runner.reply(number, began), wanted.split())
        elif verb == "cancel":
            runner, number, _ = self.started[rest]
            self.compare(runner.reply(*runner.send(f"cancel {number}")), ["OK"])
        else:
            runner = self.runner(verb)
            self.compare(runner.reply(*runner.send(rest)), wanted.split() or ["OK"])

    def look(self, command, wanted):
        """Asks until the server's answer is the wanted one."""
        until = time.monotonic() + SECONDS
        while (found := self.redis.ask(*command)) != wanted and wanted is not None:
            if time.monotonic() > until:
                raise Mismatch(f"the server says {found}")
            time.sleep(0.005)

    def compare(self, reply, wanted):
        if reply[0] == "UNABLE":
            raise Unable
        found = dict(word.partition("=")[::2] for word in reply[1:])
        if reply[0] != wanted[0] or not all(self.is_so(found, word) for word in wanted[1:]):
            raise Mismatch("the reply is " + " ".join(reply))

    def is_so(self, found, condition):
        name, sign, value = re.fullmatch(r"(\w+)(>=|<=|>|=)(.*)", condition).groups()
        if name not in found:
            return False
        if value.startswith("$") and value[1:] not in self.variables and sign == "=":
            self.variables[value[1:]] = found[name]
        if value.startswith("$"):
            value = self.variables[value[1:]]
        if sign == "=":
            unquote = urllib.parse.unquote_to_bytes
            return unquote(found[name]) == unquote(value)
        one, two = int(found[name]), int(value)
        return {">": one > two, ">=": one >= two, "<=": one <= two}[sign]


def expanded(path, languages):
    """The steps with their line numbers; those between "for each language" and "done" once for each."""
    block = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line == "for each language":
            block = []
        elif line == "done":
            for place, language in enumerate(languages, 1):
                for inner, text in block:
                    yield inner, text.replace("{language}", language).replace("{place}", str(place))
            block = None
        elif block is None:
            yield number, line
        else:
            block.append((number, line))


def build(folder):
    """The program of each language, and why there is none."""
    programs, skipped = {}, {}
    names = sorted(path.parent.name for path in HERE.glob("runners/*/build.sh"))
    for name in os.environ.get("REDILOCK_LANGUAGES", " ".join(names)).split():
        program = folder / name
        done = subprocess.run(
            ["sh", HERE / "runners" / name / "build.sh", program],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        if done.returncode == 77:
            skipped[name] = done.stdout.strip()
        elif done.returncode != 0:
            sys.exit(f"{done.stdout}\n{name}: its runner does not build")
        else:
            programs[name] = program
    return programs, skipped


def replay(path, language, programs, folder):
    try:
        with Server(folder) as server:
            Replay(language, programs, server).run(path)
    except Mismatch as error:
        print(f"{language}: {error}")
        return FAILED
    except Skipped:
        return SKIPPED
    except Unable:
        return UNABLE
    return PASSED


def main():
    folder = pathlib.Path(sys.argv[1])
    programs, skipped = build(folder)
    paths = [pathlib.Path(name) for name in sys.argv[2:]]
    table = {
        path.stem: {name: replay(path, name, programs, folder) for name in programs}
        for path in paths or sorted(HERE.glob("scenarios/*.txt"))
    }
    print(f"{'':28}" + "".join(f"{name:>9}" for name in [*programs, *skipped]))
    for scenario, row in table.items():
        print(f"{scenario:28}" + "".join(f"{row.get(name, SKIPPED):>9}" for name in [*programs, *skipped]))
    for name, reason in skipped.items():
        print(f"{name}: {reason}")
    results = [row.get(name, SKIPPED) for row in table.values() for name in [*programs, *skipped]]
    print(" ".join(f"{results.count(kind)} {kind}" for kind in (PASSED, FAILED, SKIPPED, UNABLE)))
    sys.exit(FAILED in results or PASSED not in results)


main()
