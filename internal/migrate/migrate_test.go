package migrate

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is a folder of migrations.
func source(texts map[string]string) fs.FS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestLoad_fillsInNamesAndRecordsTheVersion(t *testing.T) {
	files, err := Load(source(map[string]string{
		"0001_create.sql": "-- +goose Up\nCREATE TABLE {item} (\n  id TEXT\n);\nCREATE INDEX {item}_id ON {item} (id);\n",
		"0002_more.sql":   "-- +goose Up\n-- compatible: 2\nDROP TABLE {item};\n",
	}), ".", Names{Prefix: "n_"})
	require.NoError(t, err)
	require.Len(t, files, 2)
	assert.Equal(t, []string{
		"CREATE TABLE n_item (\n  id TEXT\n);",
		"CREATE INDEX n_item_id ON n_item (id);",
		"INSERT INTO n_schema (version, name, checksum, compatible) VALUES (1, '0001_create.sql', '" + files[0].Checksum + "', 1);",
	}, files[0].Statements())
	assert.Equal(t, 2, files[1].Compatible)
	assert.NotEqual(t, files[0].Checksum, files[1].Checksum)
}

func TestLoad_checksumDoesNotDependOnThePrefix(t *testing.T) {
	from := source(map[string]string{"0001_create.sql": "CREATE TABLE {item} (id TEXT);\n"})
	one, err := Load(from, ".", Names{Prefix: "a_"})
	require.NoError(t, err)
	other, err := Load(from, ".", Names{Prefix: "b_"})
	require.NoError(t, err)
	assert.Equal(t, one[0].Checksum, other[0].Checksum)
}

func TestLoad_refusesGapsAndOtherNames(t *testing.T) {
	for _, name := range []string{"0002_late.sql", "1_short.sql", "0001_Upper.sql", "README.md"} {
		_, err := Load(source(map[string]string{name: ""}), ".", Names{Prefix: "n_"})
		assert.ErrorContains(t, err, name)
	}
}

func TestFS_isAFileSystem(t *testing.T) {
	files, err := Load(source(map[string]string{"0001_a.sql": "SELECT 1;\n", "0002_b.sql": "SELECT 2;\n"}), ".", Names{Prefix: "n_"})
	require.NoError(t, err)
	assert.NoError(t, fstest.TestFS(FS(files), "0001_a.sql", "0002_b.sql"))
	text, err := fs.ReadFile(FS(files), "0002_b.sql")
	require.NoError(t, err)
	assert.Equal(t, files[1].Text, string(text))
}
