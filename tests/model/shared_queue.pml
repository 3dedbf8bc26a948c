// The holders and the queue at the server of shared.pml: who holds, the grant, the hand-off of a batch and the
// notification (_shared.lua, _hand_off.lua). shared_server.pml has the scripts that use them.

inline count_live() {
  live = 0;
  k = 0;
  do
  :: k == N -> break
  :: else ->
#ifdef MUTANT_ENDED_HOLDER_COUNTS
     if :: in_set[k] -> live++ :: else fi;
#else
     if :: in_set[k] && ends[k] > 0 -> live++ :: else fi;
#endif
     k++
  od
}

// A shared lock whose leases have all ended is free.
inline look() {
  count_live();
  held = key;
  if :: key == SHARED && live == 0 -> held = 0 :: key != SHARED -> live = 0 :: else fi
}

#ifdef MUTANT_BESIDE_EXCLUSIVE
#define fits(i) (held == 0 || limit(i) != EXCLUSIVE && live < limit(i))
#else
#define fits(i) (held == 0 || limit(i) != EXCLUSIVE && held == SHARED && live < limit(i))
#endif

inline empty_set() {
  k = 0;
  do
  :: k == N -> break
  :: else -> in_set[k] = false; ends[k] = 0; k++
  od
}

// The lock key lasts as long as the longest lease.
inline stretch() {
  key_left = 0;
  k = 0;
  do
  :: k == N -> break
  :: else -> if :: in_set[k] && ends[k] > key_left -> key_left = ends[k] :: else fi; k++
  od
}

inline hold_shared(i) {
  if
  :: held != SHARED -> empty_set(); key = SHARED; held = SHARED
  :: else ->
     k = 0;
     do
     :: k == N -> break
     :: else -> if :: ends[k] == 0 -> in_set[k] = false :: else fi; k++
     od
  fi;
  in_set[i] = true;
  ends[i] = TTL;
  stretch()
}

inline take(i) {
  check_grant(i);
  if
  :: limit(i) == EXCLUSIVE -> key = t(i); key_left = TTL; held = key
  :: else -> hold_shared(i)
  fi
}

inline find_head() {
  head = 0;
  k = 0;
  do
  :: k == N -> break
  :: else -> if :: place[k] == 1 -> head = t(k) :: else fi; k++
  od
}

inline remove(i) {
  if
  :: place[i] != 0 ->
     removed = place[i];
     place[i] = 0;
     k = 0;
     do
     :: k == N -> break
     :: else -> if :: place[k] > removed -> place[k]-- :: else fi; k++
     od
  :: else
  fi
}

inline join(i) {
  if
  :: place[i] == 0 ->
     j = 1;
     k = 0;
     do
     :: k == N -> break
     :: else -> if :: place[k] != 0 -> j++ :: else fi; k++
     od;
     place[i] = j
  :: else
  fi
}

// When there is room for client i if nobody releases: the n-th largest lease end.
inline room_in(i) {
  ms = key_left;
#ifndef MUTANT_WRONG_TIME
  if
  :: key == SHARED && limit(i) != EXCLUSIVE && limit(i) != ALL ->
     ms = TTL;
     do
     :: ms == 0 -> ms = key_left; break
     :: else ->
        j = 0;
        k = 0;
        do
        :: k == N -> break
        :: else -> if :: in_set[k] && ends[k] >= ms -> j++ :: else fi; k++
        od;
        if :: j >= limit(i) -> break :: else -> ms-- fi
     od
  :: else
  fi
#endif
}

// Sends `next` to the head; drops dead heads. `went` is the lease of a shared holder that released, plus 1:
// a head whose time is later has learned nothing from it.
inline notify_head(own) {
  looked = 0;
  do
  :: looked == HEADS -> break
  :: else ->
     looked++;
     find_head();
     if
     :: head == 0 -> break
     :: head != 0 && lives(head - 1) ->
        room_in(head - 1);
        if
        :: head != own && !(went != 0 && went - 1 < ms) ->
           printf("  server: sends next to %d, in %d\n", head, ms);
           next_in[head - 1] = ms + 1
        :: else
        fi;
        break
     :: else -> remove(head - 1)
     fi
  od
}

// Grants the lock to the first living waiters, as long as they fit. `live` counts them, and not a holder that
// goes; `leaver` counts as dead.
inline hand_off(own) {
  granted = 0;
  looked = 0;
  do
  :: find_head();
     who = head;
     if
     :: head == 0 -> break
     :: head != 0 && (head == leaver || !lives(head - 1)) -> remove(who - 1); looked++
     :: else ->
#ifdef MUTANT_HAND_OFF_PASSES_WRITER
        k = 0;
        do
        :: k == N -> break
        :: else -> if :: !fits(who - 1) && place[k] != 0 && lives(k) && fits(k) -> who = t(k) :: else fi; k++
        od;
#endif
        if
        :: fits(who - 1) ->
           take(who - 1);
           remove(who - 1);
           granted++;
#ifndef MUTANT_BATCH_EXCEEDS_LIMIT
           live++;
#endif
           next_in[who - 1] = 0;
           if :: who == own -> reply = GRANTED :: else -> pushed[who - 1] = true fi;
           if :: limit(who - 1) == EXCLUSIVE -> break :: else fi
        :: else -> break
        fi
     fi
  od;
#ifndef MUTANT_LEAVER_NOTIFIED
  if :: leaver != 0 -> remove(leaver - 1) :: else fi;
#endif
#ifndef MUTANT_NO_NOTIFY_HAND_OFF
  went = 0;
  if :: granted != 0 || held != 0 && looked > 0 -> notify_head(own) :: else fi;
#endif
#ifdef MUTANT_LEAVER_NOTIFIED
  if :: leaver != 0 -> remove(leaver - 1) :: else fi;
#endif
}
