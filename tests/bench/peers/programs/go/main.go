// Locks of Go: LIBRARY PORT NAME SECONDS HOLD_US THINK_US, one line of JSON.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/bsm/redislock"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

// acquire takes the lock and returns what releases it.
type acquire func() (release func(), err error)

func withRedsync(client *redis.Client, name string) acquire {
	locks := redsync.New(goredis.NewPool(client))
	return func() (func(), error) {
		mutex := locks.NewMutex(name, redsync.WithExpiry(30*time.Second), redsync.WithTries(1000000))
		if err := mutex.LockContext(ctx); err != nil {
			return nil, err
		}
		return func() { mutex.UnlockContext(ctx) }, nil
	}
}

func withRedislock(client *redis.Client, name string) acquire {
	locks := redislock.New(client)
	options := &redislock.Options{RetryStrategy: redislock.LinearBackoff(100 * time.Millisecond)}
	return func() (func(), error) {
		lock, err := locks.Obtain(ctx, name, 30*time.Second, options)
		if err != nil {
			return nil, err
		}
		return func() { lock.Release(ctx) }, nil
	}
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	if len(os.Args) != 7 {
		log.Fatal("LIBRARY PORT NAME SECONDS HOLD_US THINK_US")
	}
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Args[2]})
	libraries := map[string]func(*redis.Client, string) acquire{
		"redsync": withRedsync, "redislock": withRedislock,
	}
	take := libraries[os.Args[1]](client, os.Args[3])
	seconds := time.Duration(number(os.Args[4]) * float64(time.Second))
	hold := time.Duration(number(os.Args[5])) * time.Microsecond
	think := time.Duration(number(os.Args[6])) * time.Microsecond

	if begin := os.Getenv("BENCH_AT"); begin != "" {
		time.Sleep(time.Until(time.UnixMilli(int64(number(begin) * 1e3))))
	}
	var took []float64
	failed := 0
	for end := time.Now().Add(seconds); time.Now().Before(end); time.Sleep(think) {
		begun := time.Now()
		release, err := take()
		if err != nil {
			failed++
			continue
		}
		time.Sleep(hold)
		release()
		took = append(took, float64(time.Since(begun).Nanoseconds())/1e3)
	}
	sort.Float64s(took)
	at := func(part float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return took[int(float64(len(took))*part)]
	}
	fmt.Printf("{\"turns\":%d,\"failed\":%d,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", len(took), failed, at(.5), at(.99))
}
