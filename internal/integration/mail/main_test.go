package mail_test

import (
	"os"
	"testing"

	"github.com/bellwether-go/notify/internal/leak"
)

// TestMain makes the test's own program the one that is stopped in the middle;
// see kill_test.go.
func TestMain(m *testing.M) {
	if os.Getenv(childFile) != "" {
		child()
		return
	}
	leak.Main(m)
}
