"""Wrong versions of the scripts, and a run that shows whether the tests notice each.

    mutants.py [--only N,N...] [--quick] [--driver] [--server PROGRAM]

Each names the case of edges.py that must notice it. --quick takes every second mutant, --driver the
randomised driver in place of the cases; it does not notice all. A mutant that does not apply fails
each run.
"""
import argparse
import collections
import concurrent.futures
import os
import subprocess
import sys

import resp
import scripts

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 20      # of the driver, for one seed
SEEDS = (1, 2, 3)
WORKERS = 4       # most of them wait


class Mutant(collections.namedtuple('Mutant', 'file old new error edge')):
    def applied_to(self, source):
        if source.count(self.old) != 1:
            raise ValueError('does not apply to %s.lua: %s' % (self.file, self.old))
        return source.replace(self.old, self.new)


def mutant(file, old, new, error, edge):
    return Mutant(file, old, new, error, edge)


ALL = [
    # Shared state
    mutant('_shared', "'(' .. now_ms, '+inf'", "'-inf', '+inf'", 'ended holders count',
           edge='a_shared_lease_that_ended_takes_no_permit'),
    mutant('_shared', "'ZRANGE', KEYS[5], '-1', '-1'", "'ZRANGE', KEYS[5], '0', '0'",
           'the lock ends with the first lease',
           edge='permits'),
    mutant('_shared', "    redis.call('DEL', KEYS[5])\n", '',
           'the holders of an earlier lock count',
           edge='holders_of_an_earlier_lock_do_not_count'),
    # Hand-off
    mutant('_hand_off', 'live_then < limit)', 'live_then <= limit)', 'one holder more than permits',
           edge='permits'),
    mutant('_hand_off', "limit and held_then == 'redilock:shared' and", 'limit and held_then and',
           'a reader beside an exclusive holder',
           edge='a_batch_ends_with_the_permits_and_with_a_writer'),
    mutant('_hand_off', '        live_then = live_then + 1\n', '', 'a batch beyond the permits',
           edge='a_batch_ends_with_the_permits_and_with_a_writer'),
    mutant('_hand_off', 'fence + count - 1))\n', 'fence))\n',
           'the counter misses numbers of a batch',
           edge='fences_rise_when_the_counter_is_ahead'),
    mutant('_hand_off', 'batch[i] ~= leaver and parse', 'parse', 'a grant to the leaver',
           edge='a_leaver_gets_nothing_and_leaves_nothing'),
    mutant('_hand_off', 'return till > now_ms and till <= now_ms + 60000', 'return true',
           'records do not matter',
           edge='a_client_without_record_is_passed_over'),
    mutant('_hand_off', 'return not subscribers.err and subscribers[2] > 0', 'return true',
           'subscriptions do not matter',
           edge='250_dead_before_a_living_one'),
    mutant('_hand_off', "alive = 'redilock:1:{' .. tag .. '}:alive'", 'alive = KEYS[4]',
           "the record is read from the caller's set",
           edge='kinds_side_by_side_get_the_lock_in_order'),
    mutant('_hand_off', 'if waiter.channel == own_channel then return true end', '',
           'the caller needs a record',
           edge='each_key_but_the_counter_expires'),
    mutant('_hand_off', "if gone then redis.call('ZREM', KEYS[5], gone) end\n", '',
           'a shared holder stays after its release',
           edge='convert_to_shared_and_back'),
    # Notification
    mutant('_hand_off', 'local ms = (foreign or not held) and 0 or time_until_room(waiter.limit)',
           "local ms = redis.call('PTTL', KEYS[1])",
           'a head with permits, or behind a foreign holder, gets a wrong time',
           edge='permits'),
    mutant('_hand_off', 'if arrived <= now_us - 100000 or arrived > now_us then', 'if false then',
           'no notification after a batch',
           edge='heads_that_wait_for_over_2_s_are_notified_after_a_hand_off'),
    mutant('_hand_off', 'if (held or more) and passed > 0 then', 'if more and passed > 0 then',
           'no notification after dead waiters were dropped',
           edge='a_dead_head_is_dropped_and_the_next_is_notified'),
    mutant('_hand_off', 'if (held or more) and passed > 0 then', 'if held and passed > 0 then',
           'no notification if more dead waiters remain',
           edge='the_head_is_notified_if_more_dead_are_dropped_than_one_call_may'),
    # acquire
    mutant('acquire', 'if last >= fence and last < 9007199254740991 then', 'if false then',
           'the first fence ignores the counter',
           edge='fences_rise_when_the_counter_is_ahead'),
    mutant('acquire', 'fence = drawn + granted', 'fence = drawn', 'one fence twice',
           edge='a_shared_try_finds_an_ended_lease_and_wakes_two_readers'),
    mutant('acquire', " or redis.call('EXISTS', KEYS[2]) == 1 then\n    return nil",
           ' then\n    return nil', 'a request passes the queue',
           edge='a_shared_try_finds_an_ended_lease_and_wakes_two_readers'),
    mutant('acquire', "if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 and",
           "if redis.call('EXISTS', KEYS[1]) == 0 and", 'a first try passes the queue',
           edge='a_shared_try_finds_an_ended_lease_and_wakes_two_readers'),
    mutant('acquire', "  redis.call('PEXPIRE', KEYS[2], '180000')\n", '', 'queues never expire',
           edge='each_key_but_the_counter_expires'),
    mutant('_record', "redis.call('PEXPIRE', alive, '180000')\n", '', 'records never expire',
           edge='each_key_but_the_counter_expires'),
    mutant('acquire', 'seen and 1 or 0, known and 1 or 0, held', 'seen and 1 or 0, 1, held',
           'a join hides a loss',
           edge='a_lost_record_is_noticed_once'),
    mutant('acquire', "    redis.call('PEXPIREAT', KEYS[5], ends)\n", '', 'holders never expire',
           edge='each_key_but_the_counter_expires'),
    # release
    mutant('release', 'if age >= 0 and (age < 100 or (age < 2000 and tonumber(ttl) >= 2000)) then',
           'if true then', 'no notification after a hand-off',
           edge='heads_that_wait_for_over_2_s_are_notified_after_a_hand_off'),
    mutant('release', 'if mine_shared and rest <= 0 and live == 1 and',
           'if mine_shared and rest <= 0 and', 'each shared release frees the lock',
           edge='convert_to_shared_and_back'),
    mutant('release', 'if not head_left then return 0 end', 'do return 0 end',
           'no notification when the head leaves',
           edge='a_head_behind_a_foreign_holder_asks_at_once'),
    mutant('release', 'notify_head(nil, false, ends)', 'local _ = ends',
           'no notification after a shared release',
           edge='permits'),
    mutant('_hand_off', "if leaver then redis.call('ZREM', KEYS[2], leaver) end\n", '',
           'the leaver stays',
           edge='a_leaver_gets_nothing_and_leaves_nothing'),
    mutant('release', '  if live == 0 then held, shared = false, false end\n', '',
           'the last reader frees nobody',
           edge='fences_rise_when_the_counter_is_ahead'),
    # Others
    mutant('extend', 'if till <= now_ms then return 0 end\n', '', 'extends an ended lease',
           edge='a_shared_lease_that_ended_is_nobodys'),
    mutant('extend', 'last = math.max(last, till)\n', '', 'the lock ends before its longest lease',
           edge='permits'),
    mutant('convert', 'live > (limit or 1)', 'false', 'converts beside others',
           edge='convert_to_shared_and_back'),
    mutant('convert', 'local _, _, more = hand_off()', 'local more', 'convert wakes nobody',
           edge='convert_to_shared_and_back'),
    mutant('beat', 'return {known and 1 or 0', 'return {1', 'a beat hides a loss',
           edge='a_lost_record_is_noticed_once'),
    # Bounds of queue members
    mutant('_hand_off', "if #mode > 10 or not string.match(mode, '^s[1-9]') then return nil end",
           '', 'a limit of any length',
           edge='members_out_of_bounds_are_dropped'),
    mutant('_hand_off', ' or colon - at ~= 41', '', 'an id of any length',
           edge='members_out_of_bounds_are_dropped'),
    mutant('release', ' and colon - at == 41 and', ' and', 'an id of any length, at the usual head',
           edge='members_out_of_bounds_are_dropped'),
    # The usual hand-off of release.lua
    mutant('release', 'if till > now_ms and till <= now_ms + 60000 and not', 'if not',
           'records do not matter at the usual head',
           edge='a_client_without_record_is_passed_over'),
    mutant('release', ' and not subscribers.err and subscribers[2] > 0', '',
           'subscriptions do not matter at the usual head',
           edge='250_dead_before_a_living_one'),
    # Retries after a lost reply
    mutant('acquire', 'if held == token then',
           "if held == token and not (channel and ARGV[5] == '0') then",
           'a retry does not find its grant',
           edge='a_retry_finds_its_grant_and_starts_the_lease_again'),
    mutant('acquire', "local ends = tonumber(redis.call('ZSCORE', KEYS[5], token)) or 0",
           'local ends = 0', 'a retry does not find its shared grant',
           edge='a_retry_finds_its_grant_and_starts_the_lease_again'),
    mutant('acquire', "if redis.call('PTTL', KEYS[1]) < ttl_ms then "
           "redis.call('PEXPIRE', KEYS[1], ttl_ms) end\n", '', 'a retry leaves the lease as it was',
           edge='a_retry_finds_its_grant_and_starts_the_lease_again'),
    # Writes in the moment when a lease ends
    mutant('_hand_off', "if gone then redis.call('ZREM', KEYS[5], gone) end",
           "if gone then redis.call('ZREM', KEYS[5], gone) if shared then expire_with_last_lease() "
           'end end', 'the lock may expire before its new holder is written',
           edge='a_grant_in_the_moment_when_the_last_lease_ends'),
    mutant('extend', "redis.call('ZADD', KEYS[2], till, ARGV[1])\n"
           "redis.call('PEXPIREAT', KEYS[2], last)\n",
           "redis.call('PEXPIREAT', KEYS[2], last)\n"
           "redis.call('ZADD', KEYS[2], till, ARGV[1])\n", 'holders stay after a late extension',
           edge='an_extension_in_the_moment_when_the_lease_ends'),
]


