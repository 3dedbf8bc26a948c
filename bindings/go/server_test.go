// A redis-server for the tests, on a unix socket in a folder of its own, and what tests share.

package redilock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"redilock.test/redilock"
)

// patience is for what must come, however busy the machine is.
const patience = 30 * time.Second

type server struct {
	process *exec.Cmd
	folder  string
	url     string
}

func startServer() (*server, error) {
	folder, err := os.MkdirTemp("", "redilock-go")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(folder, "redis.sock")
	s := &server{folder: folder, url: "unix://" + socket}
	s.process = exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
		"--appendonly", "no", "--dir", folder, "--maxclients", "1000")
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		s.stop()
		return nil, err
	}
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(10 * time.Millisecond) {
		if client, err := redilock.Open(s.url); err == nil {
			_, err = client.Check(context.Background())
			client.Close()
			if err == nil {
				return s, nil
			}
		}
	}
	s.stop()
	return nil, errors.New("redis-server did not start")
}

func (s *server) stop() {
	if s.process.Process != nil {
		s.process.Process.Kill()
		s.process.Wait()
	}
	os.RemoveAll(s.folder)
}

// url is the server of all tests but those that stop theirs.
var url string

func TestMain(m *testing.M) {
	if part := os.Getenv("REDILOCK_TEST_PART"); part != "" {
		os.Exit(playPart(part)) // in a process that a test has started
	}
	s, err := startServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	url = s.url
	os.Setenv("REDILOCK_URL", url)
	code := m.Run()
	s.stop()
	os.Exit(code)
}

func open(t testing.TB, options ...redilock.Option) *redilock.Client {
	t.Helper()
	client, err := redilock.Open(url, options...)
	check(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

func lock(t testing.TB, client *redilock.Client, name string,
	options ...redilock.Option) *redilock.Lock {
	t.Helper()
	lock, err := client.Lock(soon(t), name, options...)
	check(t, err)
	return lock
}

// soon is a context for what must not take for ever.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expectError(t testing.TB, err error, wanted ...error) {
	t.Helper()
	for _, target := range wanted {
		if !errors.Is(err, target) {
			t.Fatalf("%v instead of %v", err, target)
		}
	}
}

// untilWaiting returns when so many wait for a lock.
func untilWaiting(t testing.TB, client *redilock.Client, name string, wanted int64) {
	t.Helper()
	for {
		info, err := client.Info(soon(t), name)
		check(t, err)
		if info.Waiting == wanted {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func expectEnd(t testing.TB, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatal("the context did not end")
	}
}
