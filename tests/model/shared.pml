// Shared holders of wire protocol 1: one lock name, N clients that are readers, writers or holders of permits,
// for SPIN. hand_off.pml has the lost messages, the ambiguous requests and the fences; this model has modes,
// limits, and leases that end tick by tick, and each request with its reply is one step.
//
// LIMIT0 to LIMIT3 are the modes of the clients: EXCLUSIVE, ALL for a reader, or n permits. DEATH is the number of
// processes that are killed. With SLOW time passes although messages are on their way; with BACKSTOP a waiter may
// re-check at any time.

#ifndef N
#define N 3
#endif
#define TTL 2
#define ALL 9
#define EXCLUSIVE 0
// The lock key: 0, a token, or SHARED.
#define SHARED (N + 1)
#define t(i) ((i) + 1)
#define limit(i) ((i) == 0 -> LIMIT0 : ((i) == 1 -> LIMIT1 : ((i) == 2 -> LIMIT2 : LIMIT3)))
#ifndef LIMIT3
#define LIMIT3 LIMIT2
#endif
#ifndef DEATH
#define DEATH 0
#endif
#define HEADS 3

#define IDLE 0
#define WAIT 1
#define HELD 2
#define DEAD 3

// The server. Times are ticks that are left.
byte key;
byte key_left;
byte ends[N];        // the lease of a shared holder; 0: ended, or not in the set
bool in_set[N];      // an entry of the holders, which may have ended
byte place[N];       // from 1, without gaps

// The clients.
byte at[N];
byte belief[N];      // until the local deadline
bool pushed[N];      // a grant is on its way
byte next_in[N];     // a `next` is on its way: its ms + 1
byte timer[N];       // rule 2: ticks until the re-check + 1; 0: not set

byte deaths = DEATH;

hidden byte k, j, live, head, who, reply, ms, granted, looked, removed, leaver, held, went, was_ends, was_head;
#ifndef UNCHECKED // 1 leaves key_ends_with_leases unchecked
#define UNCHECKED 0
#endif
hidden byte one_holder = 0, limit_kept = 0, first_come = 0, key_removed = 0, key_ends_with_leases = UNCHECKED,
            nothing_left = 0, room_is_used = 0;

// Nothing of a token is left at the server.
#define is_gone(i) (place[i] == 0 && key != t(i) && !(key == SHARED && ends[i] > 0))

#define REFUSED 0
#define GRANTED 1
#define QUEUED 2
#define lives(i) (at[i] != DEAD)

#include "shared_queue.pml"
#include "shared_server.pml"

// ------------------------------------------------------------------------------- the properties

// first_come: no grant passes a living waiter. limit_kept: fewer than n others hold.
inline check_grant(i) {
  j = 0;
  k = 0;
  do
  :: k == N -> break
  :: else ->
     assert(first_come || k == i || place[k] == 0 || t(k) == leaver || !lives(k) ||
            place[i] != 0 && place[i] < place[k]);
     if :: k != i && in_set[k] && ends[k] > 0 && key == SHARED -> j++ :: else fi;
     k++
  od;
  assert(limit_kept || limit(i) == EXCLUSIVE || j < limit(i))
}

inline check() {
  count_live();
  j = 0;
  k = 0;
  do
  :: k == N -> break
  :: else -> if :: in_set[k] && ends[k] > j -> j = ends[k] :: else fi; k++
  od;
  assert(key_ends_with_leases || key != SHARED || live == 0 || key_left == j)
}

// one_holder: at the moment when a client begins to believe in its lease.
inline check_belief(i) {
  k = 0;
  do
  :: k == N -> break
  :: else ->
     if
     :: k != i && belief[k] > 0 ->
        assert(one_holder || limit(i) != EXCLUSIVE && limit(k) != EXCLUSIVE)
     :: else
     fi;
     k++
  od
}

// room_is_used: time does not pass while a living head would fit, for somebody re-checks or grants.
inline check_room() {
  look();
  find_head();
  assert(room_is_used || head == 0 || !lives(head - 1) || !fits(head - 1))
}

// ------------------------------------------------------------------------------- the clients

