package redilock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"redilock.test/redilock"
)

func TestContextEndsWhenTheLockIsBroken(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job", redilock.TTL(time.Second), redilock.Renew())
	defer held.Unlock()
	ctx := held.Context()
	check(t, ctx.Err())
	check(t, open(t).Break(soon(t), "job"))
	expectEnd(t, ctx)
	cause := context.Cause(ctx)
	expectError(t, cause, redilock.ErrLost)
	if !strings.Contains(cause.Error(), "job") {
		t.Fatal(cause)
	}
	expectError(t, held.Unlock(), redilock.ErrLost)
}

func TestContextEndsWithTheLease(t *testing.T) {
	held := lock(t, open(t), "job", redilock.TTL(200*time.Millisecond))
	expectEnd(t, held.Context())
	expectError(t, context.Cause(held.Context()), redilock.ErrLost)
	expectError(t, held.Extend(soon(t), time.Minute), redilock.ErrLost)
}

func TestContextEndsAtTheUnlock(t *testing.T) {
	held := lock(t, open(t), "job")
	ctx, late := held.Context(), context.Context(nil)
	check(t, held.Unlock())
	late = held.Context()
	for _, ctx := range []context.Context{ctx, late} {
		expectEnd(t, ctx)
		expectError(t, context.Cause(ctx), redilock.ErrUnlocked)
	}
}

func TestContextOutlivesThatOfTheWait(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
	held, err := open(t).Lock(ctx, "job")
	check(t, err)
	defer held.Unlock()
	cancel()
	check(t, held.Context().Err())
	if held.Context().Value(key{}) != "value" {
		t.Fatal("the values of the context are gone")
	}
}

func TestRenewalKeepsTheLock(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job", redilock.TTL(2*time.Second), redilock.Renew())
	defer held.Unlock()
	const ttlAndMore = 2500 * time.Millisecond
	for begun := time.Now(); time.Since(begun) < ttlAndMore; time.Sleep(50 * time.Millisecond) {
		if held.Context().Err() != nil {
			t.Fatal(context.Cause(held.Context()))
		}
	}
	_, err := client.TryLock(soon(t), "job")
	expectError(t, err, redilock.ErrHeld)
}

func TestDoUnlocksAndJoinsErrors(t *testing.T) {
	client := open(t)
	failure := errors.New("the disk is full")
	err := client.Do(soon(t), "job", func(ctx context.Context, held *redilock.Lock) error {
		check(t, ctx.Err())
		return failure
	})
	expectError(t, err, failure)
	nothing := func(context.Context, *redilock.Lock) error { return nil }
	check(t, client.Do(soon(t), "job", nothing, redilock.Wait(0)))
}

func TestDoTellsOfALoss(t *testing.T) {
	client := open(t)
	err := client.Do(soon(t), "job", func(ctx context.Context, held *redilock.Lock) error {
		check(t, client.Break(soon(t), "job"))
		expectEnd(t, ctx)
		return context.Cause(ctx)
	}, redilock.TTL(time.Second), redilock.Renew())
	expectError(t, err, redilock.ErrLost)
}

func TestDoUnlocksAfterAPanic(t *testing.T) {
	client := open(t)
	func() {
		defer func() { recover() }()
		client.Do(soon(t), "job", func(context.Context, *redilock.Lock) error { panic("oh") })
	}()
	held, err := client.TryLock(soon(t), "job")
	check(t, err)
	check(t, held.Unlock())
}
