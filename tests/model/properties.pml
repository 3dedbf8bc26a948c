// The properties of hand_off.pml: what only an observer sees, the checks after each step, and the liveness
// formulas. Each property has a name, which SPIN reports when it is broken.

bool believes[N];  // this client believes in its lease
bool excused[N];   // its grant was lost with the server's data, or an operator broke it
bool ended[N];     // released, left or rolled back, and the server has confirmed it
bool cut[N];       // cut off from the server, and not heard since
byte came[N];      // arrival number of a waiter
byte top;          // the largest fence anybody believed in

// Working variables of one step.
hidden byte k, head, granted, fence, looked, number, r, v, f, before, caller, leaver;
hidden byte more, was_joined, was_known, stuck, is_free, notify;

#ifndef UNCHECKED  // 1 leaves first_come unchecked
#define UNCHECKED 0
#endif
// A late request can change the head of the queue, and nobody hears its reply. Only the rules for deputies and the
// backstop help then.
#ifdef NO_KILL
#define UNHEARD 1
#else
#define UNHEARD 0
#endif
hidden byte one_holder = 0, fences_rise = 0, first_come = UNCHECKED, not_both = 0, nothing_left = 0,
            stale_changes_nothing = 0, not_to_the_dead = 0, head_knows = UNHEARD, place_known = UNHEARD;

#define waits(i) ((at[i] == WAIT || at[i] == SENT || at[i] == REPLIED || at[i] == FAILED) && op[i] == ASK)
#ifdef PAIR
#define channel_waits(i) (waits(i) || ((i) == 0 && waits(1)))
#else
#define channel_waits(i) waits(i)
#endif

// first_come: no grant passes a waiter that came before `since`, lives and was not cut off. `since` is 0 for
// a token without a place.
inline check_order(token, since) {
  k = 0;
  do
  :: k == N -> break
  :: else ->
     assert(first_come || !(t(k) != token && waits(k) && came[k] != 0 && !cut[k] &&
              (since == 0 || came[k] < since)));
     k++
  od
}

// After each script: no token both waits and holds, and an ended token does neither.
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
  od;
#ifdef MUTANT_OLD_MEMBER_STAYS
  assert(nothing_left || !(ended[0] && old_member != 0));
#endif
  check_known()
}

// Something other than the backstop makes this waiter re-check, or brings it its grant. A place that its
// client has reported as lost counts too: the reply that says so is on its way.
#define has_news(i) (due[i] || first[i] || is_head[i] || deputy[i] || next[i] || push[i] != 0 || polls(i) || \
                     !subbed[CH(i)] || !alive[CH(i)] || unsure[CH(i)] || beat[CH(i)] != 0 || partner_has_news(i))
#ifdef PAIR
#define partner_has_news(i) (CH(i) == 0 && at[1 - (i)] == REPLIED && op[1 - (i)] == ASK && \
                             ((flags[1 - (i)] & UNKNOWN) || reply[1 - (i)] == JOINED && arrival[1 - (i)] != 0))
#else
#define partner_has_news(i) false
#endif

// place_known, head_knows: a waiter without news has its place, and is not the head of the queue.
inline check_known() {
  find_head();
  k = 0;
  do
  :: k == N -> break
  :: else ->
     if
     :: at[k] == WAIT && !has_news(k) ->
        assert(place_known || place[k] != 0);
        assert(head_knows || head != t(k))
     :: else
     fi;
     k++
  od;
  head = 0
}

// The waiters of this channel may be passed until the server hears them again.
inline cut_off(i) {
  k = 0;
  do
  :: k == N -> break
  :: CH(k) == (i) && k < N -> if :: came[k] != 0 -> cut[k] = true :: else fi; k++
  :: else -> k++
  od
}

// The server has lost this grant, or an operator broke it. The documentation says so.
inline excuse(i) {
  if
  :: believes[i] || push[i] != 0 || (at[i] == REPLIED && reply[i] == GRANTED) ||
     (at[i] == SENT && op[i] == RELEASE) -> excused[i] = true
  :: else
  fi
}

// one_holder, fences_rise: at the moment when a client begins to believe.
inline check_belief(i, by) {
  k = 0;
  do
  :: k == N -> break
  :: else ->
     assert(one_holder || !(k != i && believes[k] && !excused[k] && !excused[i]));
     k++
  od;
  assert(one_holder || holder == t(i) || excused[i]);
  assert(fences_rise || by > top || excused[i]);
  if :: !excused[i] -> top = by :: else fi
}

// served: a patient waiter that lives and is not cut off for ever gets the lock. not_left_free: a lock is not
// free for ever while a living waiter is in its queue. Both need -DLIVENESS -DPATIENT.
#ifdef LIVENESS
#define patient_waits (at[0] == WAIT)
#define patient_served (at[0] == HELD || at[0] == END)
#define free_and_wanted (holder == 0 && place[0] != 0 && waits(0))
ltl served { [] (patient_waits -> <> patient_served) }
ltl not_left_free { [] (free_and_wanted -> <> !free_and_wanted) }
#endif
