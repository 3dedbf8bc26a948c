/*
 * redilock.h - a distributed lock kept in Redis. The C ABI.
 *
 * Conventions, true for every function unless its comment says otherwise:
 *
 *  1. A function that can fail returns an int32_t status: REDILOCK_OK (0) or one of the negative
 *     REDILOCK_E_ codes. Codes never change and are never reused. Later versions may add statuses,
 *     kinds of completions and states of a lock: a caller treats a negative status that it does not
 *     know as a failure, skips a completion of a kind that it does not know, and counts a state
 *     that it does not know as held.
 *  2. Types are opaque. What a function gives through an `out` parameter is owned by the caller and
 *     is freed with the type's own _free function; a returned `const char *` is borrowed and lives
 *     as long as the object it was asked of. On failure `*out` is set to NULL.
 *  3. Strings that may hold any byte (lock names, tokens) are a pointer and a length, and the
 *     pointers given back are NUL-terminated too. All other strings are NUL-terminated UTF-8.
 *  4. Text that is copied out goes into the caller's buffer, always NUL-terminated when size > 0.
 *     The length it needs, without the NUL, is returned: size 0 with a NULL buffer asks for it.
 *  5. Times are int64_t milliseconds, and the name says so (ttl_ms). In option strings a duration
 *     has a unit: "500ms", "30s", "5m", "1h", "7d"; only "0" needs none.
 *  6. NULL for a required pointer is REDILOCK_E_INVALID (or 0, or NULL, for a function that returns
 *     a value); every _free function takes NULL and does nothing.
 *  7. Any thread may use any object at any time. An object is freed once, and no call begins on it
 *     after that; a client may be freed while calls run on it. An operation and a list run one
 *     request at a time: a second call says REDILOCK_E_INVALID. A set of options is used by one
 *     thread at a time.
 *  8. After fork(), no call on the parent's objects does I/O in the child: those that would ask the
 *     server say REDILOCK_E_FORKED, and no lock counts as held. The child may free them, which
 *     changes nothing on the server, and make a client of its own.
 *  9. The library writes to no stream, installs no signal handler, raises no SIGPIPE and never ends
 *     the process. Every descriptor it opens is close-on-exec.
 * 10. A call needs 32 KiB of stack. pthread_cancel takes effect after the call; to end a call, use
 *     redilock_op_cancel or redilock_client_close.
 *
 * A lock is a lease: it ends by itself ttl milliseconds after it was granted or last extended,
 * whatever became of its holder. The wire protocol is described in redilock-protocol(7).
 */
#ifndef REDILOCK_REDILOCK_H
#define REDILOCK_REDILOCK_H

#include <stddef.h>
#include <stdint.h>

/* A parser that knows no attributes may define both as nothing. */
#ifndef REDILOCK_API
#if defined(__GNUC__)
#define REDILOCK_API __attribute__((visibility("default")))
#else
#define REDILOCK_API
#endif
#endif
#ifndef REDILOCK_CHECK
#if defined(__GNUC__)
#define REDILOCK_CHECK __attribute__((warn_unused_result))
#else
#define REDILOCK_CHECK
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- version and status */

#define REDILOCK_VERSION_MAJOR 0
#define REDILOCK_VERSION_MINOR 2
#define REDILOCK_VERSION_PATCH 0
/** As redilock_version_number and redilock_version give it, of the header. */
#define REDILOCK_VERSION_NUMBER \
  (REDILOCK_VERSION_MAJOR * 10000 + REDILOCK_VERSION_MINOR * 100 + REDILOCK_VERSION_PATCH)
#define REDILOCK_VERSION_STRING "0.2.0"

/** Longest lock name, prefix included, in bytes. */
#define REDILOCK_NAME_MAX 1024
/** Longest lease, 365 days in milliseconds. */
#define REDILOCK_TTL_MAX INT64_C(31536000000)
/** As wait_ms: wait for ever. Any negative value and any above REDILOCK_TTL_MAX mean the same. */
#define REDILOCK_WAIT_FOREVER (-1)

/** Status codes. The values are part of the ABI. */
enum redilock_status {
  REDILOCK_OK = 0,
  REDILOCK_E_HELD = -1,        /**< somebody else holds the lock; normal for a try */
  REDILOCK_E_TIMEOUT = -2,     /**< the wait ended before the lock was granted */
  REDILOCK_E_CANCELLED = -3,   /**< redilock_op_cancel or _list_cancel ended the call */
  REDILOCK_E_INTERRUPTED = -4, /**< a signal came, and `interruptible` asked for this */
  REDILOCK_E_LOST = -5,      /**< the lock was held, and is no more: it expired or was taken away */
  REDILOCK_E_NOT_OWNER = -6, /**< the token does not hold the lock; nothing was changed */
  REDILOCK_E_UNKNOWN = -7,   /**< the server may or may not have done it; see the message */
  REDILOCK_E_UNAVAILABLE = -8, /**< the server could not be reached or did not answer in time */
  REDILOCK_E_AUTH = -9,        /**< the server wants other credentials or permissions */
  REDILOCK_E_SERVER = -10,     /**< the server answered with an error; the message has its words */
  REDILOCK_E_PROTOCOL = -11,   /**< the peer does not speak the protocol */
  REDILOCK_E_INVALID = -12,    /**< an argument or option is wrong; the message names it */
  REDILOCK_E_NO_MEMORY = -13,  /**< out of memory; nothing was changed unless the message says so */
  REDILOCK_E_FORKED = -14,     /**< the object belongs to the parent process */
  REDILOCK_E_CLOSED = -15,     /**< the client was closed or freed */
  REDILOCK_E_UNSUPPORTED = -16, /**< this build or server cannot do it (TLS, clusters) */
  REDILOCK_E_INTERNAL = -17     /**< a bug in redilock; please report it */
};

