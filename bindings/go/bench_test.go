package redilock_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
)

func BenchmarkPair(b *testing.B) {
	client := open(b)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		held, err := client.Lock(context.Background(), "job")
		check(b, err)
		check(b, held.Unlock())
	}
}

// BenchmarkPairOfFifty has fifty goroutines with a lock each on one client.
func BenchmarkPairOfFifty(b *testing.B) {
	client := open(b)
	b.SetParallelism(25)
	next := make(chan int, 1000)
	for i := 0; i < cap(next); i++ {
		next <- i
	}
	b.RunParallel(func(pb *testing.PB) {
		name := fmt.Sprint("job:", <-next)
		for pb.Next() {
			held, err := client.Lock(context.Background(), name)
			check(b, err)
			check(b, held.Unlock())
		}
	})
}

// BenchmarkBare sends a SET NX PX and a compare-and-delete over a connection of Go's own: a lock
// without queue and fence.
func BenchmarkBare(b *testing.B) {
	connection, err := net.Dial("unix", strings.TrimPrefix(url, "unix://"))
	check(b, err)
	defer connection.Close()
	replies := bufio.NewReader(connection)
	ask := func(words ...string) string {
		request := []byte(fmt.Sprintf("*%d\r\n", len(words)))
		for _, word := range words {
			request = fmt.Appendf(request, "$%d\r\n%s\r\n", len(word), word)
		}
		_, err := connection.Write(request)
		check(b, err)
		line, err := replies.ReadString('\n')
		check(b, err)
		if line[0] == '$' {
			line, err = replies.ReadString('\n')
			check(b, err)
		}
		return strings.TrimSpace(line)
	}
	const script = `if redis.call("get", KEYS[1]) ~= ARGV[1] then return 0 end
		return redis.call("del", KEYS[1])`
	digest := ask("SCRIPT", "LOAD", script)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if reply := ask("SET", "bare", "token", "NX", "PX", "30000"); reply != "+OK" {
			b.Fatal(reply)
		}
		if reply := ask("EVALSHA", digest, "1", "bare", "token"); reply != ":1" {
			b.Fatal(reply)
		}
	}
}
