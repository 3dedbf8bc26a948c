"""Loads the Lua scripts as cxx/scripts/embed.cmake embeds them.

    scripts.py EMBEDDED_HPP     checks that the texts are those that the build embedded
"""
import hashlib
import os
import re
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'cxx', 'scripts')

# The times of the protocol, as they are written in the scripts. 100 alone is also a number of
# members; as a time it is an age in notify_head.
TIMES = re.compile(r'\b(180000|100000|60000|6000|3000|2000|(?<=age < )100)\b')


def _lines(sources, name, depth=0):
    if depth > 8:
        raise ValueError(name + ' includes itself')
    for line in sources[name].split('\n'):
        line = line.strip(' \t\r')
        include = re.fullmatch(r'-- @include (\w+)', line)
        if include:
            yield from _lines(sources, include.group(1), depth + 1)
        elif line and not line.startswith('--'):
            yield line


def read_sources():
    sources = {}
    for file in os.listdir(FOLDER):
        name, extension = os.path.splitext(file)
        if extension == '.lua':
            with open(os.path.join(FOLDER, file), encoding='utf-8') as source:
                sources[name] = source.read()
    return sources


def load(scale=1, mutant=None):
    """The scripts by name as (SHA1, text). All times are divided by `scale`."""
    sources = read_sources()
    if mutant:
        sources[mutant.file] = mutant.applied_to(sources[mutant.file])
    scripts, scaled = {}, set()

    def shorter(match):
        scaled.add(match.group(1))
        return str(int(match.group(1)) // scale)

    for name in sources:
        if name.startswith('_'):
            continue
        text = ''.join(line + '\n' for line in _lines(sources, name))
        if scale != 1:
            text = TIMES.sub(shorter, text)
        scripts[name] = (hashlib.sha1(text.encode()).hexdigest(), text)
    if scale != 1 and not mutant and len(scaled) != 7:
        raise ValueError('the scripts contain only the times ' + ' '.join(sorted(scaled)))
    return scripts


def main():
    with open(sys.argv[1], encoding='utf-8') as header:
        embedded = dict(re.findall(r'string_view (\w+)_sha1 = "(\w+)"', header.read()))
    loaded = {name: sha1 for name, (sha1, _) in load().items()}
    if embedded != loaded:
        sys.exit('the build embeds %s, but these tests load %s' % (embedded, loaded))


if __name__ == '__main__':
    main()