// The lease counts from when the request was sent, so a client may believe in less than the server gives.
inline hold(i, for_ticks) {
  printf("%d: believes it holds, for %d\n", t(i), for_ticks);
  belief[i] = for_ticks;
  check_belief(i);
  pushed[i] = false;
  next_in[i] = 0;
  timer[i] = 0;
  at[i] = HELD
}

inline ask(i, may_wait, slow) {
  acquire(i, may_wait);
  printf("%d: asks (waits %d) -> %d in %d; key %d, %d left, places %d %d %d\n", t(i), may_wait, reply, ms, key,
         key_left, place[0], place[1], place[2]);
  if
  :: reply == GRANTED -> hold(i, TTL - slow)
  :: reply == QUEUED ->
     at[i] = WAIT;
     timer[i] = (place[i] == 1 -> ms + 1 : 0)
  :: else
  fi
}

inline end(i, how) {
  belief[i] = 0;
  pushed[i] = false;
  next_in[i] = 0;
  timer[i] = 0;
  at[i] = how
}

#define me _pid

active [N] proctype Client() {
end_client:
  do
  :: d_step { at[me] == IDLE && is_gone(me) -> ask(me, false, 0); skip }
  :: d_step { at[me] == IDLE && is_gone(me) -> ask(me, true, 0); skip }
  :: d_step { at[me] == IDLE && is_gone(me) -> ask(me, true, 1); skip }
  // Waiting: a grant, a `next`, the timer, or a re-check by another rule.
  :: d_step { at[me] == WAIT && pushed[me] ->
       if
       :: key == t(me) -> hold(me, key_left)
       :: key == SHARED && ends[me] > 0 -> hold(me, ends[me])
       :: else -> pushed[me] = false; timer[me] = 1
       fi; skip }
  :: d_step { at[me] == WAIT && !pushed[me] && next_in[me] != 0 ->
       timer[me] = next_in[me];
       next_in[me] = 0; skip }
  :: d_step { at[me] == WAIT && !pushed[me] && timer[me] == 1 -> ask(me, true, 0); skip }
#ifdef BACKSTOP
  :: d_step { at[me] == WAIT && !pushed[me] && timer[me] != 1 -> ask(me, true, 0); skip }
#endif
  :: d_step { at[me] == WAIT -> printf("%d: leaves\n", t(me)); end(me, IDLE); release(me); skip }
  :: d_step { at[me] == HELD -> printf("%d: releases\n", t(me)); end(me, IDLE); release(me); skip }
  :: d_step { at[me] == HELD ->
       extend(me);
       printf("%d: extends -> %d\n", t(me), reply);
       if :: reply == GRANTED -> belief[me] = TTL :: else -> end(me, IDLE); release(me) fi; skip }
  :: d_step { deaths > 0 && (at[me] == WAIT || at[me] == HELD) ->
       printf("%d: dies\n", t(me));
       deaths--;
       end(me, DEAD); skip }
  od
}

// Time passes once no message is on its way and no timer has ended.
// With SLOW it may pass before.
#ifdef SLOW
#define waits_for_a_step(i) false
#else
#define waits_for_a_step(i) (at[i] == WAIT && (pushed[i] || next_in[i] != 0 || timer[i] == 1))
#endif
active proctype Time() {
end_time:
  do
  :: d_step { !waits_for_a_step(0) && !waits_for_a_step(1) && !waits_for_a_step(2) && !waits_for_a_step(N - 1) ->
#ifndef SLOW
       check_room();
#endif
       printf("a tick\n");
       k = 0;
       do
       :: k == N -> break
       :: else ->
          if :: ends[k] > 0 -> ends[k]-- :: else fi;
          if :: timer[k] > 1 -> timer[k]-- :: else fi;
          if
          :: belief[k] > 0 -> belief[k]--;
             if :: belief[k] == 0 -> at[k] = IDLE :: else fi
          :: else
          fi;
          k++
       od;
       if
       :: key_left > 0 -> key_left--;
          if :: key_left == 0 -> key = 0 :: else fi
       :: else
       fi;
       skip }
  od
}