/** The version of the library that runs, such as "0.2.0". Static, never NULL. Since 0.1. */
REDILOCK_API const char *redilock_version(void);

/** The version as major * 10000 + minor * 100 + patch. Since 0.1. */
REDILOCK_API int32_t redilock_version_number(void);

/** One English sentence for a status, for any number. Static, never NULL. Since 0.1. */
REDILOCK_API const char *redilock_strerror(int32_t status);

/**
 * A status' constant as text, such as "REDILOCK_E_HELD"; "REDILOCK_E_?" for a number that is none.
 * Since 0.1.
 */
REDILOCK_API const char *redilock_status_name(int32_t status);

/**
 * The value of any constant of this header by its name, for languages that cannot read it:
 * `redilock_constant("REDILOCK_E_HELD", &v)`.
 *
 * @return REDILOCK_OK, or REDILOCK_E_INVALID for a name that is none
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_constant(const char *name, int64_t *out);

/**
 * Whether this build of the library can do something: 1 for "unix" (sockets), "async",
 * "statistics" and "log"; 0 for "tls", "sentinel" and "cluster", which redilock_new refuses with
 * REDILOCK_E_UNSUPPORTED, and for a name that it does not know. A later build may answer 1 to more
 * names. Since 0.2.
 */
REDILOCK_API int32_t redilock_has(const char *feature);

/** How many names redilock_has knows. They are numbered from 0. Since 0.2. */
REDILOCK_API size_t redilock_feature_count(void);

/** A name that redilock_has knows, or NULL past the last. Static. Since 0.2. */
REDILOCK_API const char *redilock_feature_name(size_t index);

/* ---------------------------------------------------------------- options */

/** Settings for a new client: a set of option names and values, all optional. */
typedef struct redilock_options redilock_options_t;
/** A connection to one Redis server and what is shared by the locks taken over it. */
typedef struct redilock_client redilock_client_t;
/** One request: its options, the way to cancel it, and the details of how it ended. */
typedef struct redilock_op redilock_op_t;
/** A lock that was granted. */
typedef struct redilock_lock redilock_lock_t;
/** What was known of one lock name at one moment. */
typedef struct redilock_info redilock_info_t;
/** The lock names in use on a server, while they are being read. */
typedef struct redilock_list redilock_list_t;

/**
 * Makes an empty set of options.
 *
 * @param out the new set, owned by the caller
 * @return REDILOCK_OK, REDILOCK_E_INVALID (out is NULL), REDILOCK_E_NO_MEMORY
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_options_new(redilock_options_t **out);

/**
 * Sets one option of a client, or a default for its operations.
 *
 * @param name  an option as redilock_option_name lists them, such as "timeout" or "password"
 * @param value its value as text, such as "5s"; copied
 * @param error NULL, or a buffer for the reason of a failure; it names the option and never shows a
 *              password
 * @return REDILOCK_OK, REDILOCK_E_INVALID (no such option, or not a value for it),
 *         REDILOCK_E_NO_MEMORY. After a failure redilock_new refuses this set of options with the
 *         same status and message.
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_options_set(redilock_options_t *options, const char *name,
                                          const char *value, char *error, size_t error_size);

/** The same for a value of `value_len` bytes. Since 0.2. */
REDILOCK_API int32_t redilock_options_set_bytes(redilock_options_t *options, const char *name,
                                                const char *value, size_t value_len, char *error,
                                                size_t error_size);

/** The same for a number; durations are in milliseconds. Since 0.2. */
REDILOCK_API int32_t redilock_options_set_int(redilock_options_t *options, const char *name,
                                              int64_t value, char *error, size_t error_size);

/** Frees a set of options. Clients made with it are not touched. Since 0.1. */
REDILOCK_API void redilock_options_free(redilock_options_t *options);

/** How many options there are. They are numbered from 0. Since 0.1. */
REDILOCK_API size_t redilock_option_count(void);

/** The name of an option, or NULL past the last. Static. Since 0.1. */
REDILOCK_API const char *redilock_option_name(size_t index);

/**
 * The type of an option: "duration", "integer", "boolean", "text" or "bytes"; NULL past the last.
 * Static. Since 0.1.
 */
REDILOCK_API const char *redilock_option_type(size_t index);

/** The default of an option as text, "" for none; NULL past the last. Static. Since 0.1. */
REDILOCK_API const char *redilock_option_default(size_t index);

/**
 * Where an option may be set: "client", "operation" or "both"; NULL past the last. Static.
 * Since 0.1.
 */
REDILOCK_API const char *redilock_option_scope(size_t index);

/**
 * Which calls of an operation read an option, such as "acquire, extend"; "" for an option of a
 * client; NULL past the last. Static. Since 0.2.
 */
REDILOCK_API const char *redilock_option_calls(size_t index);

/** What an option does, in a sentence or two; NULL past the last. Static. Since 0.1. */
REDILOCK_API const char *redilock_option_doc(size_t index);

/* ---------------------------------------------------------------- client */

