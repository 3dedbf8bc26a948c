// The scripts of shared.pml, branch by branch as in cxx/scripts: acquire, release and leave, and extend. Each is
// one step of the server: it runs inside a d_step.

inline acquire(i, may_wait) {
  reply = REFUSED;
  leaver = 0;
  look();
  find_head();
  if
  :: key == t(i) -> key_left = TTL; reply = GRANTED
  :: held == SHARED && in_set[i] && ends[i] > 0 -> ends[i] = TTL; stretch(); reply = GRANTED
#ifdef MUTANT_READERS_PASS_WRITER
  :: !(key == t(i) || held == SHARED && in_set[i] && ends[i] > 0) && fits(i) && place[i] == 0 &&
     (head == 0 || limit(i) != EXCLUSIVE) ->
#else
  :: !(key == t(i) || held == SHARED && in_set[i] && ends[i] > 0) && fits(i) && head == 0 ->
#endif
     take(i);
     reply = GRANTED
  :: else ->
     if :: may_wait -> join(i) :: else fi;
     hand_off(t(i));
     find_head();
     if :: reply == REFUSED && !may_wait && head == 0 && fits(i) -> take(i); reply = GRANTED :: else fi
  fi;
  if
  :: reply == REFUSED && may_wait ->
     reply = QUEUED;
     room_in(i);
     if :: held == 0 -> ms = 0 :: else fi
  :: else
  fi;
  check()
}

// release.lua: releases what the token holds, or leaves the queue.
inline release(i) {
  leaver = 0;
  look();
  find_head();
  was_head = (head == t(i));
  if
  :: key != 0 && key != t(i) && key != SHARED ->
     remove(i);
#ifndef MUTANT_NO_NOTIFY_LEFT
     went = 0;
     if :: was_head -> notify_head(0) :: else fi
#endif
  :: key == t(i) ->
     held = 0;
     hand_off(0);
     if :: granted == 0 -> key = 0; key_left = 0; empty_set() :: else fi
  :: held == SHARED && in_set[i] && ends[i] > 0 ->
     was_ends = ends[i];
     in_set[i] = false;
     ends[i] = 0;
     stretch();
     live--;
#ifdef MUTANT_RELEASE_FREES
     held = 0;
#else
     if :: live == 0 -> held = 0 :: else fi;
#endif
     hand_off(0);
     if
     :: granted == 0 && held == 0 ->
#ifdef MUTANT_RELEASE_KEEPS_KEY
        key_left = TTL
#else
        key = 0;
        key_left = 0;
        empty_set()
#endif
     :: granted == 0 && held != 0 ->
#ifndef MUTANT_NO_NOTIFY_SHARED_RELEASE
        went = was_ends + 1;
        notify_head(0)
#endif
     :: else
     fi
  :: else ->
     leaver = t(i);
     hand_off(0);
     if :: granted == 0 && held == 0 -> key = 0; key_left = 0; empty_set() :: else fi
  fi;
  assert(nothing_left || is_gone(i));
  count_live();
  assert(key_removed || !(key == SHARED && live == 0));
  check()
}

inline extend(i) {
  look();
  reply = REFUSED;
  if
  :: key == t(i) -> key_left = TTL; reply = GRANTED
  :: held == SHARED && in_set[i] && ends[i] > 0 ->
     reply = GRANTED;
#ifdef MUTANT_EXTENDS_ONLY_KEY
     key_left = TTL
#else
     ends[i] = TTL;
#ifndef MUTANT_EXTENDS_ONLY_ENTRY
     stretch()
#endif
#endif
  :: else
  fi;
  check()
}
