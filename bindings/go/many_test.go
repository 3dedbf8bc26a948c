package redilock_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redilock.test/redilock"
)

const (
	manyNames = 100
	perName   = 100
)

// 10,000 goroutines wait on 100 names: they need no threads of their own, and each name serves them
// all, one at a time.
func TestTenThousandWaiters(t *testing.T) {
	holder := open(t)
	var held [manyNames]*redilock.Lock
	for i := range held {
		held[i] = lock(t, holder, fmt.Sprint("many:", i), redilock.TTL(time.Hour))
	}
	client := open(t)
	threads, memory := status(t, "Threads"), status(t, "VmRSS")
	var served [manyNames]int // no mutex: the locks are
	failures := make(chan error, manyNames*perName)
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	var all sync.WaitGroup
	begun := time.Now()
	for i := 0; i < manyNames*perName; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			failures <- client.Do(ctx, fmt.Sprint("many:", i), func(context.Context, *redilock.Lock) error {
				served[i]++
				return nil
			})
		}(i % manyNames)
	}
	for i := range held {
		untilWaiting(t, holder, fmt.Sprint("many:", i), perName)
	}
	queued := time.Since(begun)
	grown, taken := status(t, "Threads")-threads, status(t, "VmRSS")-memory
	begun = time.Now()
	for i := range held {
		check(t, held[i].Unlock())
	}
	all.Wait()
	for i := 0; i < manyNames*perName; i++ {
		check(t, <-failures)
	}
	for _, n := range served {
		if n != perName {
			t.Fatal(served)
		}
	}
	t.Logf("%d waiters: %d threads and %.1f MiB more; queued in %v, served in %v",
		manyNames*perName, grown, float64(taken)/1024, queued, time.Since(begun))
	if limit := int64(runtime.GOMAXPROCS(0) + 20); grown > limit {
		t.Fatalf("%d threads more", grown)
	}
}

// status reads a number of this process from the kernel; memory is in KiB.
func status(t *testing.T, name string) (value int64) {
	t.Helper()
	file, err := os.Open("/proc/self/status")
	check(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, is := strings.CutPrefix(lines.Text(), name+":"); is {
			_, err := fmt.Sscan(rest, &value)
			check(t, err)
			return value
		}
	}
	t.Fatal("no ", name)
	return 0
}

// Goroutines and commands wait in one queue, and are served in the order in which they came.
func TestOneQueueWithTheCommand(t *testing.T) {
	command := os.Getenv("REDILOCK_CLI")
	if command == "" {
		t.Skip("REDILOCK_CLI does not name the redilock command")
	}
	client := open(t)
	held := lock(t, client, "job")
	var mu sync.Mutex
	var order, wanted []string
	note := func(who string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, who)
	}
	ended := make(chan error)
	for i := 0; i < 6; i++ {
		who := fmt.Sprint(i)
		wanted = append(wanted, who)
		if i%2 == 0 {
			go func() {
				ended <- client.Do(soon(t), "job", func(context.Context, *redilock.Lock) error {
					note(who)
					return nil
				})
			}()
		} else {
			run := exec.Command(command, "run", "job", "--", "cat") // holds until its input ends
			input, err := run.StdinPipe()
			check(t, err)
			output, err := run.StdoutPipe()
			check(t, err)
			check(t, run.Start())
			t.Cleanup(func() { run.Process.Kill() })
			fmt.Fprintln(input, who)
			go func() {
				line, err := bufio.NewReader(output).ReadString('\n') // comes when the command is granted
				if err == nil {
					note(strings.TrimSpace(line))
				}
				input.Close()
				ended <- run.Wait()
			}()
		}
		untilWaiting(t, client, "job", int64(i+1))
	}
	check(t, held.Unlock())
	for range wanted {
		check(t, <-ended)
	}
	if !slices.Equal(order, wanted) {
		t.Fatalf("%v instead of %v", order, wanted)
	}
}