/**
 * Makes a client. Does no I/O: the server is first asked by the first operation.
 *
 * @param url     "redis://[user[:password]@]host[:port][/db][?option=value&...]", the same with
 *                valkey://, or "unix:///path/to.sock?db=N"; NULL takes the environment's
 *                REDILOCK_URL, or else "redis://127.0.0.1:6379/0"
 * @param options NULL, or settings, copied; what the url says takes precedence
 * @param out     the new client, owned by the caller
 * @param error   NULL, or a buffer for the reason of a failure; it names the wrong part and never
 *                shows a password
 * @return REDILOCK_OK,
 *         REDILOCK_E_INVALID      the url or an option in it is wrong, or out is NULL
 *         REDILOCK_E_UNSUPPORTED  rediss://, a sentinel, a cluster or several servers
 *         REDILOCK_E_NO_MEMORY
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_new(const char *url, const redilock_options_t *options,
                                                 redilock_client_t **out, char *error,
                                                 size_t error_size);

/**
 * Closes a client without freeing it, so that all its work ends.
 *
 *  - Every call that runs on the client, its operations, lists and locks ends with
 *    REDILOCK_E_CLOSED within milliseconds, unless it ends otherwise just then. Later calls say
 *    REDILOCK_E_CLOSED at once.
 *  - Waiters leave the queue. The client releases a grant that still arrives or was not taken.
 *  - Every submitted request gets its completion: REDILOCK_E_CLOSED, or the outcome that the server
 *    reports within 100 ms. The descriptor stays readable, and redilock_client_next says
 *    REDILOCK_E_CLOSED after the last completion.
 *  - Renewal ends. Locks still held are not released: their leases run out. A release that is under
 *    way or comes later says REDILOCK_E_CLOSED, and the client releases the lock in the background,
 *    until it is freed.
 *
 * Any thread may call it, more than once. Never blocks. Since 0.2.
 */
REDILOCK_API void redilock_client_close(redilock_client_t *client);

/**
 * Closes a client as redilock_client_close does, waits until no call runs on it, closes its
 * connections and ends its thread. Its operations, locks and lists may be freed before or after it;
 * any call on them that would ask the server says REDILOCK_E_CLOSED then.
 *
 * Blocks until the calls have ended (milliseconds), and for at most 100 ms more until the server
 * has the last requests. Completions that were not taken are dropped. Since 0.1.
 */
REDILOCK_API void redilock_free(redilock_client_t *client);

/* ---------------------------------------------------------------- the short form */

/**
 * Acquires the lock of a name.
 *
 * Blocks until the lock is granted or the wait ends. Waiters are granted in the order in which they
 * arrived at the server. Other settings are the client's; for more, use an operation.
 * @param name    1 .. REDILOCK_NAME_MAX bytes, any bytes; not starting with "redilock:"
 * @param ttl_ms  the lease, 1 .. REDILOCK_TTL_MAX milliseconds; a safety margin of 1 % and 2 ms of
 *                it is kept back (leases of a few milliseconds are never held)
 * @param wait_ms 0 tries once, n > 0 waits up to n milliseconds, negative waits for ever
 * @param out     the lock, owned by the caller
 * @param error   NULL, or a buffer for a sentence on a failure: the lock, who holds it, for how
 *                long and how many are ahead in the queue, as last seen; or the server and the
 *                cause. It never shows a password or a whole token
 * @return REDILOCK_OK,
 *         REDILOCK_E_HELD         wait_ms is 0 and somebody holds it, or waits for it
 *         REDILOCK_E_TIMEOUT      it was not granted in wait_ms
 *         REDILOCK_E_INTERRUPTED  a signal came, and the client is `interruptible`
 *         REDILOCK_E_LOST         every lease had run out when the slow server's answer arrived
 *         REDILOCK_E_UNKNOWN      it may stand on the server for up to ttl_ms, held by nobody
 *         REDILOCK_E_UNAVAILABLE, _AUTH, _SERVER, _PROTOCOL: the server could not be asked
 *         REDILOCK_E_INVALID, _NO_MEMORY, _FORKED, _CLOSED
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_acquire(redilock_client_t *client, const char *name,
                                                     size_t name_len, int64_t ttl_ms,
                                                     int64_t wait_ms, redilock_lock_t **out,
                                                     char *error, size_t error_size);

/**
 * Releases a lock and hands it to the next waiter. The handle stays, and is freed by the caller.
 *
 * Blocks for at most the client's `timeout`. Renewal stops first.
 * @return REDILOCK_OK,
 *         REDILOCK_E_LOST         it had expired or was taken away before; nothing was changed
 *         REDILOCK_E_NOT_OWNER    it was released before by this handle
 *         REDILOCK_E_UNKNOWN      the server did not answer; at the latest the lease runs out
 *         REDILOCK_E_UNAVAILABLE  the server could not be reached; the lease runs out
 *         REDILOCK_E_AUTH, _SERVER, _PROTOCOL, _INVALID, _NO_MEMORY, _FORKED, _CLOSED
 * Thread safety: any thread, also another than the one that acquired. Since 0.1.
 */
REDILOCK_API int32_t redilock_release(redilock_lock_t *lock);

/**
 * Extends a held lock to last at least ttl_ms from now; it is never shortened and its fence stays.
 *
 * Blocks for at most the client's `timeout`.
 * @param ttl_ms the new lease, 1 .. REDILOCK_TTL_MAX milliseconds
 * @return REDILOCK_OK,
 *         REDILOCK_E_LOST         it expired or was taken; the handle can only be freed now
 *         REDILOCK_E_NOT_OWNER    it was released before by this handle
 *         REDILOCK_E_UNAVAILABLE  the server could not be asked; the old lease still counts
 *         REDILOCK_E_UNKNOWN      the server may have extended it; the old lease still counts
 *         REDILOCK_E_AUTH, _SERVER, _PROTOCOL, _INVALID, _NO_MEMORY, _FORKED, _CLOSED
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_extend(redilock_lock_t *lock, int64_t ttl_ms);

/**
 * Releases, from any process or host, the lock of a name by the token from redilock_lock_token.
 *
 * Blocks for at most the client's `timeout`.
 * @param error NULL, or a buffer for a sentence on a failure
 * @return REDILOCK_OK,
 *         REDILOCK_E_NOT_OWNER  the token does not hold the lock (any more); nothing was changed
 *         REDILOCK_E_UNKNOWN    it may have been released or not: call again
 *         REDILOCK_E_UNAVAILABLE, _AUTH, _SERVER, _PROTOCOL, _INVALID, _NO_MEMORY, _FORKED, _CLOSED
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_release_token(redilock_client_t *client, const char *name,
                                            size_t name_len, const char *token, size_t token_len,
                                            char *error, size_t error_size);

/* ---------------------------------------------------------------- operations */

