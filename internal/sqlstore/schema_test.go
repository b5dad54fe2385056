package sqlstore

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/bellwether-go/notify/internal/migrate"
)

// Nobody has to guess which migrations are missing.
func TestFits_namesWhatIsToRun(t *testing.T) {
	files := []migrate.File{{Name: "0001_create.sql"}, {Name: "0002_more.sql"}, {Name: "0003_most.sql"}}
	assert.NoError(t, fits(files, 3, 1, "postgres"))
	assert.NoError(t, fits(files, 7, 3, "postgres"), "newer, and made for this program too")
	older := fits(files, 1, 1, "postgres")
	assert.ErrorContains(t, older, "postgres.Migrate")
	assert.ErrorContains(t, older, "from 0002_more.sql to 0003_most.sql")
	newer := fits(files, 7, 5, "postgres")
	assert.ErrorContains(t, newer, "version 5")
	assert.ErrorContains(t, newer, "update the program")
}
