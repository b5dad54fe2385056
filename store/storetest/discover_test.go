package storetest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bellwether-go/notify/store/storetest"
)

func TestDiscover(t *testing.T) {
	f, _ := os.Create("/tmp/kit/matrix.txt")
	defer f.Close()
	for _, name := range storetest.Names() {
		if err := storetest.RunCheck(t.Context(), name, open(nil)); err != nil {
			fmt.Fprintf(f, "HEALTHY\t%s\t%v\n", name, err)
		}
	}
	for _, b := range brokenStores() {
		for _, name := range storetest.Names() {
			racy := strings.Contains(name, "at once") && name != "accept/files an item at once" && name != "preferences/several recipients at once" || strings.HasPrefix(name, "concurrency/") || strings.Contains(name, "two workers")
			if racy && !strings.Contains(b.name, "lock") && !strings.Contains(b.name, "now and then") {
				continue
			}
			if err := storetest.RunCheck(t.Context(), name, open(b.alter)); err != nil {
				fmt.Fprintf(f, "%s\t%s\n", b.name, name)
			}
		}
	}
}