/**
 * Makes an operation: one request at a time with options of its own. It may be used again.
 *
 * @param out the operation, owned by the caller
 * @return REDILOCK_OK, REDILOCK_E_INVALID, REDILOCK_E_NO_MEMORY, REDILOCK_E_FORKED, _CLOSED
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_new(redilock_client_t *client, redilock_op_t **out);

/**
 * Frees an operation on which no call runs. A request of it that is under way is given up, as
 * "asynchronous operations" below says. Never blocks. Since 0.1.
 */
REDILOCK_API void redilock_op_free(redilock_op_t *op);

/**
 * Sets an option of an operation by its text: "name", "ttl", "wait", "renew", "max_hold", "label",
 * "fence", "token", "interruptible", and what redilock_option_scope calls "operation" or "both".
 * "wait" also takes "forever".
 *
 * After a failure every later call and submission of the operation returns the same status and
 * message, until redilock_op_reset. A success changes neither the status nor the message of the
 * last call. A call refuses an option that was set since the last call and that it does not read
 * (redilock_option_calls).
 * @return REDILOCK_OK, REDILOCK_E_INVALID (redilock_op_message has the reason; or a call runs),
 *         REDILOCK_E_NO_MEMORY
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_op_set(redilock_op_t *op, const char *name, const char *value);

/** As redilock_op_set for values that may hold any byte, such as "name" and "token". Since 0.1. */
REDILOCK_API int32_t redilock_op_set_bytes(redilock_op_t *op, const char *name, const char *value,
                                           size_t value_len);

/**
 * As redilock_op_set for numbers: durations in milliseconds ("ttl", "wait" with negative for ever,
 * "max_hold"), integers, and booleans as 0 or 1.
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_op_set_int(redilock_op_t *op, const char *name, int64_t value);

/**
 * Acquires as redilock_acquire does, with the options of the operation; also REDILOCK_E_CANCELLED.
 * That may be said while a request under way is still being undone behind the caller: for a moment
 * the lock may stand on the server, held by nobody, and is then handed on.
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_acquire(redilock_op_t *op, redilock_lock_t **out);

/**
 * Makes a handle of a lock that is held by the operation's "token", and extends it by "ttl": so a
 * program passes its lock to another process, which then renews ("renew", "max_hold"), watches and
 * releases it. The handle that the lock was granted to should be freed, not released. The fence of
 * the new handle is 0: pass it along with the token.
 *
 * @param out the lock, owned by the caller
 * @return REDILOCK_OK, REDILOCK_E_NOT_OWNER (the token does not hold the lock), REDILOCK_E_LOST
 *         (the lease had ended when the answer came), and what redilock_extend says
 * Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_attach(redilock_op_t *op, redilock_lock_t **out);

/**
 * Releases `lock` as redilock_release does; with lock NULL, as redilock_release_token with the
 * operation's "name" and "token". Also REDILOCK_E_CANCELLED and, where it is "interruptible",
 * REDILOCK_E_INTERRUPTED: it may have been released or not. Since 0.1.
 */
REDILOCK_API int32_t redilock_op_release(redilock_op_t *op, redilock_lock_t *lock);

/**
 * Extends `lock` by the operation's "ttl" as redilock_extend does; with lock NULL, the lock of the
 * operation's "name" and "token", where REDILOCK_E_NOT_OWNER says that the token does not hold it.
 * Also REDILOCK_E_CANCELLED and _INTERRUPTED: it may have been extended or not. Since 0.1.
 */
REDILOCK_API int32_t redilock_op_extend(redilock_op_t *op, redilock_lock_t *lock);

/**
 * Takes the lock of the operation's "name" away from its holder, redilock's or foreign, and hands
 * it to the next waiter. The former holder learns this at its next extension or renewal; until then
 * it still believes that it holds the lock, so fence your writes.
 *
 * @return REDILOCK_OK, REDILOCK_E_NOT_OWNER (nobody held it), what redilock_release_token says, and
 *         REDILOCK_E_CANCELLED and _INTERRUPTED, where it may have been broken or not
 * Since 0.1.
 */
REDILOCK_API int32_t redilock_op_break(redilock_op_t *op);

/**
 * Looks up the lock of the operation's "name". Changes nothing.
 *
 * @param out what was found, owned by the caller, also of a lock that nobody holds
 * @return REDILOCK_OK, REDILOCK_E_CANCELLED, and what redilock_release_token says of servers
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_info(redilock_op_t *op, redilock_info_t **out);

/**
 * Checks that the server can be used: for the start of a program and for health probes. It makes a
 * new connection, authenticates, checks the version, and runs every command that redilock uses, in
 * a way that changes nothing, with the keys of the operation's "name" (or of "redilock-check") and
 * the client's `prefix`. The lock is neither acquired nor released.
 *
 * Blocks for at most the client's `timeout`.
 * @return REDILOCK_OK             redilock_op_message then copies the server's address and version,
 *                                 such as "10.0.0.5:6379: Redis 7.0.15"
 *         REDILOCK_E_AUTH         wrong credentials, or a permission is missing: the message names
 *                                 the first one as a rule of an ACL, such as "+publish"
 *         REDILOCK_E_UNSUPPORTED  the server is too old, a cluster node, or lacks a command
 *         REDILOCK_E_SERVER       the server cannot be used now, for instance a read-only replica
 *         REDILOCK_E_UNAVAILABLE, _PROTOCOL, _CANCELLED, _INTERRUPTED, _INVALID, _NO_MEMORY,
 *         _FORKED, _CLOSED
 * Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_check(redilock_op_t *op);

/**
 * Cancels the call that runs on the operation or the acquire that it submitted, from any thread or
 * a signal handler: it ends soon with REDILOCK_E_CANCELLED, unless it was just about to end
 * otherwise. Without one, the next acquire or look-up is cancelled; redilock_op_reset undoes that.
 * A release, extension or break forgets a cancel that came before it, and only one that comes
 * during the call ends it. Async-signal-safe, never blocks.
 * Since 0.1.
 */
