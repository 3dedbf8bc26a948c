// The hand-off protocol for one lock name, for SPIN. README.md says what is modelled, what is left
// out and how to run it; ../scripts/model_test.sh runs it with the switches below.
//
// Each Lua script of cxx/scripts is one indivisible step of the server. A request and its reply are two
// steps of the client that made it (SENT, REPLIED), so that everything else may happen between them.
// There are no clocks: a lease may run out at the server only once nobody believes in it any more, and
// grants still on their way are then known to be over when they arrive (cxx/lock/validity.cpp).

// How many clients, and how often each fault may strike.
#ifndef N
#define N 3
#endif
#ifndef LOSS   // replies lost, requests abandoned, subscriptions broken (with what was in them)
#define LOSS 0
#endif
#ifndef DEATH  // processes killed, at any point
#define DEATH 0
#endif
#ifndef SILENT // clients silent for so long that their record expires
#define SILENT 0
#endif
#ifndef EARLY  // leases that run out before their waiter hears of the grant
#define EARLY 0
#endif
#ifndef FLUSH  // the server loses its data
#define FLUSH 0
#endif
#ifndef BREAK  // force_release by an operator
#define BREAK 0
#endif
#ifndef FOREIGN // a plain SET NX PX takes the free key
#define FOREIGN 0
#endif
#ifndef RENEW  // renewals
#define RENEW 0
#endif
#ifndef DROP   // dead waiters dropped in one script: 100 in _hand_off.lua
#define DROP 1
#endif
// Other switches:
//   CANCEL    waits may be cancelled or time out at any point
//   NO_KILL   the server refuses CLIENT KILL: an abandoned request may run at any later time
//   SHARED    tokens 1 and 2 belong to one client: one wake channel, the oldest re-checks for both
//   PATIENT   token 1 neither dies nor gives up (for liveness)
//   MUTANT_*  the errors that SPIN must find

#ifdef SHARED
#define CH(i) ((i) == 1 -> 0 : (i))
#else
#define CH(i) (i)
#endif
#ifdef PATIENT
#define PATIENT_ONE(i) ((i) == 0)
#else
#define PATIENT_ONE(i) false
#endif

// What a client is at. A request goes SENT -> REPLIED, or FAILED where no answer came.
#define NEW 0
#define SENT 1
#define REPLIED 2
#define FAILED 3
#define WAIT 4
#define HELD 5
#define END 6
#define DEAD 7
// Requests.
#define TRY 1
#define ASK 2
#define LEAVE 3
#define RELEASE 4
#define EXTEND 5
// Replies.
#define GRANTED 1
#define OVER 2    // granted, but the lease had run out when it arrived
#define REFUSED 3 // the lock is held, and the caller does not wait
#define QUEUED 4
#define JOINED 5  // queued by this very request
#define YES 6
#define NO 7
#define MORE 8    // yes or no, and call again

#define STRANGER (N + 1)
#define UNTOUCHED 1 // value of a release none of which has reached the server

// The server. Tokens are 1..N, one for each client.
byte holder;
byte place[N];     // arrival number in the queue, 0 where it is not queued
byte counter;      // the fence counter
byte clock;        // server time in the only measure that matters: it rises with every fence
bool alive[N];     // the record of a channel's client is fresh
bool subbed[N];    // a channel has a subscriber

// The clients.
byte at[N];
byte op[N];
byte reply[N], value[N]; // value: fence or arrival
byte arrival[N];         // as the client knows it
byte push[N];            // fence of a push under way or received
bool seen[N];            // another thread of the client has read it already
bool expired[N];         // its lease ran out: the time in the push tells
bool due[N];             // must ask although it is not the oldest of its client
byte late[N];            // an abandoned request that the server may still read
byte late_arrival[N];

// What can still go wrong.
byte losses = LOSS, deaths = DEATH, silences = SILENT, earlies = EARLY, flushes = FLUSH,
     breaks = BREAK, strangers = FOREIGN, renewals = RENEW;

// What is only known to the observer.
bool believes[N];
bool excused[N];   // its grant was lost with the server's data, or broken by an operator
bool ended[N];     // released, left or undone, and told so
bool cut[N];       // was cut off, and has not been heard since
byte came[N];      // arrival number of those who came and wait
byte top;          // the largest fence anybody believed in

hidden byte k, head, granted, fence, dropped, number, r, v, before, more, was_joined;

