/**
 * A distributed lock kept in Redis, first come, first served, on the C library of redilock.
 *
 * <p>Begin with {@link io.redilock.RedilockClient#connect(String)}.
 */
package io.redilock;
