package redilock_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"redilock.test/redilock"
)

func TestLockIsHeldUntilUnlock(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job", redilock.TTL(time.Minute), redilock.Label("me"))
	if !held.Held() || held.Remaining() < 30*time.Second ||
		held.Name() != "job" || held.Token() == "" {
		t.Fatal("the lock is not held")
	}
	info, err := client.Info(soon(t), "job")
	check(t, err)
	if info.State != redilock.Held || info.Label != "me" || info.Remaining <= 0 {
		t.Fatalf("unexpected: %+v", info)
	}
	check(t, held.Unlock())
	if held.Held() || held.Remaining() != 0 {
		t.Fatal("the lock is held after the unlock")
	}
	info, err = client.Info(soon(t), "job")
	check(t, err)
	if info.State != redilock.Free {
		t.Fatalf("unexpected: %+v", info)
	}
	expectError(t, held.Unlock(), redilock.ErrNotOwner)
	expectError(t, held.Extend(soon(t), time.Minute), redilock.ErrNotOwner)
}

func TestTryLockNamesTheHolder(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job", redilock.Label("somebody"))
	defer held.Unlock()
	_, err := client.TryLock(soon(t), "job")
	expectError(t, err, redilock.ErrHeld)
	var failure *redilock.Error
	if !errors.As(err, &failure) || failure.Lock != "job" || failure.Op != "lock" {
		t.Fatalf("%#v", err)
	}
	if !strings.Contains(err.Error(), "job") || !strings.Contains(err.Error(), "somebody") {
		t.Fatal(err)
	}
	var status redilock.Status
	if !errors.As(err, &status) || status.Name() != "REDILOCK_E_HELD" {
		t.Fatal(status)
	}
}

func TestFencesRise(t *testing.T) {
	client := open(t)
	var last int64
	for i := 0; i < 3; i++ {
		held := lock(t, client, "job")
		if held.Fence() <= last {
			t.Fatalf("fence %d after %d", held.Fence(), last)
		}
		last = held.Fence()
		check(t, held.Unlock())
	}
}

func TestExtendLengthensTheLease(t *testing.T) {
	held := lock(t, open(t), "job", redilock.TTL(time.Minute))
	defer held.Unlock()
	check(t, held.Extend(soon(t), time.Hour))
	if held.Remaining() < 30*time.Minute {
		t.Fatal(held.Remaining())
	}
	expectError(t, held.Extend(soon(t), -time.Second), redilock.ErrInvalid)
}

