// The client of hand_off.pml (cxx/lock and cxx/client): how it sends a request and gives one up, what it learns
// from a reply and a push, and how it ends. attempt.pml says when.

inline forget_grant(i) {
  push[i] = 0;
  taken[i] = false;
  expired[i] = false
}

inline forget_place(i) {
  arrival[i] = 0;
  next[i] = false;
  is_head[i] = false;
  deputy[i] = false;
  due[i] = false;
  first[i] = false
}

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
  if
  :: what == ASK ->
     // The reply says which timers to set. The first re-check stays: the server counts on it.
     due[i] = false;
     is_head[i] = false;
     deputy[i] = false
#ifdef MUTANT_FIRST_CANCELLED
     ; if :: arrival[i] != 0 -> first[i] = false :: else fi
#endif
  :: what == SWITCH -> forget_grant(i)
  :: else -> forget_grant(i); forget_place(i)
  fi;
  if :: what != ASK && what != LEAVE && what != SWITCH -> came[i] = 0; cut[i] = false :: else fi;
  if :: what == LEAVE || what == RELEASE -> believes[i] = false :: else fi;
  reply[i] = 0;
  value[i] = 0;
  flags[i] = 0;
  printf("%d: sends %d\n", t(i), what);
  op[i] = what;
  at[i] = SENT
}

// The connection is given up; the server may have the request unread. Another place of the client cannot
// know what the request found.
inline abandon(i) {
  printf("%d: gets no reply (%d)\n", t(i), at[i]);
  if
  :: at[i] == SENT && late[i] == 0 ->
     late[i] = op[i];
     late_arrival[i] = (op[i] == ASK -> arrival[i] : 0)
  :: else
  fi;
#if defined(PAIR) && !defined(MUTANT_NO_REPLY_IS_KNOWN)
  if
  :: CH(i) == 0 && op[i] == ASK && waits(1 - (i)) && at[i] != WAIT && at[i] != FAILED -> unsure[0] = true
  :: else
  fi;
#endif
  reply[i] = 0;
  value[i] = 0;
  flags[i] = 0
}

inline settle(i, how) {
  printf("%d: is done (%d)\n", t(i), how);
  believes[i] = false;
  excused[i] = false;
  forget_grant(i);
  forget_place(i);
  reply[i] = 0;
  value[i] = 0;
  flags[i] = 0;
  came[i] = 0;
  cut[i] = false;
  op[i] = 0;
  at[i] = how;
  forget_channel(CH(i))
}

// A client without a place beats no more. Its subscription and its record no longer matter; one value for them
// saves states.
inline forget_channel(c) {
  if
  :: !channel_waits(c) ->
     unsure[c] = false;
     unaware[c] = false;
     beat[c] = 0;
     subbed[c] = !polls(c);
     alive[c] = true
  :: else
  fi
}

inline hold(i, by) {
  printf("%d: believes it holds, fence %d\n", t(i), by);
  check_belief(i, by);
  forget_grant(i);
  forget_place(i);
  reply[i] = 0;
  value[i] = 0;
  flags[i] = 0;
  came[i] = 0;
  cut[i] = false;
  op[i] = 0;
  believes[i] = true;
  at[i] = HELD;
  forget_channel(CH(i))
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
  ended[i] = true;
  check()
}

// All places of a channel re-check at once (rule 3, and after a loss).
inline recheck_all(c) {
  k = 0;
  do
  :: k == N -> break
  :: CH(k) == (c) && k < N -> if :: waits(k) -> due[k] = true :: else fi; k++
  :: else -> k++
  od
}

inline subscribe(i) {
#ifdef MUTE
  if :: (i) == 0 -> unaware[0] = true :: else -> subbed[CH(i)] = true fi
#else
  if :: !polls(i) -> subbed[CH(i)] = true :: else fi
#endif
}

// After a new subscription, which the server has confirmed, all places of the channel re-check.
inline resubscribe(i) {
  printf("%d: subscribes again\n", t(i));
  subscribe(i);
#ifndef MUTANT_RECHECK_BEFORE_CONFIRMED
  recheck_all(CH(i));
#endif
  check_known()
}

// The reply to ASK was "queued".
inline answered(i) {
#ifdef PAIR
  // known = 0, joined = 1 for a re-check, or a request without a reply: the other place may be lost.
  if
  :: CH(i) == 0 && waits(1 - (i)) && (
#ifndef MUTANT_KNOWN_IGNORED
       (flags[i] & UNKNOWN) || unsure[0] ||
#endif
       reply[i] == JOINED && arrival[i] != 0) -> due[1 - (i)] = true
  :: else
  fi;
#endif
  // This request may have been sent before the one without a reply, and knows nothing of it.
  if :: unsure[CH(i)] -> due[i] = true; unsure[CH(i)] = false :: else fi;
  arrival[i] = value[i];
  is_head[i] = ((flags[i] & AT_HEAD) != 0);
  deputy[i] = ((flags[i] & DEPUTY) != 0);
  if :: flags[i] & AGAIN -> due[i] = true :: else fi;
#ifdef MUTANT_NO_FIRST
  first[i] = false;
#endif
#ifdef MUTANT_SUBSCRIBE_AFTER
  subscribe(i);
#endif
#ifndef MUTANT_OUTDATED_PUSH
  if :: push[i] <= arrival[i] && taken[i] -> forget_grant(i) :: else fi;
#endif
  at[i] = WAIT;
  if
  :: flags[i] & UNSEEN -> heard_unseen(i)
  :: else
  fi;
  if :: at[i] == WAIT -> reply[i] = 0; value[i] = 0; flags[i] = 0 :: else fi;
  check_known()
}

// A join said seen = 0: subscribe again. If it says so after that, pub/sub does not reach scripts: poll.
inline heard_unseen(i) {
#ifndef MUTANT_SEEN_IGNORED
  unaware[CH(i)] = false;
#endif
#ifdef MUTE
  if
  :: (i) == 0 && kind == WAKES -> kind = DOUBTS
  :: (i) == 0 && kind == DOUBTS ->
#ifdef MUTANT_OLD_MEMBER_STAYS
     old_member = place[0];
     place[0] = 0;
     change_to_poll()
#else
     send(0, SWITCH)
#endif
  :: else
  fi
#else
  skip
#endif
}

// The old member has left; the new channel has no record yet.
inline change_to_poll() {
  printf("1: changes to kind poll\n");
  kind = POLLS;
  alive[0] = false;
  subbed[0] = false;
  unaware[0] = false;
  beat[0] = 0;
  send(0, ASK)
}

inline take_push(i) {
  if
#ifdef MUTANT_TRUST
  :: true -> hold(i, push[i])
#endif
  :: !expired[i] && (taken[i] || push[i] > arrival[i]) -> hold(i, push[i])
  :: else -> forget_grant(i); send(i, ASK)
  fi
}
