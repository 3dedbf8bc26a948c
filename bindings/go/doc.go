// Package redilock is a distributed lock kept in Redis, first come, first served.
//
// A lock is a lease: it ends by itself a ttl after it was granted or last extended, whatever became
// of its holder. Each grant has a larger fence than those before it.
//
//	client, err := redilock.Open("redis://localhost")
//	...
//	lock, err := client.Lock(ctx, "nightly", redilock.TTL(30*time.Second), redilock.Renew())
//	if err != nil {
//		return err
//	}
//	defer lock.Unlock()
//	return report(lock.Context(), lock.Fence()) // cancelled when the lock is lost
//
// # Waiting
//
// All waits of a client are served by one goroutine that reads one descriptor and by one thread of
// the C library, over two connections. A goroutine that waits costs no thread. The end of its
// context, or of its [Wait], takes it out of the queue.
//
// # Options
//
// [Open] and each call take options by name and value, as the C library defines them: [WithOption].
// [Options] lists them with their types and defaults. [TTL], [Wait], [Renew] and [Label] are short
// forms of the most used ones.
//
// # Errors
//
// A failed call returns an [*Error]. Its [Status] says what happened and can be compared by
// [errors.Is]: errors.Is(err, redilock.ErrHeld). Its text names the lock, the holder, the server
// and the cause, and shows no password and no whole token.
//
// # Goroutines and processes
//
// Any goroutine may use any client and lock at any time, also unlock a lock that another one
// locked. Locks are not reentrant: a holder that locks the same name again waits for itself.
package redilock