// Each property has a name, which is in the report when it is broken; 1 leaves it unchecked.
#ifndef UNCHECKED
#define UNCHECKED 0
#endif
hidden byte one_holder = 0, fences_rise = 0, first_come = UNCHECKED, not_both = 0,
            nothing_left = 0, stale_changes_nothing = 0, not_to_the_dead = 0;

#define t(i) ((i) + 1)
#define waits(i) ((at[i] == WAIT || at[i] == SENT || at[i] == REPLIED || at[i] == FAILED) && \
                  (op[i] == ASK))
#define lives(i) (alive[CH(i)] && subbed[CH(i)])

// ------------------------------------------------------------------------------- the scripts

inline draw() {
  clock++;
  counter++;
#ifndef MUTANT_COUNTER_ALONE
  if :: counter < clock -> counter = clock :: else fi;
#endif
  fence = counter
}

inline find_head() {
  head = 0;
  k = 0;
  do
  :: k == N -> break
  :: else ->
     if
     :: place[k] != 0 && (head == 0 || place[k] < place[head - 1]) -> head = t(k)
     :: else
     fi;
     k++
  od
}

// Every grant goes through here: nobody who came before `since`, the token's place in the queue or 0
// where it had none, may be passed if it lives.
inline grant(token, since) {
  k = 0;
  do
  :: k == N -> break
  :: else ->
     assert(first_come || !(t(k) != token && waits(k) && came[k] != 0 && !cut[k] &&
              (since == 0 || came[k] < since)));
     k++
  od;
  holder = token;
  if :: push[token - 1] == 0 -> excused[token - 1] = false :: else fi;
  if
  :: waits(token - 1) && came[token - 1] == 0 -> came[token - 1] = fence
  :: else
  fi
}

inline publish(token) {
  if
  :: waits(token - 1) ->
     printf("  server: pushes fence %d to %d\n", fence, token);
     push[token - 1] = fence;
     excused[token - 1] = false;
     seen[token - 1] = false;
     expired[token - 1] = false
  :: else // nobody there waits for it
  fi
}

inline hand_off(own) {
  granted = 0;
  dropped = 0;
  more = false;
  do
  :: find_head();
     if
     :: head == 0 -> break
     :: else ->
        number = place[head - 1];
#ifdef MUTANT_GRANT_KEEPS_PLACE
        if :: lives(head - 1) :: else -> place[head - 1] = 0 fi;
#else
        place[head - 1] = 0;
#endif
        if
#ifdef MUTANT_NO_DEAD_SKIP
        :: true ->
#else
        :: lives(head - 1) ->
#endif
           assert(not_to_the_dead || lives(head - 1));
           granted = head;
           draw();
           grant(granted, number);
           if :: granted != own -> publish(granted) :: else fi;
           break
#ifndef MUTANT_NO_DEAD_SKIP
        :: else ->
           dropped++;
           if
           :: dropped == DROP -> find_head(); more = (head != 0); break
           :: else
           fi
#endif
        fi
     fi
  od;
  head = 0
}

inline join(i, known) {
  was_joined = (place[i] == 0);
  alive[CH(i)] = true;
  if
  :: !was_joined
  :: else ->
#ifndef MUTANT_REJOIN_ANEW
     if
     :: known != 0 -> place[i] = known
     :: else ->
#endif
        draw();
        place[i] = fence
#ifndef MUTANT_REJOIN_ANEW
     fi
#endif
  fi;
  v = place[i];
  if
  :: waits(i) ->
     // One that was cut off and had not even heard of its place comes anew.
     if :: came[i] == 0 || (cut[i] && known == 0) -> came[i] = place[i] :: else fi;
#ifndef MUTANT_SUBSCRIBE_AFTER
     cut[i] = !subbed[CH(i)]
#endif
  :: else
  fi
}

