package integration

import (
	"os"
	"testing"
)

// serviceDSN is where a server for the tests is. Make test starts one.
func serviceDSN(t testing.TB, variable string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn == "" {
		t.Fatalf("set %s to the DSN of a server for tests, or run make test, which starts one", variable)
	}
	return dsn
}
