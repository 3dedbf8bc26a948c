// The beat of hand_off.pml: it keeps the record of a client that waits, and reports what the server lost.
// A beat that finds the record and sees the subscription changes nothing, and is left out.

#ifdef MUTANT_SEEN_IGNORED
#define unseen(c) false
#else
#define unseen(c) (unaware[c] && !polls(c))
#endif
#ifdef MUTANT_NO_BEAT
#define beats(c) false
#else
#define beats(c) (CH(c) == (c) && has_place(c) && beat[c] == 0 && (!alive[c] || unsure[c] || unseen(c)))
#endif
#ifdef PAIR
#define has_place(c) (waits(c) && arrival[c] != 0 || (c) == 0 && waits(1) && arrival[1] != 0)
#else
#define has_place(c) (waits(c) && arrival[c] != 0)
#endif

inline hear_beat(c) {
  printf("channel %d: hears the beat, flags %d\n", t(c), beat[c]);
  if
#ifndef MUTANT_KNOWN_IGNORED
  :: (beat[c] & UNKNOWN) || unsure[c] -> recheck_all(c)
#endif
  :: else
  fi;
#ifndef MUTANT_SEEN_IGNORED
  if :: beat[c] & UNSEEN -> unaware[c] = false :: else fi;
#endif
  unsure[c] = false;
  beat[c] = 0;
  check_known()
}

#ifdef MUTANT_NO_REPLY_IS_KNOWN
#define lose_beat(c) beat[c] = 0
#else
#define lose_beat(c) beat[c] = 0; unsure[c] = true
#endif

// The processes of the clients come first.
#define channel (_pid - N)

active [N] proctype Beat() {
end_beat:
  do
  :: d_step { beats(channel) -> serve_beat(channel); beat[channel] = f; check_known(); skip }
  :: d_step { beat[channel] != 0 -> hear_beat(channel); skip }
  :: d_step { beat[channel] != 0 && losses > 0 -> losses--; lose_beat(channel); check_known(); skip }
  :: d_step { beat[channel] != 0 && beat_losses > 0 -> beat_losses--; lose_beat(channel); check_known(); skip }
  od
}