REDILOCK_API void redilock_op_cancel(redilock_op_t *op);

/**
 * Forgets a cancel that came, an option that could not be set, and the details of the last request;
 * options stay. Does nothing while a call runs or a submitted request is under way. Since 0.1.
 */
REDILOCK_API void redilock_op_reset(redilock_op_t *op);

/**
 * How the operation's last call or request ended; REDILOCK_OK before the first, and while one that
 * was submitted is under way. Since 0.1.
 */
REDILOCK_API int32_t redilock_op_status(const redilock_op_t *op);

/**
 * Copies a sentence on how the last call ended, with the server's own words if it had any; "" if it
 * succeeded, except for redilock_op_check. It never shows a password or a whole token.
 *
 * @return the length of the whole message without its NUL
 * Since 0.1.
 */
REDILOCK_API size_t redilock_op_message(const redilock_op_t *op, char *buffer, size_t size);

/** 1 if the same call may well succeed when made again later, else 0. Since 0.1. */
REDILOCK_API int32_t redilock_op_retriable(const redilock_op_t *op);

/**
 * The place in the queue of an acquire that is waiting, as last seen: 1 is the next; 0 when it
 * does not wait. May be asked from another thread while the call runs.
 * Since 0.1.
 */
REDILOCK_API int64_t redilock_op_position(const redilock_op_t *op);

/* ---------------------------------------------------------------- asynchronous operations */

/*
 * A request that is submitted is under way from then until its completion is taken. One thread of
 * the client looks after all of them over two connections, however many they are; nothing runs on
 * the caller's threads, and nothing is called back.
 *
 *  - Each request ends in exactly one completion, whatever becomes of it; in none once its
 *    operation or its client was freed.
 *  - redilock_op_cancel ends an acquire with REDILOCK_E_CANCELLED, unless it has ended otherwise:
 *    its completion says how. A cancelled acquire has left the queue and holds nothing.
 *    REDILOCK_E_UNKNOWN means that the server has not confirmed this yet; the library keeps
 *    retrying. A release or extension takes no cancel: it ends within the client's `timeout`.
 *  - redilock_op_free while an acquire is under way gives up the wait. A lock that was granted and
 *    not taken by redilock_op_take_lock is released, likewise when the operation is used again or
 *    reset. All this is done by the client's thread; the call returns at once. A release or
 *    extension is carried out all the same.
 *  - redilock_lock_free while a release or extension of the lock is under way changes neither.
 *  - redilock_client_close ends what is under way with completions; redilock_free does the same and
 *    drops the completions. It closes the descriptor: take it out of your event loop before.
 *  - After fork(), the parent's requests go on; the child's calls say REDILOCK_E_FORKED, and what
 *    it frees or cancels changes nothing.
 */

/** What a completion is of. The values are part of the ABI. */
enum redilock_completion {
  REDILOCK_COMPLETION_ACQUIRE = 1, /**< an acquire that was submitted has ended */
  REDILOCK_COMPLETION_RELEASE = 2, /**< a release that was submitted has ended */
  REDILOCK_COMPLETION_EXTEND = 3,  /**< an extension that was submitted has ended */
  REDILOCK_COMPLETION_LOSS = 4,    /**< a lock that redilock_lock_watch watches was lost */
  REDILOCK_COMPLETION_BREAK = 5,   /**< a break that was submitted has ended */
  REDILOCK_COMPLETION_INFO = 6,    /**< a look-up that was submitted has ended */
  REDILOCK_COMPLETION_LOG = 7      /**< log lines wait, and "log_notify" asked for this; tag 0 */
};

