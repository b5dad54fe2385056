package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// frugality is how many are delivered for each second that this process and the
// PostgreSQL server spend on a processor.
func frugality(run func() (float64, int64, error)) (float64, error) {
	before, err := timeWithServer()
	if err != nil {
		return 0, err
	}
	_, delivered, err := run()
	if err != nil {
		return 0, err
	}
	after, err := timeWithServer()
	return float64(delivered) / (after - before).Seconds(), err
}

func timeWithServer() (time.Duration, error) {
	own, err := processorTime()
	if err != nil {
		return 0, err
	}
	theirs, err := serverTime()
	return own + theirs, err
}

func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// serverTime is the processor time of the PostgreSQL server on this machine:
// of its first process, of those it has started, and of those that have ended.
func serverTime() (time.Duration, error) {
	p, err := postgresServer.newPlace(context.Background())
	if err != nil {
		return 0, err
	}
	defer p.Close()
	var backend int
	if err := p.db.QueryRow(`SELECT pg_backend_pid()`).Scan(&backend); err != nil {
		return 0, err
	}
	b, err := stat(strconv.Itoa(backend))
	if err != nil {
		return 0, fmt.Errorf("the processor time of a server elsewhere is not known: %w", err)
	}
	first, err := stat(strconv.Itoa(b.parent))
	if err != nil {
		return 0, err
	}
	ticks := first.ticks + first.ended
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, process := range processes {
		// A process that has just ended is counted by its parent.
		if each, err := stat(filepath.Base(process)); err == nil && each.parent == b.parent {
			ticks += each.ticks
		}
	}
	const perSecond = 100 // on Linux
	return time.Duration(ticks) * time.Second / perSecond, nil
}

// processStat is of /proc/PID/stat.
type processStat struct {
	parent       int
	ticks, ended int64 // of itself; of its children that have ended
}

func stat(process string) (processStat, error) {
	text, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		return processStat{}, err
	}
	// The name may hold anything; what comes behind it are numbers.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 15 {
		return processStat{}, fmt.Errorf("/proc/%s/stat is short", process)
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
		return n
	}
	return processStat{int(number(1)), number(11) + number(12), number(13) + number(14)}, nil
}
