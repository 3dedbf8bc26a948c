// What a client reports: its statistics, and its log.

package redilock

/*
#include <redilock/redilock.h>
*/
import "C"

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"time"
)

// Stats returns what the client counts, by name: "acquired", "queued_now" and the like, as
// [Statistics] lists them. It asks no server. After Close it returns the last numbers.
func (c *Client) Stats() map[string]int64 {
	var stats map[string]int64
	if !c.core.use(func(client *C.redilock_client_t) { stats = numbers(client) }) {
		return maps.Clone(c.core.last)
	}
	runtime.KeepAlive(c)
	return stats
}

func numbers(client *C.redilock_client_t) map[string]int64 {
	stats := map[string]int64{}
	for i := C.size_t(0); i < C.redilock_stat_count(); i++ {
		var value C.int64_t
		name := C.redilock_stat_name(i)
		if Status(C.redilock_client_stat(client, name, &value)) == ok {
			stats[C.GoString(name)] = int64(value)
		}
	}
	return stats
}

// StatInfo describes a number of [Client.Stats].
type StatInfo struct {
	Name string
	Type string // "counter" for a number that only grows, "gauge" for one of now
	Doc  string
}

// Statistics lists the numbers that a client of the library that runs counts.
func Statistics() []StatInfo {
	stats := make([]StatInfo, int(C.redilock_stat_count()))
	for i := range stats {
		n := C.size_t(i)
		stats[i] = StatInfo{
			Name: C.GoString(C.redilock_stat_name(n)),
			Type: C.GoString(C.redilock_stat_type(n)),
			Doc:  C.GoString(C.redilock_stat_doc(n)),
		}
	}
	return stats
}

// A line of the log.
type line struct {
	level C.int32_t
	at    time.Time
	text  string
}

// log hands lines to the logger, on a goroutine of its own because a logger may be slow.
func (k *core) log() {
	for range k.logs {
		for {
			var next *line
			k.use(func(c *C.redilock_client_t) { next = nextLine(c) })
			if next == nil {
				break
			}
			next.log(k.logger)
		}
	}
	for _, left := range k.left {
		left.log(k.logger)
	}
}

// nextLine takes a line. It returns nil if none waits.
func nextLine(c *C.redilock_client_t) *line {
	var level C.int32_t
	var ms C.int64_t
	var text [C.REDILOCK_LOG_LINE_MAX + 1]C.char
	status := C.redilock_client_log(c, &level, &ms, &text[0], C.size_t(len(text)))
	if status != C.REDILOCK_OK || level == 0 {
		return nil
	}
	return &line{level, time.UnixMilli(int64(ms)), C.GoString(&text[0])}
}

func (l *line) log(logger *slog.Logger) {
	severity := slog.LevelInfo
	switch l.level {
	case C.REDILOCK_LOG_ERROR:
		severity = slog.LevelError
	case C.REDILOCK_LOG_WARNING:
		severity = slog.LevelWarn
	}
	logger.Log(context.Background(), severity, l.text, "at", l.at)
}