// acquire.lua; leaves the reply in r and v.
inline acquire(i, may_wait, known) {
  r = 0;
  v = 0;
  before = holder;
  find_head();
  if
#ifdef MUTANT_BARGE
  :: holder == 0 && place[i] == 0 ->
#else
  :: holder == 0 && head == 0 ->
#endif
     draw();
     grant(t(i), 0);
     r = GRANTED;
     v = fence
  :: else ->
     if
     :: holder == t(i) ->
        granted = 0;
#ifdef MUTANT_HANDS_ON
        if :: may_wait && known == 0 && head != 0 -> hand_off(0) :: else fi;
#endif
        if
        :: granted == 0 ->
           draw();
           r = GRANTED;
#ifdef MUTANT_ALREADY_MINE_OLD_FENCE
           v = known
#else
           v = fence
#endif
        :: else
        fi
     :: else
     fi;
     if
     :: r == 0 ->
        if :: may_wait -> join(i, known) :: else fi;
        if
#ifndef MUTANT_NO_HELP
        :: holder == 0 ->
           hand_off(t(i));
           if
           :: granted == t(i) -> r = GRANTED; v = fence
           :: granted == 0 && !more && !may_wait ->
              draw();
              grant(t(i), 0);
              r = GRANTED;
              v = fence
           :: else
           fi
#endif
        :: else
        fi
     :: else
     fi;
     if
     :: r != 0
     :: else ->
        if
        :: !may_wait && holder == 0 -> r = MORE
        :: !may_wait && holder != 0 -> r = REFUSED
        :: may_wait && was_joined -> r = JOINED
        :: else -> r = QUEUED
        fi
     fi
  fi;
  check()
}

// release.lua, with the queue member for `leave`.
inline release(i, leaving) {
  before = holder;
  more = false;
  if :: leaving -> came[i] = 0; cut[i] = false :: else fi;
  if :: leaving && holder != t(i) -> place[i] = 0 :: else fi;
  if
#ifdef MUTANT_RELEASE_UNCHECKED
  :: false
#else
  :: holder != 0 && holder != t(i)
#endif
  :: else ->
     hand_off(0);
     if :: before != 0 && granted == 0 -> holder = 0 :: else fi
  fi;
  assert(stale_changes_nothing || before == 0 || before == t(i) || holder == before);
  if
  :: more && granted == 0 -> r = MORE
  :: else -> r = (before == t(i) -> YES : NO)
  fi;
  v = 0;
  check()
}

// extend.lua: with no clocks, all it does is to look.
inline extend(i) {
  before = holder;
#ifdef MUTANT_EXTEND_REVIVES
  if :: holder == 0 -> holder = t(i) :: else fi;
#endif
  assert(stale_changes_nothing || holder == before);
  r = (holder == t(i) -> YES : NO);
  v = 0
}

inline serve(i, what, known) {
  if
  :: what == TRY -> acquire(i, false, 0)
  :: what == ASK -> acquire(i, true, known)
  :: what == LEAVE -> release(i, true)
#ifdef MUTANT_RELEASE_KEEPS_PLACE
  :: what == RELEASE -> release(i, false)
#else
  :: what == RELEASE -> release(i, true)
#endif
  :: what == EXTEND -> extend(i)
  fi;
  printf("  server: %d of %d (arrival %d) -> %d %d; holder %d, places %d %d %d\n", what, t(i), known, r, v,
         holder, place[0], place[1], place[2]);
  head = 0;
  granted = 0
}

// What holds after every script.
inline check() {
  k = 0;
  do
  :: k == N -> break
  :: else ->
     assert(not_both || !(holder == t(k) && place[k] != 0));
#ifndef NO_KILL
     assert(nothing_left || !(ended[k] && (holder == t(k) || place[k] != 0)));
#endif
     k++
  od
}

// The lease of a token runs out. Its grant may still be on the way; the times in it tell.
inline expire(i) {
  printf("  server: the lease of %d runs out\n", t(i));
  holder = 0;
  if :: at[i] == REPLIED && reply[i] == GRANTED -> reply[i] = OVER :: else fi;
  if :: at[i] == SENT && op[i] == RELEASE -> value[i] = 0 :: else fi;
  if :: push[i] != 0 -> expired[i] = true :: else fi;
  if
  :: arrival[i] == 0 -> came[i] = 0 // it knew of no place to return to
  :: else -> cut[i] = true
  fi
}

inline forget_push(i) {
  push[i] = 0;
  seen[i] = false;
  expired[i] = false
}

inline run_late(i) {
  printf("  an abandoned request of %d runs\n", t(i));
  serve(i, late[i], late_arrival[i]);
  late[i] = 0;
  late_arrival[i] = 0
}

#ifdef SHARED
#define channel_waits(i) (waits(i) || ((i) == 0 && waits(1)))
#else
#define channel_waits(i) waits(i)
#endif

// Whoever waits on this channel may be passed until it is heard again.
inline cut_off(i) {
  k = 0;
  do
  :: k == N -> break
  :: CH(k) == (i) && k < N -> if :: came[k] != 0 -> cut[k] = true :: else fi; k++
  :: else -> k++
  od
}