func TestNamesHoldAnyByte(t *testing.T) {
	client := open(t)
	name := "a\x00b\xff"
	held := lock(t, client, name)
	names, err := client.List(soon(t), "a*")
	check(t, err)
	if len(names) != 1 || names[0] != name || held.Name() != name {
		t.Fatalf("%q", names)
	}
	check(t, held.Unlock())
	names, err = client.List(soon(t), "")
	check(t, err)
	for _, found := range names {
		if found == name {
			t.Fatal("the name is listed after the unlock")
		}
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	client := open(t)
	for _, bad := range []struct {
		option redilock.Option
		word   string
	}{
		{redilock.WithOption("nonesuch", "1"), "nonesuch"},
		{redilock.WithOption("ttl", "soon"), "ttl"},
		{redilock.WithOption("ttl", 1.5), "ttl"},
		{redilock.WithOption("x\x00y", 1), "NUL"},
		{redilock.TTL(0), "ttl"},
		{redilock.WithOption("token", "t"), "token"},
		{redilock.WithOption("timeout", time.Second), "timeout"},
	} {
		_, err := client.TryLock(soon(t), "job", bad.option)
		expectError(t, err, redilock.ErrInvalid)
		if !strings.Contains(err.Error(), bad.word) {
			t.Errorf("no %s in: %v", bad.word, err)
		}
	}
	_, err := client.TryLock(soon(t), "")
	expectError(t, err, redilock.ErrInvalid)
}

func TestOpenRefusesWhatIsWrong(t *testing.T) {
	_, err := redilock.Open("nonesuch://host")
	expectError(t, err, redilock.ErrInvalid)
	_, err = redilock.Open("redis://a\x00b")
	expectError(t, err, redilock.ErrInvalid)
	_, err = redilock.Open("", redilock.WithOption("nonesuch", 1))
	expectError(t, err, redilock.ErrInvalid)
	_, err = redilock.Open("", redilock.WithOption("timeout", []int{1}))
	expectError(t, err, redilock.ErrInvalid)
}

func TestOptionsOfAClientAreDefaults(t *testing.T) {
	client := open(t, redilock.TTL(time.Hour), redilock.WithOption("prefix", "p:"), redilock.Wait(0))
	held := lock(t, client, "job")
	defer held.Unlock()
	if held.Remaining() < 30*time.Minute {
		t.Fatal(held.Remaining())
	}
	_, err := client.Lock(soon(t), "job")
	expectError(t, err, redilock.ErrHeld)
	info, err := open(t).Info(soon(t), "p:job")
	check(t, err)
	if info.State == redilock.Free {
		t.Fatal("the prefix is not used")
	}
}

func TestOptionsAreListed(t *testing.T) {
	for _, option := range redilock.Options() {
		if option.Name == "ttl" && option.Type == "duration" &&
			option.Default == "30s" && option.Scope == "both" &&
			strings.Contains(option.Calls, "acquire") && option.Doc != "" {
			return
		}
	}
	t.Fatal("no ttl")
}

func TestTokenReleasesFromAnotherClient(t *testing.T) {
	held := lock(t, open(t), "job")
	other := open(t)
	expectError(t, other.Release(soon(t), "job", "wrong"), redilock.ErrNotOwner)
	check(t, other.Release(soon(t), "job", held.Token()))
	expectError(t, held.Unlock(), redilock.ErrLost)
}

func TestTokenExtendsFromAnotherClient(t *testing.T) {
	held := lock(t, open(t), "job", redilock.TTL(time.Minute))
	defer held.Unlock()
	other := open(t)
	expectError(t, other.Extend(soon(t), "job", "wrong", time.Hour), redilock.ErrNotOwner)
	check(t, other.Extend(soon(t), "job", held.Token(), time.Hour))
	info, err := other.Info(soon(t), "job")
	check(t, err)
	if info.Remaining < 30*time.Minute || !info.IsHeldBy(held.Token()) ||
		info.IsHeldBy("wrong") || info.IsHeldBy("") {
		t.Fatalf("%+v", info)
	}
}

// Options go to the library, which knows what each call reads.
func TestCallsTakeOptions(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job")
	defer held.Unlock()
	_, err := client.Check(soon(t),
		redilock.WithOption("name", "job"), redilock.WithOption("interruptible", false))
	check(t, err)
	fence := redilock.WithOption("fence", false)
	_, err = client.Check(soon(t), fence)
	expectError(t, err, redilock.ErrInvalid)
	_, err = client.Info(soon(t), "job", fence)
	expectError(t, err, redilock.ErrInvalid)
	expectError(t, client.Break(soon(t), "job", fence), redilock.ErrInvalid)
	expectError(t, client.Release(soon(t), "job", held.Token(), fence), redilock.ErrInvalid)
	expectError(t, client.Extend(soon(t), "job", held.Token(), time.Hour, fence), redilock.ErrInvalid)
}

func TestAttachTakesOverADetachedLock(t *testing.T) {
	client, other := open(t), open(t)
	held := lock(t, client, "job", redilock.Renew())
	ctx := held.Context()
	token := held.Detach()
	expectEnd(t, ctx)
	expectError(t, context.Cause(ctx), redilock.ErrUnlocked)
	attached, err := other.Attach(soon(t), "job", token, redilock.TTL(time.Hour), redilock.Renew())
	check(t, err)
	if !attached.Held() || attached.Remaining() < 30*time.Minute || attached.Token() != token {
		t.Fatal("not attached")
	}
	check(t, attached.Unlock())
	_, err = other.Attach(soon(t), "job", token)
	expectError(t, err, redilock.ErrNotOwner)
}

func TestForgottenLockIsReleased(t *testing.T) {
	client := open(t)
	func() { lock(t, client, "job", redilock.TTL(time.Hour), redilock.Renew()).Context() }()
	collected := make(chan struct{})
	go func() {
		for {
			select {
			case <-collected:
				return
			case <-time.After(time.Millisecond):
				runtime.GC()
			}
		}
	}()
	defer close(collected)
	check(t, lock(t, client, "job").Unlock())
}

func TestContextKeepsItsLock(t *testing.T) {
	client := open(t)
	ctx := lock(t, client, "job", redilock.TTL(time.Hour)).Context()
	for i := 0; i < 5; i++ {
		runtime.GC()
	}
	_, err := client.TryLock(soon(t), "job")
	expectError(t, err, redilock.ErrHeld)
	check(t, ctx.Err())
	check(t, client.Break(soon(t), "job"))
}

func TestCheckTellsTheServer(t *testing.T) {
	server, err := open(t).Check(soon(t))
	check(t, err)
	if !strings.Contains(server, "edis") && !strings.Contains(server, "alkey") {
		t.Fatal(server)
	}
	nobody, err := redilock.Open("unix:///nonesuch.sock", redilock.WithOption("timeout", "50ms"))
	check(t, err)
	defer nobody.Close()
	_, err = nobody.Check(soon(t))
	expectError(t, err, redilock.ErrUnavailable)
	var failure *redilock.Error
	if !errors.As(err, &failure) || !failure.Retriable ||
		!strings.Contains(err.Error(), "nonesuch.sock") {
		t.Fatal(err)
	}
}

func TestStatsCount(t *testing.T) {
	client := open(t)
	check(t, lock(t, client, "job").Unlock())
	stats := client.Stats()
	if stats["acquired"] != 1 || len(stats) != len(redilock.Statistics()) {
		t.Fatal(stats)
	}
	for _, stat := range redilock.Statistics() {
		_, is := stats[stat.Name]
		if !is || stat.Doc == "" || stat.Type != "counter" && stat.Type != "gauge" {
			t.Fatalf("%+v", stat)
		}
	}
}
