// The scripts of hand_off.pml, branch by branch as in cxx/scripts: acquire, release and leave, extend,
// force_release and beat. Each is one step of the server: it runs inside a d_step.

#ifdef MUTANT_HANDS_ON
#define hands_on(may_wait, known_arrival) (may_wait && known_arrival == 0 && head != 0)
#else
#define hands_on(may_wait, known_arrival) false
#endif

// acquire.lua; leaves the reply in r, v and f. A first try with fewer keys that is answered -2 has changed
// nothing, and is left out.
inline acquire(i, may_wait, known_arrival) {
  r = 0;
  v = 0;
  f = 0;
  caller = (may_wait -> CH(i) + 1 : 0);
  before = holder;
  more = false;
  notify = NOTHING;
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
     :: holder == t(i) && !hands_on(may_wait, known_arrival) ->
        draw();
        r = GRANTED;
#ifdef MUTANT_ALREADY_MINE_OLD_FENCE
        v = known_arrival
#else
        v = fence
#endif
     :: holder != t(i) && holder != 0 && !may_wait -> r = REFUSED
     :: else ->
        if :: may_wait -> join(i, known_arrival) :: else was_joined = false fi;
        find_head();
        is_free = (holder == 0 || holder == t(i));
        if
        :: !is_free && (was_joined || head == t(i))
#ifdef MUTANT_NO_HELP
        :: is_free
#endif
        :: else ->
           hand_off(t(i));
           notify_head(t(i));
           find_head();
           if
           :: granted == t(i) -> r = GRANTED; v = fence
           :: granted == 0 && !may_wait && !more && head == 0 ->
              draw();
              grant(t(i), 0);
              r = GRANTED;
              v = fence
           :: else
           fi
        fi
     fi;
     if
     :: r == 0 && may_wait -> queued(i)
     :: r == 0 && !may_wait -> r = (holder == 0 || more -> MORE : REFUSED)
     :: else
     fi
  fi;
#ifdef MUTANT_GRANT_WRITES_RECORD
  if :: r == GRANTED && may_wait -> alive[CH(i)] = true :: else fi;
#endif
  caller = 0
}

// release.lua, with the queue member for `leaving`.
inline release(i, leaving) {
  before = holder;
  more = false;
  notify = NOTHING;
  granted = 0;
  caller = 0;
  if :: leaving -> came[i] = 0; cut[i] = false :: else fi;
  if
#ifdef MUTANT_RELEASE_UNCHECKED
  :: false
#else
  :: holder != 0 && holder != t(i) ->
     find_head();
     stuck = (head == t(i));
     if
     :: leaving ->
        place[i] = 0;
#ifndef MUTANT_NO_NOTIFY_LEFT
        if :: stuck -> notify = ALWAYS :: else fi
#endif
     :: else
     fi
#endif
  :: else ->
     is_free = true;
     leaver = (leaving && holder != t(i) -> t(i) : 0);
     hand_off(0);
     if :: granted == 0 -> holder = 0 :: else fi
  fi;
#ifndef MUTANT_LEAVER_NOTIFIED
  if :: leaver != 0 -> place[i] = 0 :: else fi;
#endif
  notify_head(0);
  if :: leaver != 0 -> place[i] = 0; leaver = 0 :: else fi;
  assert(stale_changes_nothing || before == 0 || before == t(i) || holder == before);
  r = (more -> MORE : (before == t(i) -> YES : NO));
  v = 0
}

// extend.lua: without clocks it only looks at the owner.
inline extend(i) {
  before = holder;
#ifdef MUTANT_EXTEND_REVIVES
  if :: holder == 0 -> holder = t(i) :: else fi;
#endif
  assert(stale_changes_nothing || holder == before);
  r = (holder == t(i) -> YES : NO);
  v = 0
}

#ifdef MUTANT_RELEASE_KEEPS_PLACE
#define names_its_place(what) (what != RELEASE)
#else
#define names_its_place(what) true
#endif

inline serve(i, what, known_arrival) {
  f = 0;
  if
  :: what == TRY || what == ASK -> acquire(i, (what == ASK), known_arrival)
  :: what == EXTEND -> extend(i)
  :: else -> release(i, names_its_place(what))
  fi;
  printf("  server: %d of %d (arrival %d) -> %d %d flags %d; holder %d, places %d %d %d\n", what, t(i),
         known_arrival, r, v, f, holder, place[0], place[1], place[2]);
}

// force_release.lua, by an operator.
inline force_release() {
  printf("  server: force_release\n");
  before = holder;
  caller = 0;
  if
  :: before <= N ->
     excuse(before - 1);
     if :: came[before - 1] != 0 -> cut[before - 1] = true :: else fi
  :: else
  fi;
  is_free = true;
  notify = NOTHING;
  hand_off(0);
  if :: granted == 0 -> holder = 0 :: else fi;
  notify_head(0);
  check()
}

// beat.lua: writes the record, and says whether it stood and whether the subscription is seen.
inline serve_beat(c) {
  f = HEARD;
  if :: !alive[c] -> f = f | UNKNOWN :: else fi;
  if :: !(subbed[c] || polls(c)) -> f = f | UNSEEN :: else fi;
  alive[c] = true;
  printf("  server: beat of channel %d -> flags %d\n", t(c), f)
}