inline silence(i) {
  printf("  record of channel %d expires\n", t(i));
  alive[i] = false;
  cut_off(i)
}

// A subscription dies, with the messages in it.
inline break_channel(i) {
  printf("  wake channel %d breaks\n", t(i));
  subbed[i] = false;
  cut_off(i);
  k = 0;
  do
  :: k == N -> break
  :: CH(k) == (i) && k < N -> if :: !seen[k] -> forget_push(k) :: else fi; k++
  :: else -> k++
  od
}

// Beliefs and grants on their way that the server no longer knows of, which is documented.
inline excuse(i) {
  if
  :: believes[i] || push[i] != 0 || (at[i] == REPLIED && reply[i] == GRANTED) ||
     (at[i] == SENT && op[i] == RELEASE) -> excused[i] = true
  :: else
  fi
}

inline flush() {
  printf("  server: loses its data\n");
  holder = 0;
  counter = 0;
  k = 0;
  do
  :: k == N -> break
  :: else ->
     excuse(k);
     place[k] = 0;
     alive[k] = false;
     came[k] = 0;
     cut[k] = false;
     k++
  od
}

// force_release.lua, by an operator.
inline force_release() {
  printf("  server: force_release\n");
  before = holder;
  if
  :: before <= N ->
     excuse(before - 1);
     if :: came[before - 1] != 0 -> cut[before - 1] = true :: else fi
  :: else
  fi;
  hand_off(0);
  if :: granted == 0 -> holder = 0 :: else fi;
  check()
}

// ------------------------------------------------------------------------------- the clients

// A new connection ends what was abandoned on an older one before it asks.
inline send(i, what) {
#ifndef NO_KILL
#ifdef MUTANT_UNDO_WITHOUT_KILL
  if :: what == LEAVE :: else -> late[i] = 0; late_arrival[i] = 0 fi;
#else
  late[i] = 0;
  late_arrival[i] = 0;
#endif
#endif
  if :: what != ASK -> forget_push(i); arrival[i] = 0; due[i] = false :: else fi;
  if :: what != ASK && what != LEAVE -> came[i] = 0; cut[i] = false :: else fi;
  if :: what == LEAVE || what == RELEASE -> believes[i] = false :: else fi;
  reply[i] = 0;
  value[i] = 0;
  printf("%d: sends %d\n", t(i), what);
  op[i] = what;
  at[i] = SENT
}

// The connection is given up; the server may have the request unread.
inline abandon(i) {
  printf("%d: hears no answer (%d)\n", t(i), at[i]);
  if
  :: at[i] == SENT && late[i] == 0 ->
     late[i] = op[i];
     late_arrival[i] = (op[i] == ASK -> arrival[i] : 0)
  :: else
  fi;
  reply[i] = 0;
  value[i] = 0
}

inline settle(i, how) {
  printf("%d: is done (%d)\n", t(i), how);
  believes[i] = false;
  excused[i] = false;
  forget_push(i);
  arrival[i] = 0;
  due[i] = false;
  reply[i] = 0;
  value[i] = 0;
  came[i] = 0;
  cut[i] = false;
  op[i] = 0;
  at[i] = how
}

inline hold(i, by) {
  printf("%d: believes it holds, fence %d\n", t(i), by);
  k = 0;
  do
  :: k == N -> break
  :: else ->
     assert(one_holder || !(k != i && believes[k] && !excused[k] && !excused[i]));
     k++
  od;
  assert(one_holder || holder == t(i) || excused[i]);
  assert(fences_rise || by > top || excused[i]);
  if :: !excused[i] -> top = by :: else fi;
  forget_push(i);
  arrival[i] = 0;
  due[i] = false;
  reply[i] = 0;
  value[i] = 0;
  came[i] = 0;
  cut[i] = false;
  op[i] = 0;
  believes[i] = true;
  at[i] = HELD
}

inline believe_again(i) {
  printf("%d: could not release, and believes it still holds\n", t(i));
  assert(one_holder || holder == t(i) || excused[i]);
  value[i] = 0;
  op[i] = 0;
  believes[i] = true;
  at[i] = HELD
}

inline conclude(i) {
#ifndef NO_KILL
  assert(nothing_left || holder != t(i) && place[i] == 0);
#endif
  settle(i, END);
  ended[i] = true
}

inline subscribe(i) { subbed[CH(i)] = true }

