//go:build linux

// Package storm runs a center in several real processes, kills, stops and
// restarts them while they work, and then audits what has become of everything
// that was accepted.
package storm

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// childVariable of the environment tells a process that it is a child, and which.
const childVariable = "NOTIFY_STORM_CHILD"

func TestMain(m *testing.M) {
	described := os.Getenv(childVariable)
	if described == "" {
		os.Exit(m.Run())
	}
	var c child
	err := json.Unmarshal([]byte(described), &c)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
