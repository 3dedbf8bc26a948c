// The client: how it is opened and closed, and what it says about itself.

package redilock

/*
#include <stdlib.h>
#include <redilock/redilock.h>
*/
import "C"

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// Client is a connection to one Redis server, shared by any number of goroutines and locks.
type Client struct {
	core *core
}

// core is what the reader goroutine keeps alive; the Client that users hold is collected before it.
type core struct {
	using sync.RWMutex // held while `c` is used, so that it is freed after the last use
	c     *C.redilock_client_t

	direct  sync.Mutex    // held by the one call that asks the server on its own thread
	threads chan struct{} // holds one for each other call that keeps a thread

	file   *os.File // a copy of the descriptor, for the runtime's poller
	logs   chan struct{}
	done   chan struct{} // closed when everything has ended
	logger *slog.Logger
	left   []*line          // of the log, when the client is freed
	last   map[string]int64 // the numbers, when the client is freed

	mu      sync.Mutex
	lastTag uint64
	pending map[uint64]*request
	watched map[uint64]*lease
}

// maxThreads is how many threads Attach, Check and List of a client keep at most.
const maxThreads = 8

// Open makes a client for a server. It asks the server for nothing: the first call does, and
// [Client.Check] can be that call.
//
// The url is "redis://[user[:password]@]host[:port][/db][?option=value&...]", or
// "unix:///path/to.sock?db=N"; "" takes the environment's REDILOCK_URL, or else
// redis://127.0.0.1:6379/0. What the url sets takes precedence over the options. Options that a
// call reads too, such as [TTL], are the defaults of the calls.
func Open(url string, options ...Option) (*Client, error) {
	if strings.IndexByte(url, 0) >= 0 {
		return nil, &Error{Status: ErrInvalid, Op: "open", Message: "the url holds a NUL"}
	}
	k := &core{
		threads: make(chan struct{}, maxThreads),
		logs:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		pending: map[uint64]*request{},
		watched: map[uint64]*lease{},
	}
	if err := k.open(url, options); err != nil {
		return nil, err
	}
	if err := k.watch(); err != nil {
		C.redilock_free(k.c)
		return nil, err
	}
	go k.read()
	if k.logger != nil {
		go k.log()
	}
	client := &Client{k}
	runtime.SetFinalizer(client, func(client *Client) { client.core.close() })
	return client, nil
}

func (k *core) open(url string, options []Option) error {
	var set *C.redilock_options_t
	if status := Status(C.redilock_options_new(&set)); status != ok {
		return &Error{Status: status, Op: "open"}
	}
	defer C.redilock_options_free(set)
	to := setter{
		text: func(name *C.char, value *C.char, size C.size_t) {
			C.redilock_options_set_bytes(set, name, value, size, nil, 0)
		},
		number: func(name *C.char, value C.int64_t) {
			C.redilock_options_set_int(set, name, value, nil, 0)
		},
	}
	for _, option := range options {
		if logger, is := option.value.(*slog.Logger); is {
			k.logger = logger
			WithOption("log", 256).set(to)
			WithOption("log_notify", true).set(to)
		} else if err := option.set(to); err != nil {
			return err
		}
	}
	var address *C.char // NULL for the environment's
	if url != "" {
		address = C.CString(url)
		defer C.free(unsafe.Pointer(address))
	}
	var status Status
	text := message(func(buffer *C.char, size C.size_t) C.size_t {
		status = Status(C.redilock_new(address, set, &k.c, buffer, size))
		return C.size_t(len(C.GoString(buffer)))
	})
	if status != ok {
		return &Error{Status: status, Op: "open", Message: text}
	}
	return nil
}

// watch gives the runtime's poller a copy of the client's descriptor, since os.File closes its own.
func (k *core) watch() error {
	var fd C.int32_t
	if status := Status(C.redilock_client_fd(k.c, &fd)); status != ok {
		return &Error{Status: status, Op: "open"}
	}
	copied, err := duplicate(int(fd))
	if err != nil {
		text := fmt.Sprint("cannot copy a descriptor: ", err)
		return &Error{Status: ErrUnavailable, Op: "open", Message: text}
	}
	k.file = os.NewFile(uintptr(copied), "redilock")
	return nil
}

// duplicate copies a descriptor to one that a program started by this one does not get.
func duplicate(fd int) (int, error) {
	copied, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(copied), nil
}

// Close ends every call that runs on the client with [ErrClosed], and takes waiters out of the
// queue. It does not unlock the locks that are still held: their leases run out, and their renewal
// ends. Close blocks for about 100 ms at most. It may be called more than once.
func (c *Client) Close() error {
	runtime.SetFinalizer(c, nil)
	c.core.close()
	<-c.core.done
	return nil
}

// close asks everything to end; the reader frees the client after the last completion.
func (k *core) close() {
	k.use(func(c *C.redilock_client_t) { C.redilock_client_close(c) })
}

// use calls a function with the client of the library, which is not freed during it. It returns
// false, and calls nothing, after the client was freed.
func (k *core) use(call func(c *C.redilock_client_t)) bool {
	k.using.RLock()
	defer k.using.RUnlock()
	if k.c != nil {
		call(k.c)
	}
	return k.c != nil
}

// Version returns the version of the C library that runs, such as "0.2.0".
func Version() string { return C.GoString(C.redilock_version()) }

// Has says whether the C library that runs can do something, such as "tls".
func Has(feature string) bool {
	name := C.CString(feature)
	defer C.free(unsafe.Pointer(name))
	return C.redilock_has(name) == 1
}