// The answer to ASK was "queued": WaitList::answered and WakeChannel::answered.
inline answered(i) {
#ifdef SHARED
  if
  :: arrival[i] != 0 && reply[i] == JOINED && CH(i) == 0 ->
     if :: waits(1 - i) && arrival[1 - i] != 0 -> due[1 - i] = true :: else fi
  :: else
  fi;
#endif
  arrival[i] = value[i];
  due[i] = false;
#ifdef MUTANT_SUBSCRIBE_AFTER
  subscribe(i);
#endif
#ifndef MUTANT_OUTDATED_PUSH
  if :: push[i] <= arrival[i] && seen[i] -> forget_push(i) :: else fi;
#endif
  reply[i] = 0;
  value[i] = 0;
  at[i] = WAIT
}

// What a push is worth: WakeChannel::dispatch and Acquisition::pushed.
inline take_push(i) {
  if
#ifdef MUTANT_TRUST
  :: true -> hold(i, push[i])
#endif
  :: !expired[i] && (seen[i] || push[i] > arrival[i]) -> hold(i, push[i])
  :: else -> forget_push(i); send(i, ASK)
  fi
}

#ifdef SHARED
#define oldest(i) (CH(i) != 0 || !waits(1 - (i)) || arrival[1 - (i)] == 0 || \
                   arrival[i] < arrival[1 - (i)])
#else
#define oldest(i) true
#endif
#ifdef MUTANT_NO_RECHECK
#define asks(i) false
#else
#define asks(i) (oldest(i) || due[i])
#endif
#define me _pid
#ifdef SHARED
#define MORTAL (me > 1) // a process dies with all its waits
#else
#define MORTAL (!PATIENT_ONE(me))
#endif

active [N] proctype Client() {
  do
  // Tries first where the wake channel is not ready, else queues at once. Clients are alike, so they
  // start in one order.
#if defined(SHARED) || defined(PATIENT)
#define MY_TURN true
#else
#define MY_TURN (me == 0 || at[me - 1] != NEW)
#endif
  :: d_step { at[me] == NEW && MY_TURN -> send(me, TRY); skip }
  :: d_step { at[me] == NEW && MY_TURN ->
#ifndef MUTANT_SUBSCRIBE_AFTER
       subscribe(me);
#endif
       send(me, ASK); skip }
  // The request runs at the server, or nothing is heard of it any more.
  :: d_step { at[me] == SENT ->
       serve(me, op[me], arrival[me]);
       reply[me] = r;
       value[me] = v;
       at[me] = REPLIED }
  :: d_step { (at[me] == SENT || at[me] == REPLIED) && losses > 0 ->
       losses--;
       abandon(me);
       at[me] = FAILED; skip }
  :: d_step { at[me] == FAILED && op[me] != EXTEND -> send(me, op[me]); skip }
  :: d_step { at[me] == FAILED && op[me] == EXTEND -> op[me] = 0; at[me] = HELD; skip }
  :: d_step { at[me] == FAILED && op[me] == ASK && arrival[me] != 0 -> at[me] = WAIT; skip }
  :: d_step { at[me] == FAILED && !PATIENT_ONE(me) &&
              (op[me] == TRY || op[me] == RELEASE || (op[me] == ASK && arrival[me] == 0)) ->
       send(me, LEAVE); skip }
  // The reply comes in.
  :: d_step { at[me] == REPLIED && op[me] == TRY ->
       if
       :: reply[me] == GRANTED -> hold(me, value[me])
       :: reply[me] == OVER || reply[me] == MORE -> send(me, TRY)
       :: else ->
#ifndef MUTANT_SUBSCRIBE_AFTER
          subscribe(me);
#endif
          send(me, ASK)
       fi; skip }
  :: d_step { at[me] == REPLIED && op[me] == ASK ->
       if
       :: reply[me] == GRANTED -> hold(me, value[me])
       :: reply[me] == OVER && arrival[me] == 0 -> send(me, ASK)
       :: reply[me] == OVER && arrival[me] != 0 -> reply[me] = 0; value[me] = 0; at[me] = WAIT
       :: else -> answered(me)
       fi; skip }
  :: d_step { at[me] == REPLIED && (op[me] == LEAVE || op[me] == RELEASE) ->
       if
       :: reply[me] == MORE ->
          send(me, op[me]);
#ifdef MUTANT_BELIEVES_AGAIN
          value[me] = UNTOUCHED;
#endif
       :: else -> conclude(me)
       fi; skip }
  :: d_step { at[me] == REPLIED && op[me] == EXTEND ->
       if
       :: reply[me] == YES -> reply[me] = 0; op[me] = 0; at[me] = HELD
       :: else -> settle(me, END)
       fi; skip }
  // Another thread of the client may have read the push before this one knows of its place.
  :: d_step { waits(me) && at[me] != WAIT && push[me] != 0 && !seen[me] && arrival[me] == 0 ->
       printf("%d: another thread has read its push\n", t(me));
       seen[me] = true; skip }
  // Waiting.
  :: d_step { at[me] == WAIT && push[me] != 0 -> take_push(me); skip }
  :: d_step { at[me] == WAIT && push[me] == 0 && asks(me) -> send(me, ASK); skip }
  :: d_step { waits(me) && !subbed[CH(me)] -> subscribe(me); skip }
#ifdef CANCEL
  :: d_step { waits(me) && !PATIENT_ONE(me) ->
       abandon(me);
#ifdef MUTANT_CANCEL_KEEPS
       conclude(me)
#else
       send(me, LEAVE)
#endif
       ; skip }
#endif
  // Holding: released, renewed, or lost by the local deadline.
  :: d_step { at[me] == HELD -> send(me, RELEASE); value[me] = UNTOUCHED; skip }
  // A release that surely never reached the server: the lease still counts.
  :: d_step { at[me] == SENT && op[me] == RELEASE && value[me] == UNTOUCHED && losses > 0 ->
       losses--;
       believe_again(me); skip }
  :: d_step { at[me] == HELD && renewals > 0 -> renewals--; send(me, EXTEND); skip }
  :: d_step { at[me] == HELD -> settle(me, END); skip }
  // Killed: its connections close, or hang half-open until its record expires.
  :: d_step { deaths > 0 && MORTAL && at[me] != NEW && at[me] != END && at[me] != DEAD ->
       deaths--;
       abandon(me);
       settle(me, DEAD);
       subbed[CH(me)] = false; skip }
  :: d_step { deaths > 0 && MORTAL && waits(me) ->
       deaths--;
       abandon(me);
       settle(me, DEAD); skip }
  :: at[me] == END || at[me] == DEAD -> break
  od
}