def run(words):
    """Whether the program ends well, and its lines."""
    try:
        done = subprocess.run([sys.executable] + words, cwd=HERE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, timeout=120)
    except subprocess.TimeoutExpired:
        return False, ['it hangs']
    return done.returncode == 0, done.stdout.split('\n')


def check_without_mutant(options):
    """The tests themselves must pass: else they would seem to notice each mutant."""
    for words in (['edges.py'], ['driver.py', '--seconds', '2']):
        good, lines = run(words + ['--server', options.server])
        if not good:
            sys.exit('\n'.join(lines + ['the tests fail without a mutant']))


def noticed_by_case(number, options):
    """The case that notices the mutant, or ''."""
    good, lines = run(['edges.py', '--mutant', str(number), '--server', options.server,
                       'test_' + ALL[number].edge])
    failed = [line for line in lines if line.startswith(('FAIL:', 'ERROR:'))]
    return '' if good else (failed or lines)[0].split(' (')[0]


def noticed_by_driver(number, options):
    """The first violation, or ''."""
    for seed in SEEDS:
        for kinds in ('wake', 'wake,sharded,poll'):
            good, lines = run(['driver.py', '--mutant', str(number), '--server', options.server,
                               '--seed', str(seed), '--seconds', str(SECONDS), '--kinds', kinds])
            if not good:
                return ([line for line in lines if line.startswith('VIOLATION')] or lines[-3:])[0]
    return ''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--only')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--driver', action='store_true')
    parser.add_argument('--server', default='redis-server')
    options = parser.parse_args()
    sources = scripts.read_sources()
    for one in ALL:
        one.applied_to(sources[one.file])
    numbers = [int(n) for n in options.only.split(',')] if options.only else range(len(ALL))
    if options.quick:
        numbers = numbers[::2]
    if not resp.clock_moves_in_scripts(options.server):
        numbers = [n for n in numbers if 'in_the_moment' not in ALL[n].edge]
        print("left out: leases that end within a script, where this server's clock stands still")
    noticed_by = noticed_by_driver if options.driver else noticed_by_case
    check_without_mutant(options)
    missed = []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(lambda n: noticed_by(n, options), numbers)
        for number, notice in zip(numbers, results):
            print('%2d %s: %s' % (number, ALL[number].error, notice or 'MISSED'), flush=True)
            if not notice:
                missed.append(number)
    print('%d mutants, %d missed' % (len(numbers), len(missed)))
    sys.exit(1 if missed else 0)


if __name__ == '__main__':
    main()
