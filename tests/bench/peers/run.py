#!/usr/bin/env python3
"""Other lock libraries and redilock side by side, in one run; README.md says what is measured."""

import argparse
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from peers import build_all

FIGHTERS, HOLD_US, THINK_US = 8, 2000, 2000


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    def __init__(self, port, folder, prefix):
        self.port = port
        settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        self.process = subprocess.Popen([*prefix, "redis-server", *settings], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while self.ask("PING") != "PONG":
            if time.monotonic() > end:
                raise SystemExit("the server does not start")
            time.sleep(0.05)

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True)
        return done.stdout.strip()

    def reads(self):
        """How often it has read requests of clients: the commands of scripts do not count."""
        lines = self.ask("INFO", "stats").splitlines()
        return int(next(line.split(":")[1] for line in lines if line.startswith("total_reads_processed")))

    def end(self):
        self.process.terminate()
        self.process.wait()


@contextmanager
def server(prefix=()):
    with tempfile.TemporaryDirectory(prefix="redilock-peers.") as folder:
        running = Server(free_port(), folder, prefix)
        try:
            yield running
        finally:
            running.end()


def start(peer, port, seconds, hold=0, think=0, prefix=(), **environment):
    words = [*prefix, *peer.command, str(port), "peers", str(seconds), str(hold), str(think)]
    every = {**os.environ, **peer.environment, **environment}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=every)


def result(process, seconds):
    output, errors = process.communicate(timeout=seconds + 120)
    try:
        return json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        return {"turns": 0, "failed": 0, "p50_us": 0, "p99_us": 0, "error": (errors.splitlines() or ["?"])[-1]}


def spread(values, form):
    if not values:
        return "-"
    return f"{form(statistics.median(values))} ({form(min(values))} to {form(max(values))})"


def measure_pairs(chosen, rounds, seconds):
    prefix = ("taskset", "-c", "0")
    seen = {peer.name: [] for peer in chosen}
    with server(prefix) as running:
        for _ in range(rounds):
            for peer in chosen:
                seen[peer.name].append(result(start(peer, running.port, seconds, prefix=prefix), seconds))
    baseline = [one["p50_us"] for one in seen[chosen[0].name]]
    print(f"\nacquire and release without contention, {rounds} rounds of {seconds:g} s")
    print("| library | time | to raw commands |\n|---|---|---|")
    for name, results in seen.items():
        times = [one["p50_us"] for one in results if one["p50_us"]]
        ratios = [one["p50_us"] / base for one, base in zip(results, baseline) if one["p50_us"] and base]
        failure = next((f" ({one['error']})" for one in results if "error" in one), "")
        time_text = f"{statistics.median(times):.0f} us" if times else "-"
        print(f"| {name}{failure} | {time_text} | {spread(ratios, '{:.2f}'.format)} |", flush=True)
    return seen


def fight(peer, running, seconds):
    running.ask("FLUSHALL")
    begin = time.time() + (20 if peer.starts_slowly else 4)
    environment = {"BENCH_AT": f"{begin:.3f}", "BENCH_WARM_UP": "200"}
    fighters = [
        start(peer, running.port, seconds, HOLD_US, THINK_US, **environment) for _ in range(FIGHTERS)
    ]
    time.sleep(max(0.0, begin - time.time()))
    before = running.reads()
    results = [result(fighter, seconds) for fighter in fighters]
    turns = [one["turns"] for one in results]
    return {
        "turns": turns,
        "per_second": sum(turns) / seconds,
        "p99_ms": max(one["p99_us"] for one in results) / 1000,
        "requests": (running.reads() - before) / max(1, sum(turns)),
        "errors": [one["error"] for one in results if "error" in one],
    }


def measure_fights(chosen, rounds, seconds):
    seen = {peer.name: [] for peer in chosen if peer.queues}
    with server() as running:
        for _ in range(rounds):
            for peer in chosen:
                if peer.queues:
                    seen[peer.name].append(fight(peer, running, seconds))
    print(f"\n{FIGHTERS} processes fight for one lock, {rounds} rounds of {seconds:g} s")
    print("| library | turns each second | least and most served | slowest 1 % | requests each turn |")
    print("|---|---|---|---|---|")
    for name, results in seen.items():
        whole = "{:.0f}".format
        failure = next((f" ({one['errors'][0]})" for one in results if one["errors"]), "")
        shares = [f"{min(one['turns'])} to {max(one['turns'])}" for one in results]
        print(
            f"| {name}{failure} | {spread([one['per_second'] for one in results], whole)} | {shares[0]} "
            f"| {spread([one['p99_ms'] for one in results], whole)} ms "
            f"| {spread([one['requests'] for one in results], '{:.1f}'.format)} |",
            flush=True,
        )
    return seen


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=Path, required=True, help="the build folder of redilock")
    options.add_argument("--quick", action="store_true", help="one short round")
    options.add_argument("--only", default="", help="names, or parts of them, with commas")
    options.add_argument("--json", type=Path, help="a file for every result")
    given = options.parse_args()
    every = build_all(given.build.resolve())
    wanted = [part for part in given.only.split(",") if part]
    chosen = every[:1] + [
        peer for peer in every[1:] if not wanted or any(part in peer.name for part in wanted)
    ]
    rounds, seconds = (1, 0.5) if given.quick else (5, 1)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    pairs = measure_pairs(chosen, rounds, seconds)
    fights = measure_fights(chosen, 1 if given.quick else 3, 1 if given.quick else 4)
    if given.json:
        given.json.write_text(json.dumps({"pairs": pairs, "fights": fights}, indent=1), encoding="utf-8")


main()
