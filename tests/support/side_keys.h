/*
 * The side keys of a lock, found without the library: by brute force over all slot words, so that
 * the tests do not repeat the library's own formula.
 */
#ifndef REDILOCK_TESTS_SIDE_KEYS_H
#define REDILOCK_TESTS_SIDE_KEYS_H

#ifdef __cplusplus
extern "C" {
#endif

/* The liveness records of all clients of one server. */
#define ALIVE_KEY "redilock:1:{}:alive"

/* Each text is valid in the calling thread until its fourth next call. */
const char *queue_of(const char *lock_key);
const char *fence_of(const char *lock_key);
const char *holders_of(const char *lock_key);

#ifdef __cplusplus
}
#endif

#endif
