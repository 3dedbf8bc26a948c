// The uncontended pair of an acquire and a release by redilock, by redsync, and by raw commands of
// go-redis (SET NX PX, and a compare-and-delete script): interleaved rounds against one server, as
// ratios to the raw commands of the same round. ./run.sh runs it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
	"redilock.test/redilock"
)

const (
	rounds = 31
	pairs  = 500 // of each in a round
)

var ctx = context.Background()

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

var release = redis.NewScript(
	`if redis.call("get", KEYS[1]) ~= ARGV[1] then return 0 end
	return redis.call("del", KEYS[1])`)

func raw(client *redis.Client) func() {
	check(release.Load(ctx, client).Err())
	return func() {
		set, err := client.SetNX(ctx, "raw", "token", 30*time.Second).Result()
		check(err)
		deleted, err := release.Run(ctx, client, []string{"raw"}, "token").Int()
		check(err)
		if !set || deleted != 1 {
			log.Fatal("the raw lock was not free")
		}
	}
}

func byRedilock(client *redilock.Client) func() {
	return func() {
		lock, err := client.Lock(ctx, "redilock-pair", redilock.TTL(30*time.Second))
		check(err)
		check(lock.Unlock())
	}
}

func byRedsync(sync *redsync.Redsync) func() {
	return func() {
		mutex := sync.NewMutex("redsync-pair", redsync.WithExpiry(30*time.Second))
		check(mutex.Lock())
		_, err := mutex.Unlock()
		check(err)
	}
}

func perPair(pair func()) float64 {
	begun := time.Now()
	for i := 0; i < pairs; i++ {
		pair()
	}
	return float64(time.Since(begun).Nanoseconds()) / pairs / 1000
}

// print shows the median, and between which values half of the rounds are.
func print(name string, values []float64, unit string) {
	sort.Float64s(values)
	n := len(values)
	middle, low, high := values[n/2], values[n/4], values[n-1-n/4]
	fmt.Printf("%-28s %7.2f%s  (%.2f to %.2f)\n", name, middle, unit, low, high)
}

func main() {
	url := os.Getenv("REDILOCK_URL")
	usual := redis.NewClient(&redis.Options{Network: "unix", Addr: strings.TrimPrefix(url, "unix://")})
	defer usual.Close()
	ours, err := redilock.Open(url)
	check(err)
	defer ours.Close()
	names := []string{"raw commands", "redilock", "redsync"}
	calls := []func(){raw(usual), byRedilock(ours), byRedsync(redsync.New(goredis.NewPool(usual)))}
	for _, call := range calls {
		perPair(call)
	}
	times, ratios := make([][]float64, len(calls)), make([][]float64, len(calls))
	for round := 0; round < rounds; round++ {
		took := make([]float64, len(calls))
		for i := range calls {
			i = (i + round) % len(calls) // each is first in turn
			took[i] = perPair(calls[i])
		}
		for i := range calls {
			times[i] = append(times[i], took[i])
			ratios[i] = append(ratios[i], took[i]/took[0])
		}
	}
	fmt.Printf("%d rounds of %d pairs; medians, and the range of the middle half\n", rounds, pairs)
	for i, name := range names {
		print(name, times[i], " µs")
	}
	for i, name := range names[1:] {
		print(name+" / raw commands", ratios[i+1], "")
	}
}
