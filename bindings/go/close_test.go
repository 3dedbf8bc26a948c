package redilock_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"redilock.test/redilock"
)

func TestCloseEndsWaits(t *testing.T) {
	holder, client := open(t), open(t)
	held := lock(t, holder, "job")
	defer held.Unlock()
	ended := make(chan error)
	for i := 0; i < 10; i++ {
		go func() {
			_, err := client.Lock(context.Background(), "job")
			ended <- err
		}()
	}
	untilWaiting(t, holder, "job", 10)
	check(t, client.Close())
	for i := 0; i < 10; i++ {
		expectError(t, <-ended, redilock.ErrClosed)
	}
	untilWaiting(t, holder, "job", 0)
	check(t, client.Close())
}

func TestClosedClientSaysSo(t *testing.T) {
	client := open(t)
	held := lock(t, client, "job", redilock.TTL(time.Second))
	check(t, client.Close())
	_, err := client.Lock(soon(t), "other")
	expectError(t, err, redilock.ErrClosed)
	_, err = client.List(soon(t), "")
	expectError(t, err, redilock.ErrClosed)
	expectError(t, held.Extend(soon(t), time.Minute), redilock.ErrClosed)
	expectError(t, held.Unlock(), redilock.ErrClosed)
	if stats := client.Stats(); stats["acquired"] != 1 {
		t.Fatal(stats)
	}
	check(t, lock(t, open(t), "job").Unlock()) // the lease has run out
}

func TestCloseEndsContexts(t *testing.T) {
	client := open(t)
	ctx := lock(t, client, "job", redilock.TTL(time.Second), redilock.Renew()).Context()
	check(t, client.Close())
	expectEnd(t, ctx)
	expectError(t, context.Cause(ctx), redilock.ErrClosed)
	check(t, lock(t, open(t), "job").Unlock())
}

func TestCloseWhileManyLock(t *testing.T) {
	client := open(t)
	var all sync.WaitGroup
	for i := 0; i < 20; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				held, err := client.Lock(context.Background(), "job", redilock.TTL(time.Second))
				if err != nil {
					expectError(t, err, redilock.ErrClosed)
					return
				}
				held.Held()
				client.Stats()
				held.Unlock()
			}
		}()
	}
	for client.Stats()["acquired"] < 100 {
		runtime.Gosched()
	}
	check(t, client.Close())
	all.Wait()
	check(t, lock(t, open(t), "job").Unlock())
}

func TestForgottenClientEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		client, err := redilock.Open(url)
		check(t, err)
		check(t, lock(t, client, "job").Unlock())
	}()
	for begun := time.Now(); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatal("the reader still runs")
		}
		runtime.GC()
	}
}

type lines struct {
	slog.Handler
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until returns when a text has been written.
func (l *lines) until(t *testing.T, text string) {
	t.Helper()
	for begun := time.Now(); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("no %s in: %s", text, l.String())
		}
	}
}

func TestLoggerGetsLines(t *testing.T) {
	var got lines
	client := open(t, redilock.Logger(slog.New(slog.NewTextHandler(&got, nil))))
	held := lock(t, client, "job", redilock.TTL(time.Second), redilock.Renew())
	ctx := held.Context()
	check(t, client.Break(soon(t), "job"))
	expectEnd(t, ctx)
	got.until(t, "level=ERROR")
	held.Unlock()
	check(t, client.Close())
}

// A close hands on the lines that wait, also those of its own moment.
func TestLoggerGetsTheLastLines(t *testing.T) {
	var got lines
	logger := slog.New(slog.NewTextHandler(&got, nil))
	nobody, err := redilock.Open("unix:///nonesuch.sock", redilock.WithOption("timeout", "50ms"),
		redilock.Logger(logger), redilock.WithOption("log_notify", false))
	check(t, err)
	_, err = nobody.TryLock(soon(t), "job")
	expectError(t, err, redilock.ErrUnavailable)
	check(t, nobody.Close())
	got.until(t, "nonesuch.sock")
}
