// Package leak finds goroutines that tests have left behind. A package that
// starts goroutines says in its tests:
//
//	func TestMain(m *testing.M) { leak.Main(m) }
//
// In a testing/synctest bubble that is not needed: the bubble itself does not
// end before its goroutines have.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// grace is how long goroutines that have been told to end may take.
const grace = 10 * time.Second

// Main runs the tests of a package and ends the process. If they pass and leave
// goroutines behind, they fail.
func Main(m *testing.M) {
	before := goroutines()
	code := m.Run()
	if left := remaining(before, grace); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "FAIL: %d goroutines are left:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// remaining waits until no goroutine is left but those that were there before,
// and returns the others if that takes too long.
func remaining(before []string, grace time.Duration) []string {
	known := make(map[string]bool)
	for _, g := range before {
		known[name(g)] = true
	}
	for deadline := time.Now().Add(grace); ; time.Sleep(10 * time.Millisecond) {
		left := slices.DeleteFunc(goroutines(), func(g string) bool { return known[name(g)] || isOfTheRuntime(g) })
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// goroutines returns the stacks of all goroutines.
func goroutines() []string {
	for size := 1 << 16; ; size *= 2 {
		buffer := make([]byte, size)
		if n := runtime.Stack(buffer, true); n < size {
			return strings.Split(strings.TrimSpace(string(buffer[:n])), "\n\n")
		}
	}
}

// name is "goroutine 7": it is never given to another.
func name(stack string) string {
	head, _, _ := strings.Cut(stack, " [")
	return head
}

// isOfTheRuntime recognises what the Go runtime and its tests start by
// themselves and keep.
func isOfTheRuntime(stack string) bool {
	for _, of := range []string{"testing.(*M).", "os/signal.", "runtime.ensureSigM", "runtime/pprof."} {
		if strings.Contains(stack, of) {
			return true
		}
	}
	return false
}
