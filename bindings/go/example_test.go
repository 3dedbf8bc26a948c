package redilock_test

import (
	"context"
	"errors"
	"fmt"
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
	err := client.Do(context.Background(), "report", func(ctx context.Context, lock *redilock.Lock) error {
		select {
		case <-ctx.Done(): // the lock was lost
			return context.Cause(ctx)
		case <-time.After(time.Millisecond): // a step of the work
			fmt.Println("reported")
			return nil
		}
	}, redilock.Renew(), redilock.Wait(5*time.Second))
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
	fmt.Println(errors.Is(err, redilock.ErrHeld))
	// Output: true
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
	lock, err := client.Attach(context.Background(), "upload", token, redilock.TTL(time.Minute), redilock.Renew())
	fmt.Println(err)
	fmt.Println(lock.Unlock())
	// Output:
	// <nil>
	// <nil>
}

func ExampleWithOption() {
	client, _ := redilock.Open("", redilock.WithOption("prefix", "shop:"), redilock.WithOption("timeout", "2s"))
	defer client.Close()
	_, err := client.Lock(context.Background(), "till", redilock.WithOption("ttl", "soon"))
	fmt.Println(errors.Is(err, redilock.ErrInvalid))
	// Output: true
}
