package redilock_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"redilock.test/redilock"
)

func TestWaiterIsGrantedAtTheUnlock(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	granted := make(chan error)
	go func() {
		next, err := client.Lock(soon(t), "job")
		if err == nil {
			err = next.Unlock()
		}
		granted <- err
	}()
	untilWaiting(t, client, "job", 1)
	info, err := client.Info(soon(t), "job")
	check(t, err)
	if len(info.Waiters) != 1 || info.Waiters[0].Label == "" || info.Waiters[0].Waited < 0 {
		t.Fatalf("%+v", info)
	}
	check(t, held.Unlock())
	check(t, <-granted)
}

func TestWaitEndsInTime(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	defer held.Unlock()
	begun := time.Now()
	_, err := client.Lock(soon(t), "job", redilock.Wait(50*time.Millisecond))
	expectError(t, err, redilock.ErrTimeout)
	if waited := time.Since(begun); waited < 50*time.Millisecond {
		t.Fatal(waited)
	}
	untilWaiting(t, client, "job", 0)
}

func TestWaitIsRoundedUp(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	defer held.Unlock()
	_, err := client.Lock(soon(t), "job", redilock.Wait(time.Microsecond))
	expectError(t, err, redilock.ErrTimeout) // and not ErrHeld, as a try would
}

func TestNegativeWaitIsForEver(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	ended := make(chan error)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := client.Lock(ctx, "job", redilock.Wait(-time.Microsecond))
		ended <- err
	}()
	untilWaiting(t, client, "job", 1)
	cancel()
	expectError(t, <-ended, redilock.ErrCancelled)
	check(t, held.Unlock())
}

func TestContextEndsAWait(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	defer held.Unlock()
	cause := errors.New("the user went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	go func() {
		_, err := client.Lock(ctx, "job")
		ended <- err
	}()
	untilWaiting(t, client, "job", 1)
	cancel(cause)
	expectError(t, <-ended, redilock.ErrCancelled, cause)
	info, err := client.Info(soon(t), "job") // who was cancelled has left the queue
	check(t, err)
	if info.Waiting != 0 {
		t.Fatalf("%+v", info)
	}
	_, err = client.Lock(ctx, "job")
	expectError(t, err, redilock.ErrCancelled, cause)
}

func TestDeadlineEndsAWait(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	defer held.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := client.Lock(ctx, "job")
	expectError(t, err, redilock.ErrCancelled, context.DeadlineExceeded)
}

func TestEndedContextAsksNobody(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	defer held.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	calls := map[string]func() error{
		"attach":  func() error { _, err := client.Attach(ctx, "job", held.Token()); return err },
		"break":   func() error { return client.Break(ctx, "job") },
		"check":   func() error { _, err := client.Check(ctx); return err },
		"extend":  func() error { return held.Extend(ctx, time.Hour) },
		"info":    func() error { _, err := client.Info(ctx, "job"); return err },
		"list":    func() error { _, err := client.List(ctx, ""); return err },
		"lock":    func() error { _, err := client.Lock(ctx, "job"); return err },
		"release": func() error { return client.Release(ctx, "job", held.Token()) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			expectError(t, call(), redilock.ErrCancelled, context.Canceled)
		})
	}
	check(t, held.Extend(soon(t), time.Hour))
}

// A server that stands still does not keep those whose context ends, whatever they asked.
func TestContextEndsCallsOnAServerThatStandsStill(t *testing.T) {
	s, err := startServer()
	check(t, err)
	t.Cleanup(s.stop)
	client, err := redilock.Open(s.url, redilock.WithOption("timeout", "1h"))
	check(t, err)
	t.Cleanup(func() { client.Close() })
	held := lock(t, client, "job")
	token := held.Token()
	calls := map[string]func(context.Context) error{
		"attach": func(ctx context.Context) error {
			_, err := client.Attach(ctx, "job", token)
			return err
		},
		"break":   func(ctx context.Context) error { return client.Break(ctx, "job") },
		"check":   func(ctx context.Context) error { _, err := client.Check(ctx); return err },
		"extend":  func(ctx context.Context) error { return held.Extend(ctx, time.Hour) },
		"info":    func(ctx context.Context) error { _, err := client.Info(ctx, "job"); return err },
		"list":    func(ctx context.Context) error { _, err := client.List(ctx, ""); return err },
		"lock":    func(ctx context.Context) error { _, err := client.Lock(ctx, "free"); return err },
		"waiter":  func(ctx context.Context) error { _, err := client.Lock(ctx, "job"); return err },
		"release": func(ctx context.Context) error { return client.Release(ctx, "job", token) },
	}
	check(t, s.process.Process.Signal(syscall.SIGSTOP))
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			begun := time.Now()
			err := call(ctx)
			expectError(t, err, context.DeadlineExceeded)
			t.Log(time.Since(begun), err)
		})
	}
}

// Whenever a context ends, before the grant, during the direct call or in the queue, the caller
// either has the lock or is out of the queue.
func TestContextsEndAtAnyMoment(t *testing.T) {
	client, watcher := open(t), open(t)
	for _, callers := range []int{1, 20} {
		ended := make(chan error)
		for i := 0; i < callers; i++ {
			go func() { ended <- lockForMoments(client, 2000/callers) }()
		}
		for i := 0; i < callers; i++ {
			check(t, <-ended)
		}
		untilWaiting(t, watcher, "job", 0)
		check(t, lock(t, watcher, "job").Unlock()) // a grant that came too late is released
	}
	stats := client.Stats()
	if stats["acquired"] == 0 || stats["failed"] == 0 ||
		stats["queued_now"] != 0 || stats["held_now"] != 0 {
		t.Fatal(stats)
	}
	t.Log(stats)
}

// lockForMoments locks with contexts that end after 0 to 300 µs.
func lockForMoments(client *redilock.Client, times int) error {
	for i := 0; i < times; i++ {
		moment := time.Duration(i%300) * time.Microsecond
		ctx, cancel := context.WithTimeout(context.Background(), moment)
		held, err := client.Lock(ctx, "job", redilock.TTL(time.Minute))
		cancel()
		if err == nil {
			err = held.Unlock()
		} else if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