/**
 * Submits an acquire with the options of the operation as they are now. Never blocks.
 *
 * Its completion has the statuses of redilock_op_acquire. A grant runs on its ttl alone until
 * redilock_op_take_lock takes it: only then "renew" begins.
 * @param tag given back with the completion
 * @return REDILOCK_OK,
 *         REDILOCK_E_INVALID      "name" is not set, or a request of the operation is under way
 *         REDILOCK_E_UNAVAILABLE  the client's thread cannot be started
 *         REDILOCK_E_NO_MEMORY, _FORKED, _CLOSED
 *         Unless it is REDILOCK_OK, nothing was submitted and no completion comes.
 * Thread safety: any thread. What one thread submits for one name queues in that order.
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_submit_acquire(redilock_op_t *op, uint64_t tag);

/**
 * Acquires as redilock_op_acquire where the lock is free, and as redilock_op_submit_acquire where
 * it is held: the first request is sent on the caller's thread, which waits for its reply, and
 * only if the lock has to be waited for does the client's thread go on. For callers that must not
 * block during the wait, and want a free lock as soon as can be.
 *
 * Blocks for at most the client's `timeout`.
 * @param tag given back with the completion, if one comes
 * @param out the lock, owned by the caller: no completion comes. NULL where the acquire is under
 *            way from now on, as if it had been submitted, with its place in the queue
 * @return REDILOCK_OK in both cases, else what redilock_op_acquire and redilock_op_submit_acquire
 *         return; no completion comes then. An "interruptible" one that a signal breaks off ends
 *         with REDILOCK_E_INTERRUPTED at once, or by its completion where it may have a place in
 *         the queue to give up.
 * Thread safety: any thread. Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_begin_acquire(redilock_op_t *op, uint64_t tag,
                                                              redilock_lock_t **out);

/**
 * Submits a release of `lock`, which stays the caller's; with lock NULL, of the operation's "name"
 * and "token". Never blocks.
 *
 * Its completion has the statuses of redilock_release, or of redilock_release_token.
 * @return as redilock_op_submit_acquire; REDILOCK_E_INVALID also for a lock of another client
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_submit_release(redilock_op_t *op,
                                                               redilock_lock_t *lock, uint64_t tag);

/**
 * Submits an extension of `lock` by the operation's "ttl"; with lock NULL, of the operation's
 * "name" and "token". Never blocks.
 *
 * Its completion has the statuses of redilock_op_extend.
 * @return as redilock_op_submit_release
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_submit_extend(redilock_op_t *op,
                                                              redilock_lock_t *lock, uint64_t tag);

/**
 * Submits a break of the operation's "name". Never blocks.
 *
 * Its completion has the statuses of redilock_op_break.
 * @return as redilock_op_submit_acquire
 * Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_submit_break(redilock_op_t *op, uint64_t tag);

/**
 * Submits a look-up of the operation's "name". Never blocks.
 *
 * Its completion has the statuses of redilock_op_info; redilock_op_take_info gives what was found.
 * @return as redilock_op_submit_acquire
 * Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_submit_info(redilock_op_t *op, uint64_t tag);

/**
 * What a submitted look-up found, once its completion was taken and said REDILOCK_OK.
 *
 * @param out what was found, owned by the caller
 * @return REDILOCK_OK, REDILOCK_E_INVALID (nothing was looked up), REDILOCK_E_NO_MEMORY, _FORKED
 * Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_take_info(redilock_op_t *op, redilock_info_t **out);

/**
 * The lock that a submitted acquire was granted, once its completion was taken and said so. Renewal
 * begins here.
 *
 * @param out the lock, owned by the caller
 * @return REDILOCK_OK, REDILOCK_E_INVALID (no lock was granted, or it was taken before),
 *         REDILOCK_E_NO_MEMORY, _FORKED, _CLOSED (the client releases the lock)
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_op_take_lock(redilock_op_t *op, redilock_lock_t **out);

/**
 * A descriptor for poll(2), epoll and every event loop: readable for as long as completions wait to
 * be taken (level-triggered), and for ever once the client is closed. It is always the same and
 * belongs to the client, which closes it. After an operation or a lock was freed it may be readable
 * although nothing waits. A caller may dup it, poll it edge-triggered, or read from it, if it then
 * calls redilock_client_next until there is no more completion.
 *
 * @return REDILOCK_OK, REDILOCK_E_INVALID, REDILOCK_E_UNAVAILABLE (none is left), _FORKED, _CLOSED
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_client_fd(redilock_client_t *client, int32_t *out);

/**
 * Takes the next completion, if there is one, in the order in which they came. Never blocks.
 *
 * The details can then be asked of the operation: redilock_op_status, redilock_op_message,
 * redilock_op_retriable, redilock_op_take_lock; and it may be used again. A cancel that came after
 * the end is forgotten.
 * @param tag    the tag it was submitted with
 * @param kind   one of redilock_completion, or 0 where there was none
 * @param status how it ended; REDILOCK_E_LOST for a loss
 * @return REDILOCK_OK, also where there was none; REDILOCK_E_INVALID, _FORKED; REDILOCK_E_CLOSED
 *         after the last completion of a closed client
 * Thread safety: any thread; each completion is given to one. Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_client_next(redilock_client_t *client, uint64_t *tag,
                                                         int32_t *kind, int32_t *status);

/**
 * Waits until redilock_client_next has something to say, for programs that cannot poll a
 * descriptor. Blocks.
 *
 * @param timeout_ms 0 looks once, n > 0 waits up to n milliseconds, negative waits for ever
 * @return REDILOCK_OK (a completion is ready, if no other thread takes it and its operation is not
 *         freed), REDILOCK_E_TIMEOUT, REDILOCK_E_INVALID, _UNAVAILABLE (no descriptor is left),
 *         _FORKED; REDILOCK_E_CLOSED after the last completion of a closed client
 * Thread safety: any thread; several may wait, and one of them gets the completion. Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_client_wait(redilock_client_t *client,
                                                         int64_t timeout_ms);

/* ---------------------------------------------------------------- statistics */

/** How many numbers a client counts. They are numbered from 0. Since 0.2. */
REDILOCK_API size_t redilock_stat_count(void);

/** The name of a number, such as "acquired"; NULL past the last. Static. Since 0.2. */
REDILOCK_API const char *redilock_stat_name(size_t index);

/**
 * "counter" for a number that only grows, "gauge" for one of now; NULL past the last. Static.
 * Since 0.2.
 */
REDILOCK_API const char *redilock_stat_type(size_t index);

/** What a number counts, in a sentence; NULL past the last. Static. Since 0.2. */
REDILOCK_API const char *redilock_stat_doc(size_t index);

/**
 * One number of a client, counted from its redilock_new on, all its operations and locks included,
 * also after it was closed. Does no I/O and never blocks. Each number is right by itself; two of
 * them may be of different moments.
 *
 * An acquire ends in one of "acquired", "refused", "timeouts" and "failed". A wait_... bucket
 * includes those below it. A lock that nobody renews or watches is found lost when it is next
 * released, extended or asked for its message, and counts as held until then.
 * @param name as redilock_stat_name lists them
 * @return REDILOCK_OK, REDILOCK_E_INVALID (no such number), _NO_MEMORY, _FORKED: a client that the
 *         child makes starts at zero
 * Thread safety: any thread. Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_client_stat(redilock_client_t *client,
                                                         const char *name, int64_t *out);

/* ---------------------------------------------------------------- log */

