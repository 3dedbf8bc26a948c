// Time and the faults of hand_off.pml.

inline run_late(i) {
  printf("  an abandoned request of %d runs\n", t(i));
  serve(i, late[i], late_arrival[i]);
  late[i] = 0;
  late_arrival[i] = 0
}

// The lease of a token ends. Its grant may still be on the way; the times in it show that it is over.
inline expire(i) {
  printf("  server: the lease of %d ends\n", t(i));
  holder = 0;
  if :: at[i] == REPLIED && reply[i] == GRANTED -> reply[i] = OVER :: else fi;
  if :: at[i] == SENT && op[i] == RELEASE -> value[i] = 0 :: else fi;
  if :: push[i] != 0 -> expired[i] = true :: else fi;
  if
  :: arrival[i] == 0 -> came[i] = 0 // it knew of no place to return to
  :: else -> cut[i] = true
  fi;
  check_known()
}

inline silence(i) {
  printf("  record of channel %d ends\n", t(i));
  alive[i] = false;
  cut_off(i)
}

// A subscription ends, with the messages in it.
inline break_channel(i, unnoticed) {
  printf("  channel %d breaks (unnoticed: %d)\n", t(i), unnoticed);
  subbed[i] = false;
  unaware[i] = unnoticed;
  cut_off(i);
  k = 0;
  do
  :: k == N -> break
  :: CH(k) == (i) && k < N ->
     if :: !taken[k] -> forget_grant(k) :: else fi;
     next[k] = false;
     k++
  :: else -> k++
  od;
#ifdef MUTANT_RECHECK_BEFORE_CONFIRMED
  if :: !unnoticed -> recheck_all(i) :: else fi;
#endif
  check_known()
}

inline vanish(i) {
  printf("  a push to %d is lost\n", t(i));
  if :: push[i] != 0 -> forget_grant(i); cut[i] = true :: else next[i] = false fi
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
  od;
  check_known()
}

// Time alone does this, therefore it happens sooner or later.
#define RECORD_ENDS(i) :: d_step { at[i] == DEAD && alive[i] -> alive[i] = false; skip }
#define GROWS_OLD(i) :: d_step { is_young[i] && !first[i] -> is_young[i] = false; skip }
active proctype Time() {
end_time:
  do
  :: d_step { holder != 0 && holder != STRANGER && (at[holder - 1] == END || at[holder - 1] == DEAD) ->
       holder = 0; skip }
  :: d_step { holder == STRANGER -> holder = 0; skip }
#if DEATH > 0
  RECORD_ENDS(0)
  RECORD_ENDS(1)
  RECORD_ENDS(2)
  RECORD_ENDS(N - 1)
#endif
#ifdef MUTANT_FIRST
  GROWS_OLD(0)
  GROWS_OLD(1)
  GROWS_OLD(2)
#endif
  od
}

// These may happen or not. Fairness makes them happen: a run without a fault belongs to the configuration without it.
#define whose (_pid - 2 * N - 1)
active [N] proctype Trouble() {
end_trouble:
  do
#if LOSS > 0 || DEATH > 0 || CANCEL > 0 && defined(NO_KILL)
  :: d_step { late[whose] != 0 -> run_late(whose); skip }
#endif
#if LOSS > 0
  :: d_step { losses > 0 && subbed[whose] && channel_waits(whose) -> losses--; break_channel(whose, false); skip }
#endif
#if DEAF > 0
  :: d_step { deaf > 0 && subbed[whose] && channel_waits(whose) -> deaf--; break_channel(whose, true); skip }
#endif
#if VANISH > 0
  :: d_step { vanishes > 0 && (push[whose] != 0 && !taken[whose] || next[whose]) -> vanishes--; vanish(whose); skip }
#endif
#if SILENT > 0
  :: d_step { silences > 0 && alive[whose] && channel_waits(whose) -> silences--; silence(whose); skip }
#endif
#if EARLY > 0
  :: d_step { earlies > 0 && holder == t(whose) && !believes[whose] && at[whose] < END ->
       earlies--; expire(whose); skip }
#endif
  :: false
  od
}

active proctype ServerTrouble() {
end_server:
  do
#if FOREIGN > 0
  :: d_step { strangers > 0 && holder == 0 -> strangers--; holder = STRANGER; skip }
#endif
#if FLUSH > 0
  :: d_step { flushes > 0 -> flushes--; flush(); skip }
#endif
#if BREAK > 0
  :: d_step { breaks > 0 && holder != 0 -> breaks--; force_release(); skip }
#endif
  :: false
  od
}
