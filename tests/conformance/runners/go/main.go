// The runner of Go. Acquires and losses are waited for by goroutines of their own.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"redilock.test/redilock"
)

var (
	clients = map[string]*redilock.Client{}
	cancels = map[string]context.CancelFunc{}

	mu    sync.Mutex // guards the locks and the output
	locks = map[string]*redilock.Lock{}
)

// words are those of a request that are "name=value".
type words map[string]string

func parsed(list []string) words {
	w := words{}
	for _, word := range list {
		name, value, _ := strings.Cut(word, "=")
		w[name], _ = url.PathUnescape(value)
	}
	return w
}

// take returns a word that is no option of the call, or else what stands for it.
func (w words) take(name, missing string) string {
	value, is := w[name]
	if !is {
		return missing
	}
	delete(w, name)
	return value
}

func (w words) options() (options []redilock.Option) {
	for name, value := range w {
		options = append(options, redilock.WithOption(name, value))
	}
	return options
}

func encoded(text string) string {
	var word strings.Builder
	for i := 0; i < len(text); i++ {
		if c := text[i]; c > ' ' && c < 127 && !strings.ContainsRune("%=,", rune(c)) {
			word.WriteByte(c)
		} else {
			fmt.Fprintf(&word, "%%%02X", c)
		}
	}
	return word.String()
}

func reply(number string, err error, values ...any) {
	status := "OK"
	if known := redilock.Status(0); errors.As(err, &known) {
		status = strings.TrimPrefix(strings.TrimPrefix(known.Name(), "REDILOCK_"), "E_")
	} else if err != nil {
		status = "INTERNAL"
	}
	if err != nil {
		values = nil
	}
	say(number + " " + status + fmt.Sprint(values...))
}

func say(line string) {
	mu.Lock()
	defer mu.Unlock()
	fmt.Println(line)
}

func keep(number, name string, lock *redilock.Lock, err error) {
	if err != nil {
		reply(number, err)
		return
	}
	mu.Lock()
	locks[name] = lock
	mu.Unlock()
	reply(number, nil, " fence=", lock.Fence())
}

func lockOf(name string) *redilock.Lock {
	mu.Lock()
	defer mu.Unlock()
	return locks[name]
}

// serveClient returns false if the verb is none of a client.
func serveClient(number, verb string, c *redilock.Client, lock string, w words) bool {
	ctx := context.Background()
	if verb == "check" {
		_, err := c.Check(ctx, w.options()...)
		reply(number, err)
		return true
	}
	name := w.take("name", "")
	switch verb {
	case "close":
		reply(number, c.Close())
	case "list":
		names, err := c.List(ctx, w.take("pattern", ""))
		for i := range names {
			names[i] = encoded(names[i])
		}
		reply(number, err, " names=", strings.Join(names, ","))
	case "acquire":
		ctx, cancels[number] = context.WithCancel(ctx)
		go func() {
			granted, err := c.Lock(ctx, name, w.options()...)
			keep(number, lock, granted, err)
		}()
	case "attach":
		attached, err := c.Attach(ctx, name, w.take("token", ""), w.options()...)
		keep(number, lock, attached, err)
	case "break":
		reply(number, c.Break(ctx, name, w.options()...))
	case "release_token":
		reply(number, c.Release(ctx, name, w.take("token", ""), w.options()...))
	case "extend_token":
		ttl, _ := time.ParseDuration(w.take("ttl", ""))
		reply(number, c.Extend(ctx, name, w.take("token", ""), ttl, w.options()...))
	case "info":
		token := w.take("token", "")
		info, err := c.Info(ctx, name, w.options()...)
		if err != nil {
			reply(number, err)
			break
		}
		state := map[redilock.State]string{redilock.Free: "free", redilock.Foreign: "foreign"}[info.State]
		if state == "" {
			state = "held"
		}
		reply(number, nil, " state=", state, " waiters=", info.Waiting, " is=", bit(info.IsHeldBy(token)),
			" label=", encoded(info.Label))
	default:
		return false
	}
	return true
}

// serveLock returns false if the verb is none of a lock.
func serveLock(number, verb, name string, lock *redilock.Lock, w words) bool {
	switch verb {
	case "release":
		reply(number, lock.Unlock())
	case "extend":
		ms, _ := strconv.ParseInt(w.take("ttl", ""), 10, 64)
		reply(number, lock.Extend(context.Background(), time.Duration(ms)*time.Millisecond))
	case "detach":
		lock.Detach()
		reply(number, nil)
	case "drop": // the collector finds it
		mu.Lock()
		delete(locks, name)
		mu.Unlock()
		reply(number, nil)
	case "look":
		reply(number, nil, " held=", bit(lock.Held()), " remaining=", lock.Remaining().Milliseconds(),
			" fence=", lock.Fence(), " token=", encoded(lock.Token()))
	case "lost":
		go func() {
			ctx := lock.Context()
			<-ctx.Done()
			reply(number, context.Cause(ctx))
		}()
	default:
		return false
	}
	return true
}

func bit(is bool) string {
	if is {
		return "1"
	}
	return "0"
}

func serve(line []string) {
	number, verb, object, rest := line[0], line[1], line[2], line[3:]
	if verb == "client" {
		w := parsed(rest)
		made, err := redilock.Open(w.take("url", ""), w.options()...)
		if err == nil {
			clients[object] = made
		}
		reply(number, err)
		return
	}
	if verb == "cancel" {
		cancels[object]()
		reply(number, nil)
		return
	}
	lock := ""
	if verb == "acquire" || verb == "attach" {
		lock, rest = rest[0], rest[1:]
	}
	served := false
	if client := clients[object]; client != nil {
		served = serveClient(number, verb, client, lock, parsed(rest))
	} else if held := lockOf(object); held != nil {
		served = serveLock(number, verb, object, held, parsed(rest))
	}
	if !served {
		say(number + " UNABLE")
	}
}

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		serve(strings.Fields(lines.Text()))
		if lockWasDropped := strings.Contains(lines.Text(), " drop "); lockWasDropped {
			runtime.GC()
		}
	}
	for _, client := range clients {
		client.Close()
	}
}