/** How much a line of the log matters. The values are part of the ABI. */
enum redilock_log_level {
  REDILOCK_LOG_ERROR = 1,   /**< a lock was lost */
  REDILOCK_LOG_WARNING = 2, /**< something failed, and the client tries again or goes on */
  REDILOCK_LOG_INFO = 3     /**< the client has connected or subscribed */
};

/** Longest line of a log, in bytes, without the NUL. */
#define REDILOCK_LOG_LINE_MAX 1023

/**
 * Takes the next line of a client's log, the oldest first: connections and their failures, the
 * first renewal that fails, losses and why, requests that are rolled back, the subscription of the
 * waiters and polling. Does no I/O and never blocks.
 *
 * There is a log if the client's option "log" says how many lines it keeps. When there are more,
 * the oldest are dropped, and the next line taken says how many. With "log_notify", a completion
 * REDILOCK_COMPLETION_LOG comes when lines wait, and again only after all were taken. A line never
 * shows a password or a whole token.
 * @param level   one of redilock_log_level, or 0 where there was no line
 * @param time_ms when it was written: milliseconds since 1970 by the system's clock
 * @param buffer  for the line, which is cut where it does not fit; REDILOCK_LOG_LINE_MAX + 1 bytes
 *                hold any
 * @return REDILOCK_OK, also where there was none, or the client is closed; REDILOCK_E_INVALID (an
 *         argument is NULL, or size is 0), _NO_MEMORY (nothing was taken), _FORKED
 * Thread safety: any thread; each line is given to one. Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_client_log(redilock_client_t *client, int32_t *level,
                                                        int64_t *time_ms, char *buffer,
                                                        size_t size);

/* ---------------------------------------------------------------- locks */

/**
 * Frees the handle of a lock. Releases nothing and does no I/O: a lock still held is renewed no
 * more, and its lease runs out.
 * Since 0.1.
 */
REDILOCK_API void redilock_lock_free(redilock_lock_t *lock);

/**
 * Frees the handle of a lock, and the client releases the lock in the background. Never blocks: for
 * destructors, finalisers and garbage collectors. Takes NULL. Since 0.2.
 */
REDILOCK_API void redilock_lock_drop(redilock_lock_t *lock);

/**
 * Asks for one completion, REDILOCK_COMPLETION_LOSS, when the lock is lost: it expired or was taken
 * away before its release began. It comes at once for a lock that is lost already, and not after
 * the handle was freed or the client was closed. Never blocks.
 *
 * An auto-renewed lock is found lost by a renewal, each third of its ttl; any other when its lease
 * ends or an extension or release finds it lost.
 * @param tag given back with the completion
 * @return REDILOCK_OK, REDILOCK_E_INVALID (it is watched already), REDILOCK_E_UNAVAILABLE,
 *         REDILOCK_E_NO_MEMORY, _FORKED, _CLOSED
 * Thread safety: any thread. Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_lock_watch(redilock_lock_t *lock, uint64_t tag);

/**
 * Waits until the lock is lost. Blocks.
 *
 * @param timeout_ms 0 looks once, n > 0 waits up to n milliseconds, negative waits for ever
 * @return REDILOCK_E_LOST, REDILOCK_E_TIMEOUT (it is not lost), REDILOCK_E_NOT_OWNER (its release
 *         has begun), REDILOCK_E_INVALID, _UNAVAILABLE, _NO_MEMORY, _FORKED, _CLOSED
 * Thread safety: any thread; the handle is freed after the call. Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_lock_wait_lost(redilock_lock_t *lock,
                                                            int64_t timeout_ms);

/**
 * Copies a sentence on why the lock was lost, or else why its last release, extension or renewal
 * failed; "" where neither is so. For instance: taken away, and by whom (which the client's thread
 * asks the server after the loss); not renewed, and why; max_hold is over; or the process was
 * stopped or suspended. It names the lock and never shows a password or a whole token.
 * A renewal that is not answered for a tenth of the ttl, at most a second, counts as failed until
 * an answer comes.
 *
 * Does no I/O and never blocks.
 * @return the length of the whole message without its NUL
 * Thread safety: any thread. Since 0.2.
 */
REDILOCK_API size_t redilock_lock_message(const redilock_lock_t *lock, char *buffer, size_t size);

/**
 * For how many more milliseconds the lock is surely held, by the local clock that also counts
 * suspended time, in whole ones: 0 in the last of them, and once it was released, lost or has run
 * out. Does no I/O and never blocks. Since 0.1.
 */
REDILOCK_API int64_t redilock_lock_remaining_ms(const redilock_lock_t *lock);

/**
 * 1 while the lock is surely held, to the microsecond, else 0. Never returns to 1 once it was 0,
 * except after a release that could not be sent. Does no I/O and never blocks. Since 0.1.
 */
REDILOCK_API int32_t redilock_lock_is_held(const redilock_lock_t *lock);

/**
 * The fence: larger than that of every earlier grant of the same name, 1 .. 2^53 - 1. Pass it with
 * each write, and let the store refuse what comes with a smaller one. 0 where "fence" was off.
 * Since 0.1.
 */
REDILOCK_API int64_t redilock_lock_fence(const redilock_lock_t *lock);

/**
 * The secret by which the lock can be released or extended from anywhere. Borrowed from the lock.
 *
 * @param len NULL, or where its length goes
 * Since 0.1.
 */
REDILOCK_API const char *redilock_lock_token(const redilock_lock_t *lock, size_t *len);

