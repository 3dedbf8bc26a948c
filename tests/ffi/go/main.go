// Uses redilock from Go by cgo: waits on a descriptor, cancels, sees a loss, drops a lock, closes a client.
// It finds the installed library by pkg-config, prints each step, and ends with an error where a step goes
// wrong.
package main

/*
#cgo pkg-config: redilock
#include <stdlib.h>
#include <redilock/redilock.h>
*/
import "C"

import (
	"fmt"
	"os"
	"reflect"
	"syscall"
	"time"
	"unsafe"
)

const (
	waits     = 50
	cancelled = 20
	minute    = 60000
)

func fail(what string, text any) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, text)
	os.Exit(1)
}

func expect(what string, got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		fail(what, fmt.Sprintf("%v instead of %v", got, wanted))
	}
}

func check(what string, status C.int32_t) {
	if status != C.REDILOCK_OK {
		fail(what, C.GoString(C.redilock_strerror(status)))
	}
}

type completion struct {
	tag    C.uint64_t
	kind   C.int32_t
	status C.int32_t
}

// A client whose completions wake a goroutine: the runtime's poller has a copy of the descriptor.
type client struct {
	c    *C.redilock_client_t
	file *os.File
}

func newClient() *client {
	url := C.CString(os.Args[1])
	defer C.free(unsafe.Pointer(url))
	var c *C.redilock_client_t
	var text [256]C.char
	if C.redilock_new(url, nil, &c, &text[0], C.size_t(len(text))) != C.REDILOCK_OK {
		fail("new", C.GoString(&text[0]))
	}
	var fd C.int32_t
	check("fd", C.redilock_client_fd(c, &fd))
	own, err := syscall.Dup(int(fd)) // os.File closes what it has
	if err != nil {
		fail("dup", err)
	}
	return &client{c, os.NewFile(uintptr(own), "redilock")}
}

func (c *client) free() {
	c.file.Close()
	C.redilock_free(c.c)
}

// next waits without a thread; false after the last completion of a client. The poller is edge-triggered:
// each wait comes after a call that took nothing.
func (c *client) next() (got completion, more bool) {
	if err := c.file.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		fail("the descriptor", err)
	}
	raw, err := c.file.SyscallConn()
	if err != nil {
		fail("the descriptor", err)
	}
	more = true
	err = raw.Read(func(uintptr) bool {
		status := C.redilock_client_next(c.c, &got.tag, &got.kind, &got.status)
		if status == C.REDILOCK_E_CLOSED {
			more = false
			return true
		}
		check("next", status)
		return got.kind != 0
	})
	if err != nil {
		fail("no completion", err)
	}
	return got, more
}

func (c *client) expectNext(what string, wanted completion) {
	got, more := c.next()
	expect(what, more, true)
	expect(what, got, wanted)
}

func (c *client) acquire(name string) *C.redilock_lock_t {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	var lock *C.redilock_lock_t
	var reason [256]C.char
	if C.redilock_acquire(c.c, text, C.size_t(len(name)), minute, minute/2, &lock, &reason[0],
		C.size_t(len(reason))) != C.REDILOCK_OK {
		fail("acquire", C.GoString(&reason[0]))
	}
	return lock
}

func set(op *C.redilock_op_t, name, value string) {
	n, v := C.CString(name), C.CString(value)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(v))
	C.redilock_op_set(op, n, v) // a failure comes back from the call that follows
}

func (c *client) newOp(name string) *C.redilock_op_t {
	var op *C.redilock_op_t
	check("op_new", C.redilock_op_new(c.c, &op))
	set(op, "name", name)
	return op
}

func (c *client) submit(name string, tag int) *C.redilock_op_t {
	op := c.newOp(name)
	set(op, "ttl", "60s")
	check("submit_acquire", C.redilock_op_submit_acquire(op, C.uint64_t(tag)))
	return op
}

func release(lock *C.redilock_lock_t) {
	check("release", C.redilock_release(lock))
	C.redilock_lock_free(lock)
}

// Many waits on one descriptor, one of them cancelled; the tags say which completion is whose.
func waitInOneQueue(holder, c *client) {
	lock := holder.acquire("ffi")
	fence := C.redilock_lock_fence(lock)
	fmt.Println("fence", fence)
	var ops [waits]*C.redilock_op_t
	for tag := range ops {
		ops[tag] = c.submit("ffi", tag)
		defer C.redilock_op_free(ops[tag])
	}
	C.redilock_op_cancel(ops[cancelled])
	c.expectNext("cancel", completion{cancelled, C.REDILOCK_COMPLETION_ACQUIRE, C.REDILOCK_E_CANCELLED})
	fmt.Println("cancel: one of the waits has left the queue")

	release(lock)
	var locks [waits]*C.redilock_lock_t
	var granted, order []int
	for released := 0; released < waits-1; {
		got, _ := c.next()
		check("completion", got.status)
		lock := &locks[got.tag]
		switch got.kind {
		case C.REDILOCK_COMPLETION_ACQUIRE:
			granted = append(granted, int(got.tag))
			check("take_lock", C.redilock_op_take_lock(ops[got.tag], lock))
			expect("the fence rises", C.redilock_lock_fence(*lock) > fence, true)
			fence = C.redilock_lock_fence(*lock)
			check("submit_release", C.redilock_op_submit_release(ops[got.tag], *lock, got.tag))
		case C.REDILOCK_COMPLETION_RELEASE:
			C.redilock_lock_free(*lock)
			released++
		}
	}
	for tag := range ops {
		if tag != cancelled {
			order = append(order, tag)
		}
	}
	expect("order", granted, order)
	fmt.Println("waits:", len(granted), "granted in the order in which they were submitted")
}

func lose(holder, c *client) {
	lock, op := c.acquire("ffi"), holder.newOp("ffi")
	defer C.redilock_lock_free(lock)
	defer C.redilock_op_free(op)
	check("watch", C.redilock_lock_watch(lock, 1000))
	check("break", C.redilock_op_break(op))
	expect("extend", C.redilock_extend(lock, minute), C.int32_t(C.REDILOCK_E_LOST))
	c.expectNext("loss", completion{1000, C.REDILOCK_COMPLETION_LOSS, C.REDILOCK_E_LOST})
	message := make([]C.char, C.redilock_lock_message(lock, nil, 0)+1)
	expect("message", C.redilock_lock_message(lock, &message[0], C.size_t(len(message))) > 0, true)
	fmt.Println("loss:", C.GoString(&message[0]))
}

// Nothing else releases the first lock before its lease ends, which is after the wait of the second.
func drop(c *client) {
	C.redilock_lock_drop(c.acquire("ffi")) // what a finaliser would call: it never blocks
	release(c.acquire("ffi"))
	fmt.Println("drop: released in the background")
}

func closeClient(holder, c *client) {
	lock, op := holder.acquire("ffi"), c.submit("ffi", 7)
	defer C.redilock_op_free(op)
	C.redilock_client_close(c.c)
	c.expectNext("close", completion{7, C.REDILOCK_COMPLETION_ACQUIRE, C.REDILOCK_E_CLOSED})
	_, more := c.next()
	expect("after the last completion", more, false)
	release(lock)
	fmt.Println("close: the wait has ended, and no completion follows")
}

func main() {
	holder, c := newClient(), newClient()
	waitInOneQueue(holder, c)
	lose(holder, c)
	drop(c)
	closeClient(holder, c)
	c.free()
	holder.free()
}
