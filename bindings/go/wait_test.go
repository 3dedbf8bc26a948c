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
