"""Cases of several clients that tables for one script do not show, with the real times.

    edges.py [--cluster] [--mutant N] [--server PROGRAM] [NAME...]
"""
import argparse
import sys
import unittest

import mutants
import scripts
from edge_case import Setup
from edge_grants import Grants
from edge_leases import Leases
from edge_notifications import Notifications

CASES = (Grants, Leases, Notifications)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cluster', action='store_true')
    parser.add_argument('--mutant', type=int)
    parser.add_argument('--server', default='redis-server')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    mutant = mutants.ALL[options.mutant] if options.mutant is not None else None
    Setup.cluster, Setup.program = options.cluster, options.server
    Setup.scripts = scripts.load(mutant=mutant)
    patterns = [word for name in options.names for word in ('-k', name)]
    unittest.main(argv=sys.argv[:1] + patterns, failfast=mutant is not None)


if __name__ == '__main__':
    main()
