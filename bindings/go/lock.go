// Locks: how they are acquired, extended and released.

package redilock

/*
#include <redilock/redilock.h>
*/
import "C"

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// Lock is a lock that was granted. Any goroutine may use it.
//
// A Lock that is forgotten without [Lock.Unlock] or [Lock.Detach] is released in the background
// when the garbage collector finds it. That may be late: use defer.
type Lock struct {
	name  string
	token string
	fence int64
	lease *lease
	guard *guard
}

// guard is collected when its Lock is. It points to nothing that leads back, so that contexts that
// were derived from the lock's do not keep it.
type guard struct {
	lease  *lease
	client *Client // not collected, and so not closed, before its locks
}

// Lock acquires the lock of a name: 1 to 1024 bytes, any bytes. It waits until the lock is granted,
// its context ends, or the option [Wait] is over. Waiters are granted in the order in which they
// arrived at the server.
//
// It returns [ErrTimeout] when Wait is over, [ErrCancelled] and the cause of the context when that
// ended, [ErrHeld] if Wait is 0 and somebody holds the lock. After an error the waiter has left the
// queue and has no lock. The context does not end the lock itself.
func (c *Client) Lock(ctx context.Context, name string, options ...Option) (*Lock, error) {
	r, err := c.newRequest("lock", name, options)
	if err != nil {
		return nil, err
	}
	defer r.free()
	r.waits = true
	r.about(name)
	err = r.submit(ctx, func(tag C.uint64_t) C.int32_t { return r.acquire(ctx, tag) })
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, r.tooLate(ctx)
	}
	return r.takeLock(ctx)
}

// acquire asks the server on this thread, and so has a free lock after one round trip. While
// another goroutine does that, the requests of all others go together by the reader.
func (r *request) acquire(ctx context.Context, tag C.uint64_t) C.int32_t {
	direct := &r.client.core.direct
	if !direct.TryLock() {
		return C.redilock_op_submit_acquire(r.op, tag)
	}
	defer direct.Unlock()
	status := cancellable(ctx, r.cancel, func() C.int32_t {
		return C.redilock_op_begin_acquire(r.op, tag, &r.lock)
	})
	r.ended = r.lock != nil
	return C.int32_t(status)
}

// TryLock acquires a lock if it is free. If somebody holds it, or waits for it, TryLock returns
// [ErrHeld] with a message that names the holder.
func (c *Client) TryLock(ctx context.Context, name string, options ...Option) (*Lock, error) {
	return c.Lock(ctx, name, append(options[:len(options):len(options)], Wait(0))...)
}

