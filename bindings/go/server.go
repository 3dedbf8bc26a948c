// What a client asks about locks that it need not hold.

package redilock

/*
#include <redilock/redilock.h>
*/
import "C"

import (
	"context"
	"runtime"
	"strconv"
	"time"
)

// Release releases, from any process or host, the lock of a name by its token. It returns
// [ErrNotOwner] if the token does not hold the lock; then nothing was changed.
func (c *Client) Release(ctx context.Context, name, token string, options ...Option) error {
	r, err := c.newRequest("release", name, options)
	if err != nil {
		return err
	}
	defer r.free()
	r.about(name).by(token)
	return r.submit(ctx, func(tag C.uint64_t) C.int32_t {
		return C.redilock_op_submit_release(r.op, nil, tag)
	})
}

// Extend makes a lock that is held by a token last at least a ttl from now, from any process or
// host. It returns [ErrNotOwner] if the token does not hold the lock.
func (c *Client) Extend(ctx context.Context, name, token string, ttl time.Duration,
	options ...Option) error {
	r, err := c.newRequest("extend", name, append(options[:len(options):len(options)], TTL(ttl)))
	if err != nil {
		return err
	}
	defer r.free()
	r.about(name).by(token)
	return r.submit(ctx, func(tag C.uint64_t) C.int32_t {
		return C.redilock_op_submit_extend(r.op, nil, tag)
	})
}

// Break takes the lock of a name away from its holder, and hands it to the next waiter. The
// former holder learns it by its next extension or renewal at the latest; until then it still
// believes that it holds the lock, so use fences. It returns [ErrNotOwner] if nobody held it.
func (c *Client) Break(ctx context.Context, name string, options ...Option) error {
	r, err := c.newRequest("break", name, options)
	if err != nil {
		return err
	}
	defer r.free()
	r.about(name)
	return r.submit(ctx, func(tag C.uint64_t) C.int32_t {
		return C.redilock_op_submit_break(r.op, tag)
	})
}

// Check tries everything that locks need of the server and changes nothing: for the start of a
// program and for health probes. It returns the server's address and version, such as
// "10.0.0.5:6379: Redis 7.0.15", or an error that says what is missing. WithOption("name", name)
// tries the keys of that lock.
func (c *Client) Check(ctx context.Context, options ...Option) (server string, err error) {
	r, err := c.newRequest("check", "", options)
	if err != nil {
		return "", err
	}
	defer r.free()
	if err := r.block(ctx, func() C.int32_t { return C.redilock_op_check(r.op) }); err != nil {
		return "", err
	}
	return r.message(), nil
}

// State says who holds a lock. A later library may have further states; they count as held.
type State int

const (
	Free    State = C.REDILOCK_STATE_FREE
	Held    State = C.REDILOCK_STATE_HELD    // a redilock holder
	Foreign State = C.REDILOCK_STATE_FOREIGN // another kind of client
)

// Info is what was known of one lock when the server replied.
type Info struct {
	State     State
	Label     string        // of a redilock holder, such as "host/1234"
	Remaining time.Duration // of the lease; 0 if free, negative for a key that never expires
	Waiting   int64         // how many wait
	Waiters   []Waiter      // the first hundred of them, in order

	found *found
}

// found is what the library has found. It is freed when no Info needs it.
type found struct{ info *C.redilock_info_t }

// IsHeldBy says whether a token, as [Lock.Token] returns it, held the lock when the server replied.
func (i *Info) IsHeldBy(token string) bool {
	is := C.redilock_info_is(i.found.info, chars(token), C.size_t(len(token))) == 1
	runtime.KeepAlive(i.found)
	return is
}

// Waiter is one that waits for a lock.
type Waiter struct {
	Label  string
	Waited time.Duration // until the server replied; negative if that is not known
	Polls  bool          // no notification reaches it, so it learns of its grant when it asks again
}

// Info looks up the lock of a name, and changes nothing.
func (c *Client) Info(ctx context.Context, name string, options ...Option) (*Info, error) {
	r, err := c.newRequest("info", name, options)
	if err != nil {
		return nil, err
	}
	defer r.free()
	r.about(name)
	if err := r.submit(ctx, func(tag C.uint64_t) C.int32_t {
		return C.redilock_op_submit_info(r.op, tag)
	}); err != nil {
		return nil, err
	}
	f := &found{}
	if status := Status(C.redilock_op_take_info(r.op, &f.info)); status != ok {
		return nil, r.failure(status)
	}
	runtime.SetFinalizer(f, func(f *found) { C.redilock_info_free(f.info) })
	return newInfo(f), nil
}

func newInfo(f *found) *Info {
	info := &Info{
		State:     State(C.redilock_info_state(f.info)),
		Label:     C.GoString(C.redilock_info_label(f.info)),
		Remaining: time.Duration(C.redilock_info_remaining_ms(f.info)) * time.Millisecond,
		Waiting:   int64(C.redilock_info_waiters(f.info)),
		found:     f,
	}
	for i := C.size_t(0); ; i++ {
		label := C.redilock_info_waiter_label(f.info, i)
		if label == nil {
			return info
		}
		info.Waiters = append(info.Waiters, Waiter{
			Label:  C.GoString(label),
			Waited: time.Duration(C.redilock_info_waiter_since_ms(f.info, i)) * time.Millisecond,
			Polls:  C.redilock_info_waiter_polls(f.info, i) == 1,
		})
	}
}

// List returns the lock names on the server that match a glob-style pattern ("job:*"), or all for
// "": those held by redilock, and those that clients wait for. It reads the server's keys page by
// page.
func (c *Client) List(ctx context.Context, pattern string) ([]string, error) {
	var list *C.redilock_list_t
	var glob *C.char
	if pattern != "" {
		glob = chars(pattern)
	}
	status := ErrClosed
	c.core.use(func(client *C.redilock_client_t) {
		status = Status(C.redilock_list_new(client, glob, C.size_t(len(pattern)), &list))
	})
	if status != ok {
		return nil, &Error{Status: status, Op: "list"}
	}
	defer C.redilock_list_free(list)
	names := []string{}
	for {
		name, more, err := c.nextName(ctx, list)
		if err != nil || !more {
			return names, err
		}
		names = append(names, name)
	}
}

func (c *Client) nextName(ctx context.Context,
	list *C.redilock_list_t) (name string, more bool, err error) {
	var text *C.char
	var length C.size_t
	status := c.blocks(ctx, func() { C.redilock_list_cancel(list) }, func() C.int32_t {
		return C.redilock_list_next(list, &text, &length)
	})
	if status == ok {
		return C.GoStringN(text, C.int(length)), text != nil, nil
	}
	return "", false, &Error{
		Status: status,
		Op:     "list",
		Message: message(func(buffer *C.char, size C.size_t) C.size_t {
			return C.redilock_list_message(list, buffer, size)
		}),
		Retriable: C.redilock_list_retriable(list) == 1,
		cause:     context.Cause(ctx),
	}
}

func quote(name string) string { return strconv.Quote(name) }
