// What a Lock and the reader share: the handle of the C library, and the context of the holder.

package redilock

/*
#include <redilock/redilock.h>
*/
import "C"

import (
	"context"
	"sync"
)

type lease struct {
	core   *core
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu   sync.RWMutex
	lock *C.redilock_lock_t // nil once it was freed
	name string
	tag  uint64 // of the watch; 0 without one
}

func newLease(ctx context.Context, core *core, lock *C.redilock_lock_t) *lease {
	l := &lease{core: core, lock: lock}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return l
}

// use calls a function with the handle, which is not freed during it. The function may block. It
// returns false, and calls nothing, after the handle was freed.
func (l *lease) use(call func(lock *C.redilock_lock_t)) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.lock != nil {
		call(l.lock)
	}
	return l.lock != nil
}

// submit starts a request about the lock and waits for its completion.
func (l *lease) submit(ctx context.Context, r *request,
	start func(lock *C.redilock_lock_t, tag C.uint64_t) C.int32_t) error {
	freed := false
	err := r.submit(ctx, func(tag C.uint64_t) C.int32_t {
		status := C.int32_t(C.REDILOCK_E_NOT_OWNER)
		freed = !l.use(func(lock *C.redilock_lock_t) { status = start(lock, tag) })
		return status
	})
	if freed {
		return &Error{Status: ErrNotOwner, Op: r.call, Lock: r.name,
			Message: "lock " + quote(r.name) + ": it was unlocked or detached before"}
	}
	return err
}

// watch asks for a completion at the loss, once.
func (l *lease) watch(name string) {
	if l.ctx.Err() != nil {
		return // an unlock that blocks may be using the handle
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lock == nil || l.tag != 0 || l.ctx.Err() != nil {
		return
	}
	l.name = name
	l.tag = l.core.expectLoss(l)
	if status := Status(C.redilock_lock_watch(l.lock, C.uint64_t(l.tag))); status != ok {
		l.core.forgetWatch(l.tag)
		text := "lock " + quote(name) + ": cannot watch for its loss: " + status.Error()
		l.cancel(&Error{Status: status, Op: "watch", Lock: name, Message: text})
	}
}

// lose ends the context when the reader learns of the loss.
func (l *lease) lose() {
	var text string
	l.use(func(lock *C.redilock_lock_t) {
		text = message(func(buffer *C.char, size C.size_t) C.size_t {
			return C.redilock_lock_message(lock, buffer, size)
		})
	})
	l.cancel(&Error{Status: ErrLost, Op: "watch", Lock: l.name, Message: text})
}

// end cancels the context of the holder, who does not hold the lock from now on.
func (l *lease) end(cause error) {
	l.mu.RLock()
	tag := l.tag
	l.mu.RUnlock()
	if tag != 0 {
		l.core.forgetWatch(tag)
	}
	l.cancel(cause)
}

// free ends the handle, and leaves the lock on the server as it is.
func (l *lease) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.redilock_lock_free(l.lock)
	l.lock = nil
}

// drop ends the handle, and the client releases the lock in the background. It never blocks.
func (l *lease) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	C.redilock_lock_drop(l.lock)
	l.lock = nil
}
