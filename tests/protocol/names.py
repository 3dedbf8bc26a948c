"""Slots, slot words and keys of lock names, computed in another way than the library does."""
import binascii
import functools
import itertools

LETTERS = b'@ABCDEFGHIJKLMNO'


def slot(key):
    data = key.encode()
    start = data.find(b'{')
    end = data.find(b'}', start + 1)
    if start >= 0 and end > start + 1:
        data = data[start + 1:end]
    return binascii.crc_hqx(data, 0) % 16384


@functools.lru_cache(maxsize=None)
def slot_word(lock):
    """The first word of four letters that is in the slot of the lock key."""
    wanted = slot(lock)
    for letters in itertools.product(LETTERS, repeat=4):
        if binascii.crc_hqx(bytes(letters), 0) % 16384 == wanted:
            return bytes(letters).decode()
    raise ValueError(lock)


def alive_key(tag):
    return 'redilock:1:{%s}:alive' % tag


def keys_of(lock, tag):
    """Lock, queue, fence, alive and holders; `tag` is that of the client's channel."""
    side = 'redilock:1:{%s}:' % slot_word(lock)
    return [lock, side + 'queue:' + lock, side + 'fence', alive_key(tag), side + 'holders:' + lock]
