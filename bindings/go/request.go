// A request: an operation of the C library, and the goroutine that waits for its completion.

package redilock

/*
#include <redilock/redilock.h>
*/
import "C"

import (
	"context"
	"runtime"
	"time"
)

// request is one call to the server. It is freed by the goroutine that made it, after the call.
type request struct {
	client *Client
	call   string // as an Error names it
	name   string
	waits  bool // it waits in a queue, and a cancel takes it out
	op     *C.redilock_op_t
	done   chan Status // has room for the completion, so that the reader never waits

	ended bool               // without a completion: the call that started it has waited for the reply
	lock  *C.redilock_lock_t // that it was granted, until newLock takes it
}

// newRequest makes a request about a lock. The name is set unless it is "" and `call` needs none.
func (c *Client) newRequest(call, name string, options []Option) (*request, error) {
	r := &request{client: c, call: call, name: name}
	status := ErrClosed
	c.core.use(func(client *C.redilock_client_t) {
		status = Status(C.redilock_op_new(client, &r.op))
	})
	if status != ok {
		return nil, &Error{Status: status, Op: call, Lock: name}
	}
	for _, option := range options {
		if err := option.set(r.setter()); err != nil {
			r.free()
			return nil, err
		}
	}
	return r, nil
}

// about names the lock of a request.
func (r *request) about(name string) *request {
	WithOption("name", name).set(r.setter())
	return r
}

// by gives a request the token that holds its lock.
func (r *request) by(token string) { WithOption("token", token).set(r.setter()) }

func (r *request) setter() setter {
	return setter{
		text: func(name *C.char, value *C.char, size C.size_t) {
			C.redilock_op_set_bytes(r.op, name, value, size)
		},
		number: func(name *C.char, value C.int64_t) {
			C.redilock_op_set_int(r.op, name, value)
		},
	}
}

// free also releases, in the background, a lock that was granted and not taken.
func (r *request) free() {
	C.redilock_lock_drop(r.lock)
	C.redilock_op_free(r.op)
}

// submit starts a request and waits for its completion without a thread, if one comes. The end of
// the context ends the call: a waiter leaves the queue first, and the server may or may not do what
// else was asked.
func (r *request) submit(ctx context.Context, start func(tag C.uint64_t) C.int32_t) error {
	if ctx.Err() != nil {
		return r.tooLate(ctx)
	}
	r.done = make(chan Status, 1)
	tag := r.client.core.expect(r)
	if status := Status(start(C.uint64_t(tag))); status != ok || r.ended {
		r.client.core.forget(tag)
		return r.outcome(ctx, status)
	}
	var status Status
	select {
	case status = <-r.done:
	case <-ctx.Done():
		if !r.waits {
			r.client.core.forget(tag) // no completion comes after the operation was freed
			return r.tooLate(ctx)
		}
		var confirmed bool
		if status, confirmed = r.leave(); !confirmed {
			r.client.core.forget(tag)
			return r.unconfirmed(ctx)
		}
	}
	runtime.KeepAlive(r.client)
	return r.outcome(ctx, status)
}

// confirmWithin is how long a call outlives its context for the server to confirm the end of the
// wait.
const confirmWithin = 100 * time.Millisecond

// leave cancels a wait and returns its outcome: with it, the waiter is out of the queue. A server
// that stands still confirms nothing; then the client goes on by itself after the operation was
// freed.
func (r *request) leave() (status Status, confirmed bool) {
	r.cancel()
	timer := time.NewTimer(confirmWithin)
	defer timer.Stop()
	select {
	case status = <-r.done:
		return status, true
	case <-timer.C:
		return 0, false
	}
}

// block runs a call that the library offers in no other form.
func (r *request) block(ctx context.Context, call func() C.int32_t) error {
	status := r.client.blocks(ctx, r.cancel, call)
	return r.outcome(ctx, status)
}

func (r *request) cancel() { C.redilock_op_cancel(r.op) }

// blocks runs a call that keeps a thread, when there is one for it, and cancels it at the end of
// the context.
func (c *Client) blocks(ctx context.Context, cancel func(), call func() C.int32_t) Status {
	if ctx.Err() != nil {
		return ErrCancelled
	}
	select {
	case c.core.threads <- struct{}{}:
		defer func() { <-c.core.threads }()
	case <-ctx.Done():
		return ErrCancelled
	}
	return cancellable(ctx, cancel, call)
}

// cancellable runs a call, and cancels it at the end of the context.
func cancellable(ctx context.Context, cancel func(), call func() C.int32_t) Status {
	if ctx.Done() == nil {
		return Status(call())
	}
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		cancel()
		close(cancelled)
	})
	status := Status(call())
	if !stop() {
		<-cancelled // so that nothing is freed during the cancel
	}
	return status
}

func (r *request) outcome(ctx context.Context, status Status) error {
	if status == ok {
		return nil
	}
	failure := r.failure(status)
	if status == ErrCancelled || status == ErrUnknown {
		failure.cause = context.Cause(ctx)
	}
	return failure
}

func (r *request) failure(status Status) *Error {
	return &Error{
		Status:    status,
		Op:        r.call,
		Lock:      r.name,
		Message:   r.message(),
		Retriable: C.redilock_op_retriable(r.op) == 1,
	}
}

func (r *request) message() string {
	return message(func(buffer *C.char, size C.size_t) C.size_t {
		return C.redilock_op_message(r.op, buffer, size)
	})
}

// tooLate is the failure of a call whose context ended before the server answered, or before it
// began.
func (r *request) tooLate(ctx context.Context) *Error {
	text := "the context ended before the server answered"
	if r.name != "" {
		text = "lock " + quote(r.name) + ": " + text
	}
	return r.endedBy(ctx, ErrCancelled, text)
}

// unconfirmed is the failure of a wait whose end the server did not confirm in time.
func (r *request) unconfirmed(ctx context.Context) *Error {
	const what = ": the server has not confirmed yet that the waiter left the queue"
	text := "lock " + quote(r.name) + what
	return r.endedBy(ctx, ErrUnknown, text)
}

func (r *request) endedBy(ctx context.Context, status Status, text string) *Error {
	return &Error{Status: status, Op: r.call, Lock: r.name, Message: text, cause: context.Cause(ctx)}
}
