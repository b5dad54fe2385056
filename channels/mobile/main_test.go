package mobile_test

import (
	"testing"

	"github.com/bellwether-go/notify/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
