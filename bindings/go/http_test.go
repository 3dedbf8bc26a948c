package redilock_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"redilock.test/redilock"
)

// A handler that lets one request at a time, of all servers, work on an account. A user who goes
// away leaves the queue.
func ExampleClient_httpServer() {
	client, _ := redilock.Open("")
	defer client.Close()
	server := httptest.NewServer(bookings(client, func(ctx context.Context) error { return nil }))
	defer server.Close()

	reply, err := http.Post(server.URL+"/book?account=42", "", nil)
	if err != nil {
		panic(err)
	}
	defer reply.Body.Close()
	fmt.Println(reply.Status)
	// Output: 200 OK
}

func bookings(client *redilock.Client, book func(ctx context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "account:" + r.FormValue("account")
		err := client.Do(r.Context(), name, func(ctx context.Context, lock *redilock.Lock) error {
			return book(ctx)
		}, redilock.TTL(10*time.Second), redilock.Wait(5*time.Second))
		switch {
		case errors.Is(err, redilock.ErrTimeout):
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}

func TestHTTPRequestsQueue(t *testing.T) {
	client := open(t)
	var working, most, booked int // no mutex: the lock is one
	server := httptest.NewServer(bookings(client, func(context.Context) error {
		working++
		most = max(most, working)
		booked++
		working--
		return nil
	}))
	defer server.Close()
	var all sync.WaitGroup
	for i := 0; i < 20; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			reply, err := http.Post(server.URL+"?account=1", "", nil)
			if err != nil || reply.StatusCode != http.StatusOK {
				t.Error(reply, err)
			}
			if err == nil {
				reply.Body.Close()
			}
		}()
	}
	all.Wait()
	if most != 1 || booked != 20 {
		t.Fatal(most, booked)
	}
}

func TestHTTPUserWhoGoesAwayLeavesTheQueue(t *testing.T) {
	client := open(t)
	held := lock(t, client, "account:1")
	server := httptest.NewServer(bookings(client, func(context.Context) error { return nil }))
	defer server.Close()
	ctx, goAway := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", server.URL+"?account=1", nil)
	check(t, err)
	ended := make(chan error)
	go func() {
		_, err := http.DefaultClient.Do(request)
		ended <- err
	}()
	untilWaiting(t, client, "account:1", 1)
	goAway()
	expectError(t, <-ended, context.Canceled)
	untilWaiting(t, client, "account:1", 0)
	check(t, held.Unlock())
}
