// The exclusive lock of wire protocol 1: one lock name, N waiters, for SPIN. This file holds the switches and
// the state, and includes the rest. README.md says what the model leaves out;
// ../scripts/model_test.sh runs it.
//
// Each script is one indivisible step of the server. A request and its reply are two steps of the client
// (SENT, REPLIED), and anything may happen between them. No step takes a known time: a timer may fire at any
// moment after it was set, and a lease ends at the server only after its holder stopped believing in it.

// N waiters; the other numbers say how often a fault may happen.
#ifndef N
#define N 3
#endif
#ifndef LOSS      // a reply is lost, a request is abandoned, or a subscription breaks with its messages
#define LOSS 0
#endif
#ifndef BEAT_LOSS // only the reply to a beat is lost
#define BEAT_LOSS 0
#endif
#ifndef DEATH     // a process is killed
#define DEATH 0
#endif
#ifndef SILENT    // a client stalls until its record ends
#define SILENT 0
#endif
#ifndef DEAF      // the server drops a subscription and the client does not notice
#define DEAF 0
#endif
#ifndef VANISH    // one push is lost although the subscription stays
#define VANISH 0
#endif
#ifndef EARLY     // a lease ends before its waiter hears of the grant
#define EARLY 0
#endif
#ifndef FLUSH     // the server loses its data
#define FLUSH 0
#endif
#ifndef BREAK     // an operator calls force_release
#define BREAK 0
#endif
#ifndef FOREIGN   // a plain SET NX PX takes the free key
#define FOREIGN 0
#endif
#ifndef RENEW     // a holder renews
#define RENEW 0
#endif
#ifndef CANCEL    // a wait is cancelled or times out
#define CANCEL 0
#endif
// The protocol's constants, made small: 100 members in one call, deputies of rank 1 to 3, 3 dead heads.
#ifndef DROP
#define DROP 1
#endif
#ifdef MUTANT_NO_DEPUTIES
#undef DEPUTIES
#endif
#ifndef DEPUTIES
#define DEPUTIES 0
#endif
#ifndef HEADS
#define HEADS 3
#endif
// Further switches:
//   BACKSTOP  rule 4: a place may re-check at any time
//   PAIR      tokens 1 and 2 belong to one client: one channel, one record
//   POLL      the last token belongs to a client of kind `poll`
//   MUTE      the server never sees the subscription of token 1, which therefore changes to kind `poll`
//   NO_KILL   the server refuses CLIENT KILL: an abandoned request may run at any later time
//   PATIENT   token 1 neither dies nor gives up (for liveness)
//   MUTANT_*  the errors that SPIN must find

#define t(i) ((i) + 1)
#ifdef PAIR
#define CH(i) ((i) == 1 -> 0 : (i))
#else
#define CH(i) (i)
#endif
#if defined(POLL)
#define polls(i) ((i) == N - 1)
#elif defined(MUTE)
#define polls(i) ((i) == 0 && kind == POLLS)
#else
#define polls(i) false
#endif
#ifdef PATIENT
#define patient(i) ((i) == 0)
#else
#define patient(i) false
#endif

// The state of a client. A request goes SENT -> REPLIED, or FAILED if no reply came.
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
#define ASK 2     // join or re-check
#define LEAVE 3
#define RELEASE 4
#define EXTEND 5
#define SWITCH 6  // leave with the old member, to join again as a poller
// Replies.
#define GRANTED 1
#define OVER 2    // granted, but the lease had ended when the reply arrived
#define REFUSED 3 // held, and the caller does not wait
#define QUEUED 4
#define JOINED 5  // queued by this request
#define YES 6
#define NO 7
#define MORE 8    // yes or no, and the client calls again
// What a queued reply or the reply to a beat also says.
#define HEARD 1      // there is a reply
#define AT_HEAD 2    // rank 0
#define DEPUTY 4     // rank 1 to DEPUTIES
#define AGAIN 8      // ms = -2
#define UNKNOWN 16   // known = 0
#define UNSEEN 32    // seen = 0
// The kind of token 1's channel under MUTE.
#define WAKES 0
#define DOUBTS 1     // one join said seen = 0
#define POLLS 2

#define STRANGER (N + 1)
#define UNTOUCHED 1  // value of a release of which no request has reached the server

// The server. Tokens are 1..N.
byte holder;
byte place[N];    // arrival number in the queue, 0 without a place
byte counter;     // the fence counter
byte clock;       // server time; it rises with every number drawn
bool alive[N];    // the record of a channel stands
bool subbed[N];   // the server sees a subscriber of a channel

// The client.
byte at[N];
byte op[N];
byte reply[N], value[N], flags[N]; // value: fence or arrival
byte arrival[N];       // as the client knows it
byte push[N];          // fence of a grant that was pushed
bool taken[N];         // another thread of the client has read that push
bool expired[N];       // that lease has ended; the times in the push say so
bool next[N];          // a `next` is on its way
bool is_head[N];       // rule 2: the client knows rank 0
bool deputy[N];        // rule 2b
bool due[N];           // rule 3: re-check at once
bool first[N];         // rule 1 is to come; until then the server sees a place younger than 2 s
bool unaware[N];       // the client believes in a subscription that the server does not see
bool unsure[N];        // a request of this channel had no reply
byte beat[N];          // the reply to a beat that is on its way
#if defined(MUTANT_NO_FIRST) || defined(MUTANT_FIRST_CANCELLED)
#define MUTANT_FIRST
bool is_young[N];      // what the server sees, if the client's timer is wrong
#endif
byte kind;              // of token 1's channel
#ifdef MUTANT_OLD_MEMBER_STAYS
byte old_member;       // arrival number of the member that token 1 left behind
#endif
byte late[N];          // an abandoned request that the server may still read
byte late_arrival[N];

// What can still go wrong.
byte losses = LOSS, beat_losses = BEAT_LOSS, deaths = DEATH, silences = SILENT, deaf = DEAF,
     vanishes = VANISH, earlies = EARLY, flushes = FLUSH, breaks = BREAK, strangers = FOREIGN,
     renewals = RENEW, cancels = CANCEL;

// attempt.pml, beat.pml and faults.pml have the processes, which know their place in the arrays by their number.
#include "properties.pml"
#include "queue.pml"
#include "server.pml"
#include "client.pml"
#include "attempt.pml"
#include "beat.pml"
#include "faults.pml"
