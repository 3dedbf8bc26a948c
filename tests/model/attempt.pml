// One attempt with one token in hand_off.pml: each step that the client takes, with the rules for re-checks.

// Of two places of one client only the older needs rules 1, 2b and 4.
#ifdef PAIR
#define oldest(i) (CH(i) != 0 || !waits(1 - (i)) || arrival[1 - (i)] == 0 || arrival[i] < arrival[1 - (i)])
#else
#define oldest(i) true
#endif
#ifdef BACKSTOP
#define rule_4(i) oldest(i)
#else
#define rule_4(i) polls(i)
#endif
#ifdef MUTANT_NO_HEAD_RECHECK
#define rule_2(i) false
#else
#define rule_2(i) is_head[i]
#endif
#define asks(i) (rule_2(i) || deputy[i] && oldest(i) || due[i] || rule_4(i))

// For liveness a client subscribes again before it re-checks: fairness between processes does not make it do so.
#ifdef LIVENESS
#define may_ask(i) (subbed[CH(i)] || unaware[CH(i)] || polls(i))
#else
#define may_ask(i) true
#endif

#define me _pid
#ifdef PAIR
#define mortal (me > 1) // a process dies with all its waits
#else
#define mortal (!patient(me))
#endif

// Clients that are alike start in one order.
#if defined(PAIR)
#define my_turn (me != 1 || at[0] != NEW)
#elif defined(POLL)
#define my_turn (me == 0 || me == N - 1 || at[me - 1] != NEW)
#elif defined(PATIENT) || defined(MUTE)
#define my_turn (me <= 1 || at[me - 1] != NEW)
#else
#define my_turn (me == 0 || at[me - 1] != NEW)
#endif

active [N] proctype Client() {
  do
  // Tries first if the channel is not subscribed yet, otherwise queues at once.
  :: d_step { at[me] == NEW && my_turn -> send(me, TRY); skip }
  :: d_step { at[me] == NEW && my_turn ->
#ifndef MUTANT_SUBSCRIBE_AFTER
       subscribe(me);
#endif
       send(me, ASK); skip }
  // The server runs the request, or the client gets no reply.
  :: d_step { at[me] == SENT ->
       serve(me, op[me], arrival[me]);
       reply[me] = r;
       value[me] = v;
       flags[me] = f;
       at[me] = REPLIED;
       check() }
#if LOSS > 0
  :: d_step { (at[me] == SENT || at[me] == REPLIED) && losses > 0 ->
       losses--;
       abandon(me);
       at[me] = FAILED; skip }
  :: d_step { at[me] == FAILED && op[me] != EXTEND -> send(me, op[me]); skip }
  :: d_step { at[me] == FAILED && op[me] == EXTEND -> op[me] = 0; at[me] = HELD; skip }
  :: d_step { at[me] == FAILED && !patient(me) &&
              (op[me] == TRY || op[me] == RELEASE || (op[me] == ASK && arrival[me] == 0)) ->
       send(me, LEAVE); skip }
#endif
  // The reply arrives.
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
       :: reply[me] == OVER -> send(me, ASK)
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
#if RENEW > 0
  :: d_step { at[me] == REPLIED && op[me] == EXTEND ->
       if
       :: reply[me] == YES -> reply[me] = 0; op[me] = 0; at[me] = HELD
       :: else -> settle(me, END)
       fi; skip }
#endif
#ifdef MUTE
  :: d_step { at[me] == REPLIED && op[me] == SWITCH ->
       if
       :: reply[me] == MORE -> send(me, SWITCH)
       :: else -> change_to_poll()
       fi; skip }
#endif
  // Another thread of the client may read a push before this one knows of its place.
  :: d_step { waits(me) && at[me] != WAIT && push[me] != 0 && !taken[me] && arrival[me] == 0 ->
       printf("%d: another thread has read its push\n", t(me));
       taken[me] = true; skip }
  // Waiting: a grant, a `next`, the first re-check, another re-check. A `next` that arrives while a request is
  // under way is newer than the rank in the reply, and counts after it.
  :: d_step { at[me] == WAIT && push[me] != 0 -> take_push(me); skip }
#ifdef MUTANT_NEXT_BEFORE_REPLY
  :: d_step { waits(me) && push[me] == 0 && next[me] ->
#else
  :: d_step { at[me] == WAIT && push[me] == 0 && next[me] ->
#endif
       next[me] = false;
#ifndef MUTANT_NEXT_IGNORED
       is_head[me] = true;
#endif
       check_known(); skip }
  :: d_step { at[me] == WAIT && push[me] == 0 && first[me] && oldest(me) && may_ask(me) ->
       printf("%d: first re-check\n", t(me));
       first[me] = false; send(me, ASK); skip }
  :: d_step { at[me] == WAIT && push[me] == 0 && asks(me) && may_ask(me) -> send(me, ASK); skip }
  :: d_step { waits(me) && !subbed[CH(me)] && !unaware[CH(me)] && !polls(me) -> resubscribe(me); skip }
#if CANCEL > 0
  :: d_step { cancels > 0 && waits(me) && !patient(me) ->
       cancels--;
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
#if LOSS > 0
  // A release that surely never reached the server: the lease still counts.
  :: d_step { at[me] == SENT && op[me] == RELEASE && value[me] == UNTOUCHED && losses > 0 ->
       losses--;
       believe_again(me); skip }
#endif
#if RENEW > 0
  :: d_step { at[me] == HELD && renewals > 0 -> renewals--; send(me, EXTEND); skip }
#endif
  :: d_step { at[me] == HELD -> settle(me, END); skip }
#if DEATH > 0
  // Killed: its connections close, or stay half-open until its record ends.
  :: d_step { deaths > 0 && mortal && at[me] != NEW && at[me] != END && at[me] != DEAD ->
       deaths--;
       abandon(me);
       settle(me, DEAD);
       subbed[CH(me)] = false;
       alive[CH(me)] = false; skip }
  :: d_step { deaths > 0 && mortal && waits(me) ->
       deaths--;
       abandon(me);
       settle(me, DEAD); skip }
#endif
  :: at[me] == END || at[me] == DEAD -> break
  od
}