// What time alone brings about, and so happens sooner or later.
active proctype Time() {
end_time:
  do
  :: d_step { holder != 0 && holder != STRANGER && (at[holder - 1] == END || at[holder - 1] == DEAD) ->
       holder = 0; skip }
  :: d_step { holder == STRANGER -> holder = 0; skip }
#if DEATH > 0
  :: d_step { at[0] == DEAD && alive[0] -> alive[0] = false; skip }
  :: d_step { at[1] == DEAD && alive[1] -> alive[1] = false; skip }
  :: d_step { at[2] == DEAD && alive[2] -> alive[2] = false; skip }
#if N > 3
  :: d_step { at[3] == DEAD && alive[3] -> alive[3] = false; skip }
#endif
#endif
  od
}

// What may happen or not.
#define TROUBLE(i) \
  :: d_step { late[i] != 0 -> run_late(i); skip } \
  :: d_step { losses > 0 && subbed[i] && channel_waits(i) -> losses--; break_channel(i); skip } \
  :: d_step { silences > 0 && alive[i] && channel_waits(i) -> silences--; silence(i); skip } \
  :: d_step { earlies > 0 && holder == t(i) && !believes[i] && at[i] < END -> earlies--; expire(i); skip }

active proctype Trouble() {
end_trouble:
  do
  TROUBLE(0)
  TROUBLE(1)
  TROUBLE(2)
#if N > 3
  TROUBLE(3)
#endif
  :: d_step { strangers > 0 && holder == 0 -> strangers--; holder = STRANGER; skip }
  :: d_step { flushes > 0 -> flushes--; flush(); skip }
  :: d_step { breaks > 0 && holder != 0 -> breaks--; force_release(); skip }
#ifdef LIVENESS
  :: break // else fairness would make every fault strike
#endif
  od
}

// For liveness, with -DLIVENESS -DPATIENT: who waits patiently, dies not and is not cut off for ever gets
// the lock; and a lock is not left free while somebody who lives waits in the queue.
#ifdef LIVENESS
#define patient_waits (at[0] == WAIT)
#define patient_served (at[0] == HELD || at[0] == END)
#define free_and_wanted (holder == 0 && place[0] != 0 && waits(0))
ltl served { [] (patient_waits -> <> patient_served) }
ltl not_left_free { [] (free_and_wanted -> <> !free_and_wanted) }
#endif