// Do acquires a lock, runs a function that holds it, and unlocks. The function's context ends with
// `ctx` and when the lock is lost. The error is that of the function and that of the unlock,
// joined: errors.Is(err, ErrLost) says that somebody else may have worked at the same time.
func (c *Client) Do(ctx context.Context, name string,
	work func(ctx context.Context, lock *Lock) error, options ...Option) (err error) {
	lock, err := c.Lock(ctx, name, options...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	lost := lock.Context()
	held, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(lost, func() { cancel(context.Cause(lost)) })()
	return work(held, lock)
}

// Attach makes a Lock of one that is held by a token, and extends it by the option [TTL]: so a
// program passes its lock to another process, by [Lock.Detach]. The fence of the Lock is 0; pass it
// along with the token. It returns [ErrNotOwner] if the token does not hold the lock.
func (c *Client) Attach(ctx context.Context, name, token string, options ...Option) (*Lock, error) {
	r, err := c.newRequest("attach", name, options)
	if err != nil {
		return nil, err
	}
	defer r.free()
	r.about(name).by(token)
	err = r.block(ctx, func() C.int32_t { return C.redilock_op_attach(r.op, &r.lock) })
	if err != nil {
		return nil, err
	}
	return r.takeLock(ctx)
}

func (r *request) takeLock(ctx context.Context) (*Lock, error) {
	if r.lock == nil { // its completion has come
		if status := Status(C.redilock_op_take_lock(r.op, &r.lock)); status != ok {
			return nil, r.failure(status)
		}
	}
	lock := r.lock
	r.lock = nil
	return r.newLock(ctx, lock), nil
}

func (r *request) newLock(ctx context.Context, lock *C.redilock_lock_t) *Lock {
	var length C.size_t
	token := C.redilock_lock_token(lock, &length)
	l := newLease(ctx, r.client.core, lock)
	g := &guard{l, r.client}
	runtime.SetFinalizer(g, func(g *guard) { g.lease.drop() })
	return &Lock{
		name:  r.name,
		token: C.GoStringN(token, C.int(length)),
		fence: int64(C.redilock_lock_fence(lock)),
		lease: l,
		guard: g,
	}
}

// Unlock releases the lock and hands it to the next waiter. It ends the lock's context first, and
// blocks for at most the client's option "timeout".
//
// It returns [ErrLost] if the lock was lost before: then somebody else may have held it while the
// caller worked. [ErrNotOwner] says that it was unlocked before by this Lock. After [ErrUnknown]
// and [ErrUnavailable] it may be called again; at the latest the lease runs out.
func (l *Lock) Unlock() error {
	l.lease.end(ErrUnlocked)
	r, err := l.guard.client.newRequest("unlock", l.name, nil)
	if err != nil {
		l.lease.drop()
		return err
	}
	defer r.free()
	err = l.lease.submit(context.Background(), r, r.release)
	if err == nil || errors.Is(err, ErrLost) || errors.Is(err, ErrNotOwner) {
		l.settle()
	}
	runtime.KeepAlive(l)
	return err
}

// release asks on this thread as acquire does.
func (r *request) release(lock *C.redilock_lock_t, tag C.uint64_t) C.int32_t {
	direct := &r.client.core.direct
	if !direct.TryLock() {
		return C.redilock_op_submit_release(r.op, lock, tag)
	}
	defer direct.Unlock()
	r.ended = true
	return C.redilock_op_release(r.op, lock)
}

// Extend makes the lock last at least a ttl from now. It is never shortened, and its fence stays.
// [ErrLost] says that the lock was lost; after other errors the old lease still counts. If the
// context ends first, the lock may or may not be extended.
func (l *Lock) Extend(ctx context.Context, ttl time.Duration) error {
	r, err := l.guard.client.newRequest("extend", l.name, []Option{TTL(ttl)})
	if err != nil {
		return err
	}
	defer r.free()
	return l.lease.submit(ctx, r, func(lock *C.redilock_lock_t, tag C.uint64_t) C.int32_t {
		return C.redilock_op_submit_extend(r.op, lock, tag)
	})
}

// Detach lets go of the lock and leaves it held on the server, for another process that calls
// [Client.Attach] or [Client.Release] with the token that it returns. It ends the renewal and the
// lock's context.
func (l *Lock) Detach() (token string) {
	l.lease.end(ErrUnlocked)
	l.settle()
	return l.token
}

// settle frees the handle of a lock that needs no release any more.
func (l *Lock) settle() {
	runtime.SetFinalizer(l.guard, nil)
	l.lease.free()
}

// Name returns the name of the lock.
func (l *Lock) Name() string { return l.name }

// Fence returns the number of the grant: it is larger than that of every earlier grant of the name.
// Pass it with each write, and let the store refuse what comes with a smaller one. It is 0 for a
// lock from [Client.Attach], or if the option "fence" was off.
func (l *Lock) Fence() int64 { return l.fence }

// Token returns the secret by which any process can release, extend or attach the lock.
func (l *Lock) Token() string { return l.token }

// Held says whether the lock is surely held now, by the local clock. It asks no server.
func (l *Lock) Held() bool {
	var held bool
	l.lease.use(func(lock *C.redilock_lock_t) { held = C.redilock_lock_is_held(lock) == 1 })
	runtime.KeepAlive(l)
	return held
}

// Remaining returns for how much longer the lock is surely held, by the local clock; 0 if it is
// not.
func (l *Lock) Remaining() time.Duration {
	var ms C.int64_t
	l.lease.use(func(lock *C.redilock_lock_t) { ms = C.redilock_lock_remaining_ms(lock) })
	runtime.KeepAlive(l)
	return time.Duration(ms) * time.Millisecond
}

// Context returns a context that is cancelled when the lock is lost, unlocked or detached. It has
// the values of the context that the lock was acquired with, but does not end with it.
// [context.Cause] then gives an [*Error] with [ErrLost] and the reason, or [ErrUnlocked].
//
// A renewed lock is found lost by a renewal, each third of its ttl; any other when its lease ends.
func (l *Lock) Context() context.Context {
	l.lease.watch(l.name)
	return lockContext{l.lease.ctx, l}
}

// lockContext keeps its lock from being collected, and so released, while only the context is used.
type lockContext struct {
	context.Context
	lock *Lock
}
