package redilock_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"redilock.test/redilock"
)

func Example() {
	client, err := redilock.Open("") // REDILOCK_URL, or redis://127.0.0.1:6379/0
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lock, err := client.Lock(ctx, "nightly", redilock.TTL(30*time.Second))
	if err != nil {
		panic(err)
	}
	defer lock.Unlock()
	fmt.Println("mine:", lock.Held(), lock.Fence() > 0)
	// Output: mine: true true
}

func ExampleClient_Do() {
	client, _ := redilock.Open("")
	defer client.Close()
	work := func(ctx context.Context, lock *redilock.Lock) error {
		select {
		case <-ctx.Done(): // the lock was lost
			return context.Cause(ctx)
		case <-time.After(time.Millisecond): // a step of the work
			fmt.Println("reported")
			return nil
		}
	}
	ctx := context.Background()
	err := client.Do(ctx, "report", work, redilock.Renew(), redilock.Wait(5*time.Second))
	fmt.Println(err)
	// Output:
	// reported
	// <nil>
}

func ExampleClient_TryLock() {
	client, _ := redilock.Open("")
	defer client.Close()
	lock, _ := client.TryLock(context.Background(), "leader")
	defer lock.Unlock()

	_, err := client.TryLock(context.Background(), "leader")
	if errors.Is(err, redilock.ErrHeld) {
		fmt.Println("another one leads")
	}
	// Output: another one leads
}

func ExampleLock_Context() {
	client, _ := redilock.Open("")
	defer client.Close()
	lock, _ := client.Lock(context.Background(), "job", redilock.TTL(time.Second), redilock.Renew())
	defer lock.Unlock()

	client.Break(context.Background(), "job") // as an operator might
	<-lock.Context().Done()                   // the next renewal finds it lost
	fmt.Println(errors.Is(context.Cause(lock.Context()), redilock.ErrLost))
	// Output: true
}

func ExampleClient_Attach() {
	client, _ := redilock.Open("")
	defer client.Close()
	lock, _ := client.Lock(context.Background(), "upload", redilock.TTL(time.Minute))
	token := lock.Detach()

	// In another process:
	lock, err := client.Attach(context.Background(), "upload", token, redilock.TTL(time.Minute))
	fmt.Println(err)
	fmt.Println(lock.Unlock())
	// Output:
	// <nil>
	// <nil>
}

func ExampleClient_Info() {
	client, _ := redilock.Open("", redilock.Label("worker/7"))
	defer client.Close()
	lock, _ := client.Lock(context.Background(), "till")
	defer lock.Unlock()

	info, err := client.Info(context.Background(), "till")
	if err != nil {
		panic(err)
	}
	fmt.Println(info.State == redilock.Held, info.Label, info.Waiting, info.IsHeldBy(lock.Token()))
	for _, waiter := range info.Waiters {
		fmt.Println(waiter.Label, waiter.Waited)
	}
	// Output: true worker/7 0 true
}

func ExampleLogger() {
	client, _ := redilock.Open("", redilock.Logger(slog.Default()))
	defer client.Close()
	fmt.Println(client.Stats()["acquired"])
	// Output: 0
}

func ExampleWithOption() {
	client, _ := redilock.Open("",
		redilock.WithOption("prefix", "shop:"), redilock.WithOption("timeout", 2*time.Second))
	defer client.Close()
	_, err := client.Lock(context.Background(), "till", redilock.WithOption("ttl", "soon"))
	fmt.Println(errors.Is(err, redilock.ErrInvalid))
	// Output: true
}
