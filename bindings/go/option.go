// Options: their names and values go to the C library as they are.

package redilock

/*
#include <stdlib.h>
#include <redilock/redilock.h>
*/
import "C"

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unsafe"
)

// Option is a setting of a client or of a call.
type Option struct {
	name  string
	value any
}

// WithOption sets an option of the C library by its name, as [Options] lists them. The value is a
// string as in a url ("30s", "yes"), a []byte, a bool, an int, an int64, or a [time.Duration].
// A duration is rounded to whole milliseconds: "wait" up, all others down. A negative "wait" is for
// ever. The call that gets the option returns [ErrInvalid] if the library refuses it.
func WithOption(name string, value any) Option { return Option{name, value} }

// TTL sets the lease: for how long a lock is held unless it is extended, 1 ms to 365 days.
func TTL(ttl time.Duration) Option { return Option{"ttl", ttl} }

// Wait sets for how long to wait for a lock that is held. 0 tries once; a negative duration, which
// is the default, waits for ever.
func Wait(wait time.Duration) Option { return Option{"wait", wait} }

// Renew makes the client extend a held lock in the background until it is unlocked, at most for
// the option "max_hold".
func Renew() Option { return Option{"renew", true} }

// Label sets who holds the lock, for people to read.
func Label(label string) Option { return Option{"label", label} }

// Logger makes a client hand the lines of its log to `logger`: failed connections, renewals that
// fail, losses. For [Open].
func Logger(logger *slog.Logger) Option { return Option{"log", logger} }

// OptionInfo describes an option of the C library.
type OptionInfo struct {
	Name    string
	Type    string // "duration", "integer", "boolean", "text" or "bytes"
	Default string // "" for none
	Scope   string // "client", "operation" or "both"
	Calls   string // which calls read it, such as "acquire, extend"; "" for one of a client
	Doc     string
}

// Options lists the options of the library that runs.
func Options() []OptionInfo {
	options := make([]OptionInfo, int(C.redilock_option_count()))
	for i := range options {
		n := C.size_t(i)
		options[i] = OptionInfo{
			Name:    C.GoString(C.redilock_option_name(n)),
			Type:    C.GoString(C.redilock_option_type(n)),
			Default: C.GoString(C.redilock_option_default(n)),
			Scope:   C.GoString(C.redilock_option_scope(n)),
			Calls:   C.GoString(C.redilock_option_calls(n)),
			Doc:     C.GoString(C.redilock_option_doc(n)),
		}
	}
	return options
}

// A setter passes text or a number to the library: to the options of a client or of an operation.
type setter struct {
	text   func(name *C.char, value *C.char, size C.size_t)
	number func(name *C.char, value C.int64_t)
}

// set passes one option on. The library keeps a failure and returns it from the call that follows;
// only what cannot be passed is an error here.
func (o Option) set(to setter) error {
	if strings.IndexByte(o.name, 0) >= 0 {
		return o.refused("its name holds a NUL")
	}
	name := C.CString(o.name)
	defer C.free(unsafe.Pointer(name))
	switch value := o.value.(type) {
	case string:
		to.text(name, chars(value), C.size_t(len(value)))
	case []byte:
		to.text(name, chars(string(value)), C.size_t(len(value)))
	case bool:
		var number C.int64_t
		if value {
			number = 1
		}
		to.number(name, number)
	case int:
		to.number(name, C.int64_t(value))
	case int64:
		to.number(name, C.int64_t(value))
	case time.Duration:
		to.number(name, milliseconds(o.name, value))
	default:
		return o.refused(fmt.Sprintf("a value of the type %T cannot be passed", value))
	}
	return nil
}

func (o Option) refused(why string) error {
	return &Error{Status: ErrInvalid, Op: "option", Message: fmt.Sprintf("option %q: %s", o.name, why)}
}

// milliseconds rounds so that a lease never ends later, and a wait never earlier, than was asked
// for.
func milliseconds(name string, d time.Duration) C.int64_t {
	if d < 0 {
		return -1
	}
	ms := d / time.Millisecond
	if name == "wait" && d%time.Millisecond > 0 {
		ms++
	}
	return C.int64_t(ms)
}

// empty stands for the bytes of an empty string, which may have no address.
var empty [1]byte

// chars returns the bytes of a string for a call that copies them.
func chars(s string) *C.char {
	if s == "" {
		return (*C.char)(unsafe.Pointer(&empty[0]))
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s)))
}
