"""./dev bench --only python: the figures that the Python package is held to. --quick takes some
twenty seconds and is less exact; --json prints one object; a word runs one part.
"""

import argparse
import json
import os

import ends
import pair
import shared_file
import waiters
from support import server


def shared_files(quick):
    """Sync and async."""
    original = os.environ.get("REDILOCK_ORIGINAL")
    with server() as started:
        return [
            shared_file.run(kind, started.port, "file", original, started.dir)
            for kind in shared_file.PROGRAM
        ]


PARTS = {
    "ends": ends.run,
    "shared_file": shared_files,
    "waiters": waiters.run,
    "pair": pair.run,  # the last, as it keeps the process on one processor
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("part", nargs="?", choices=PARTS)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    figures = {}
    for name, run in PARTS.items():
        if chosen.part in (None, name):
            figures[name] = run(chosen.quick)
            if not chosen.json:
                print(name)
                for row in figures[name]:
                    print("  " + ", ".join(f"{key}: {value}" for key, value in row.items()))
    if chosen.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
