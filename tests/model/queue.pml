// The queue at the server of hand_off.pml: who lives, the grant, the hand-off and the notification
// (_hand_off.lua), the join and the queued reply. server.pml has the scripts that use them.

// A client lives if its record stands and the server sees its subscription; a poller needs only the record.
// The caller of acquire needs no record.
#ifdef MUTANT_CALLER_NEEDS_RECORD
#define recorded(i) alive[CH(i)]
#else
#define recorded(i) (alive[CH(i)] || caller == CH(i) + 1)
#endif
#ifdef MUTANT_POLL_NEVER_GRANTED
#define lives(i) (recorded(i) && subbed[CH(i)])
#else
#define lives(i) (recorded(i) && (subbed[CH(i)] || polls(i)))
#endif

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

inline grant(token, since) {
  check_order(token, since);
  holder = token;
  if :: push[token - 1] == 0 -> excused[token - 1] = false :: else fi;
  if
  :: waits(token - 1) && came[token - 1] == 0 -> came[token - 1] = fence
  :: else
  fi
}

inline publish(token) {
  if
  :: waits(token - 1) && !polls(token - 1) && subbed[CH(token - 1)] ->
     printf("  server: pushes fence %d to %d\n", fence, token);
     push[token - 1] = fence;
     excused[token - 1] = false;
     taken[token - 1] = false;
     expired[token - 1] = false
  :: else // nobody there waits for it
  fi
}

// The client's first re-check is to come: it is 2 s after the place, which is therefore younger for the server.
#ifdef MUTANT_FIRST
#define young(i) is_young[i]
#define set_young(i) is_young[i] = true
#else
#define young(i) first[i]
#define set_young(i) skip
#endif

// What a script owes the new head of the queue: nothing; a `next` unless the head has its first re-check before
// it (after a hand-off); a `next`.
#define NOTHING 0
#define UNLESS_YOUNG 1
#define ALWAYS 2

// Sends that `next`. The caller and a poller get none. Dead heads are dropped.
inline notify_head(own) {
  looked = 0;
  do
  :: looked == HEADS || notify == NOTHING -> break
  :: else ->
     looked++;
     find_head();
     if
     :: head == 0 || (notify == UNLESS_YOUNG && young(head - 1)) -> break
     :: else ->
        if
        :: recorded(head - 1) && (head == own || polls(head - 1)) -> break
        :: recorded(head - 1) && !(head == own || polls(head - 1)) && subbed[CH(head - 1)] ->
           printf("  server: sends next to %d\n", head);
           if :: waits(head - 1) -> next[head - 1] = true :: else fi;
           break
        :: else -> place[head - 1] = 0
        fi
     fi
  od
}

// Drops the dead before the first living waiter, and grants it the lock if that `is_free`. `leaver` counts
// as dead. The caller's own token gets no push. The script sends `notify` afterwards.
inline hand_off(own) {
  granted = 0;
  looked = 0;
  stuck = false;
  do
  :: stuck || looked == DROP -> break
  :: else ->
     find_head();
     if
     :: head == 0 -> break
#ifdef MUTANT_NO_DEAD_SKIP
     :: head != 0 ->
#else
     :: head != 0 && head != leaver && lives(head - 1) ->
#endif
        stuck = true;
        if
        :: is_free ->
           granted = head;
           number = place[head - 1];
#ifndef MUTANT_GRANT_KEEPS_PLACE
           place[head - 1] = 0
#endif
        :: else
        fi
#ifndef MUTANT_NO_DEAD_SKIP
     :: else -> place[head - 1] = 0; looked++
#endif
     fi
  od;
  find_head();
  more = !stuck && looked == DROP && head != 0;
  if
  :: granted != 0 ->
     assert(not_to_the_dead || lives(granted - 1));
     draw();
     grant(granted, number);
     if :: granted != (own) -> publish(granted) :: else fi;
#ifndef MUTANT_NO_NOTIFY_HAND_OFF
     notify = UNLESS_YOUNG
#endif
#ifndef MUTANT_NO_NOTIFY_DROPPED
  :: granted == 0 && !is_free && looked > 0 -> notify = ALWAYS
#endif
#ifndef MUTANT_NO_NOTIFY_MORE
  :: granted == 0 && is_free && more -> notify = ALWAYS
#endif
  :: else
  fi
}

// Reads the record and takes the place; queued() writes the record. A grant leaves the record alone.
inline join(i, known_arrival) {
  was_joined = (place[i] == 0);
  was_known = alive[CH(i)];
  if
  :: !was_joined
  :: else ->
#if DEAF > 0 || defined(MUTE) // otherwise the client knows
     if :: !(subbed[CH(i)] || polls(i)) -> f = f | UNSEEN :: else fi;
#endif
#ifndef MUTANT_REJOIN_ANEW
     if
     :: known_arrival != 0 -> place[i] = known_arrival
     :: else ->
#endif
        draw();
        place[i] = fence;
        if :: waits(i) -> first[i] = true; set_young(i) :: else fi
#ifndef MUTANT_REJOIN_ANEW
     fi
#endif
  fi;
  v = place[i];
  if
  :: waits(i) ->
     // A waiter that was cut off before it heard of its place comes as a new one.
     if :: came[i] == 0 || (cut[i] && known_arrival == 0) -> came[i] = place[i] :: else fi;
#ifndef MUTANT_SUBSCRIBE_AFTER
     cut[i] = !(subbed[CH(i)] || polls(i))
#endif
  :: else
  fi
}

inline queued(i) {
  r = QUEUED;
#ifdef PAIR // the other place asks
  if :: was_joined -> r = JOINED :: else fi;
  if :: !was_known -> f = f | UNKNOWN :: else fi;
#endif
  if :: holder == 0 || more -> f = f | AGAIN :: else fi;
  number = 0;
  k = 0;
  do
  :: k == N -> break
  :: else -> if :: place[i] != 0 && place[k] != 0 && place[k] < place[i] -> number++ :: else fi; k++
  od;
  if
  :: number == 0 -> f = f | AT_HEAD
  :: number > 0 && number <= DEPUTIES -> f = f | DEPUTY
  :: else
  fi;
  alive[CH(i)] = true
}
