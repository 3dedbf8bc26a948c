package redilock_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"redilock.test/redilock"
)

// start runs this program again, in a part of playPart.
func start(t *testing.T, part string) *exec.Cmd {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "REDILOCK_TEST_PART="+part)
	process.Stderr = os.Stderr
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return process
}

func playPart(part string) int {
	client, err := redilock.Open("")
	if err != nil {
		return 1
	}
	defer client.Close()
	if file, is := strings.CutPrefix(part, "count:"); is {
		return count(client, file)
	}
	// Hold a lock, say so, and be killed.
	_, err = client.Lock(context.Background(), part, redilock.TTL(2*time.Second), redilock.Renew())
	if err != nil {
		return 1
	}
	fmt.Println("held")
	select {}
}

const (
	fighters = 4  // processes
	hands    = 5  // goroutines of each
	rounds   = 40 // of each goroutine
)

// count adds to the number in a file, which nothing but the lock protects.
func count(client *redilock.Client, file string) int {
	failures := make(chan error, hands*rounds)
	add := func(context.Context, *redilock.Lock) error { return addOne(file) }
	var all sync.WaitGroup
	for i := 0; i < hands; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < rounds; i++ {
				failures <- client.Do(context.Background(), "count", add, redilock.TTL(time.Minute))
			}
		}()
	}
	all.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func addOne(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var number int
	if _, err := fmt.Sscan(string(text), &number); err != nil {
		return err
	}
	return os.WriteFile(file, fmt.Append(nil, number+1), 0o600)
}

func TestProcessesFightForOneLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "number")
	check(t, os.WriteFile(file, []byte("0"), 0o600))
	var processes []*exec.Cmd
	for i := 0; i < fighters; i++ {
		process := start(t, "count:"+file)
		check(t, process.Start())
		processes = append(processes, process)
	}
	for _, process := range processes {
		check(t, process.Wait())
	}
	number, err := os.ReadFile(file)
	check(t, err)
	if string(number) != fmt.Sprint(fighters*hands*rounds) {
		t.Fatalf("%s instead of %d", number, fighters*hands*rounds)
	}
}

func TestLockOfAKilledProcessIsGranted(t *testing.T) {
	process := start(t, "killed")
	output, err := process.StdoutPipe()
	check(t, err)
	check(t, process.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatal(line, err)
	}
	client := open(t)
	_, err = client.TryLock(soon(t), "killed")
	expectError(t, err, redilock.ErrHeld)
	check(t, process.Process.Kill())
	process.Wait()
	check(t, lock(t, client, "killed").Unlock())
}