/** The name of the lock without the prefix. Borrowed from the lock. Since 0.1. */
REDILOCK_API const char *redilock_lock_name(const redilock_lock_t *lock, size_t *len);

/* ---------------------------------------------------------------- information */

/** What a name's state can be. The values are part of the ABI. */
enum redilock_state {
  REDILOCK_STATE_FREE = 0,   /**< nobody holds it */
  REDILOCK_STATE_HELD = 1,   /**< a redilock holder */
  REDILOCK_STATE_FOREIGN = 2 /**< another client's lock: a plain SET NX PX, or a key of any kind */
};

/** One of redilock_state. Since 0.1. */
REDILOCK_API int32_t redilock_info_state(const redilock_info_t *info);

/** The label of a redilock holder, such as "host/1234"; "" for others. Borrowed. Since 0.1. */
REDILOCK_API const char *redilock_info_label(const redilock_info_t *info);

/**
 * What remains of the lease by the server's clock; 0 if free, -1 for a key that never expires.
 * Since 0.1.
 */
REDILOCK_API int64_t redilock_info_remaining_ms(const redilock_info_t *info);

/** How many wait, those whose process has died but was not yet noticed included. Since 0.1. */
REDILOCK_API int64_t redilock_info_waiters(const redilock_info_t *info);

/**
 * The label of the waiter at a place, from 0, for the first hundred; NULL past the last. Borrowed.
 * Since 0.1.
 */
REDILOCK_API const char *redilock_info_waiter_label(const redilock_info_t *info, size_t index);

/**
 * How many milliseconds the waiter at a place has waited when the server replied, by the server's
 * clock: for the first hundred, from 0; -1 past the last, and for an entry of another program that
 * has no time. A waiter that reconnects keeps the time of its arrival. Since 0.2.
 */
REDILOCK_API int64_t redilock_info_waiter_since_ms(const redilock_info_t *info, size_t index);

/**
 * 1 if the waiter at a place polls: no notification reaches its client, for instance behind a proxy
 * without pub/sub, so it learns of its grant only when it asks again. Else 0. Since 0.2.
 */
REDILOCK_API int32_t redilock_info_waiter_polls(const redilock_info_t *info, size_t index);

/**
 * 1 if the token, as redilock_lock_token gives it, held the lock when the server replied, else 0.
 * No function returns the holder's token, because it is the right to release the lock. Since 0.2.
 */
REDILOCK_API int32_t redilock_info_is(const redilock_info_t *info, const char *token,
                                      size_t token_len);

/** Frees what redilock_op_info gave. Since 0.1. */
REDILOCK_API void redilock_info_free(redilock_info_t *info);

/* ---------------------------------------------------------------- lists */

/**
 * Makes a list of the lock names on the server: the names held by redilock, and the names that
 * clients wait for. A foreign lock that no client waits for looks like any other key, and is not
 * listed. A name that is locked or released while the list is read may be missing; no name comes
 * twice.
 *
 * Does no I/O. With the client's `interruptible`, a signal ends the list's calls.
 * @param pattern     a glob-style pattern ("job:*"), copied; NULL for all names
 * @param pattern_len its length, at most 16384 bytes
 * @param out         the list, owned by the caller; it may outlive the client's handle, and its
 *                    calls then return REDILOCK_E_CLOSED
 * @return REDILOCK_OK, REDILOCK_E_INVALID, REDILOCK_E_NO_MEMORY, REDILOCK_E_FORKED, _CLOSED
 * Since 0.2.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_list_new(redilock_client_t *client,
                                                      const char *pattern, size_t pattern_len,
                                                      redilock_list_t **out);

/**
 * Returns the next name of a list.
 *
 * Asks the server for its keys page by page, and blocks for at most the client's `timeout` for each
 * page: a database with many other keys may take many pages. After a failure the next call asks for
 * the same page again.
 * @param name the name, borrowed from the list until its next call; NULL after the last one
 * @param len  NULL, or where its length goes
 * @return REDILOCK_OK (after the last name with *name NULL),
 *         REDILOCK_E_CANCELLED    redilock_list_cancel ended the call
 *         REDILOCK_E_INTERRUPTED  a signal came, and the client is `interruptible`
 *         REDILOCK_E_INVALID      another thread's call on the list runs, or list or name is NULL
 *         REDILOCK_E_UNAVAILABLE, _AUTH, _SERVER, _PROTOCOL, _UNSUPPORTED, _NO_MEMORY, _FORKED,
 *         _CLOSED
 * Since 0.1.
 */
REDILOCK_API REDILOCK_CHECK int32_t redilock_list_next(redilock_list_t *list, const char **name,
                                                       size_t *len);

/**
 * Cancels the redilock_list_next that runs, or else the next one: it returns REDILOCK_E_CANCELLED,
 * and the list goes on with the call after it. Any thread and a signal handler may call this: it is
 * async-signal-safe and never blocks. Since 0.2.
 */
REDILOCK_API void redilock_list_cancel(redilock_list_t *list);

/**
 * Copies a sentence on how the last redilock_list_next ended: "" if it succeeded, and while one
 * runs. It never shows a password.
 *
 * @return the length of the whole message without its NUL
 * Since 0.2.
 */
REDILOCK_API size_t redilock_list_message(const redilock_list_t *list, char *buffer, size_t size);

/** 1 if redilock_list_next failed and may succeed when it is called again later, else 0. Since 0.2.
 */
REDILOCK_API int32_t redilock_list_retriable(const redilock_list_t *list);

/** Frees a list and its names, while no call uses it. Since 0.1. */
REDILOCK_API void redilock_list_free(redilock_list_t *list);

#ifdef __cplusplus
}
#endif

#endif /* REDILOCK_REDILOCK_H */
