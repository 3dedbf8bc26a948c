// The one goroutine that takes the completions of a client and hands them to those who wait.

package redilock

/*
#include <redilock/redilock.h>
*/
import "C"

// read runs until the client is closed and every request has its completion, then frees the client.
func (k *core) read() {
	if raw, err := k.file.SyscallConn(); err == nil {
		// The poller is edge-triggered: drain returns false only after a call that took nothing.
		raw.Read(func(uintptr) bool { return k.drain() })
	}
	k.file.Close()
	k.using.Lock()
	freed := k.c
	k.c = nil
	k.last = numbers(freed)
	if k.logger != nil {
		for left := nextLine(freed); left != nil; left = nextLine(freed) {
			k.left = append(k.left, left)
		}
	}
	k.using.Unlock()
	close(k.logs)
	C.redilock_free(freed)
	close(k.done)
}

// drain takes all completions that wait. It returns true when there will be no more.
func (k *core) drain() bool {
	var tag C.uint64_t
	var kind, status C.int32_t
	for {
		if C.redilock_client_next(k.c, &tag, &kind, &status) != C.REDILOCK_OK {
			k.abandon()
			return true
		}
		switch kind {
		case 0:
			return false
		case C.REDILOCK_COMPLETION_LOSS:
			if lost := k.forgetWatch(uint64(tag)); lost != nil {
				lost.lose()
			}
		case C.REDILOCK_COMPLETION_LOG:
			select {
			case k.logs <- struct{}{}:
			default: // the logging goroutine is about to read
			}
		default:
			if r := k.forget(uint64(tag)); r != nil {
				r.done <- Status(status)
			}
		}
	}
}

// abandon ends what remains after the last completion: the contexts of held locks, which nobody
// watches and renews any more. On a closed client no request is left.
func (k *core) abandon() {
	k.mu.Lock()
	pending, watched := k.pending, k.watched
	k.pending, k.watched = map[uint64]*request{}, map[uint64]*lease{}
	k.mu.Unlock()
	for _, r := range pending {
		r.done <- ErrClosed
	}
	for _, l := range watched {
		l.cancel(&Error{Status: ErrClosed, Op: "watch", Lock: l.name})
	}
}

// expect registers a request before it is submitted, since its completion may come at once.
func (k *core) expect(r *request) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lastTag++
	k.pending[k.lastTag] = r
	return k.lastTag
}

func (k *core) forget(tag uint64) *request {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.pending[tag]
	delete(k.pending, tag)
	return r
}

func (k *core) expectLoss(l *lease) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lastTag++
	k.watched[k.lastTag] = l
	return k.lastTag
}

func (k *core) forgetWatch(tag uint64) *lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.watched[tag]
	delete(k.watched, tag)
	return l
}
