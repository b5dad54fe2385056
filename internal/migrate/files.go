package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// File is one migration with its table names filled in.
type File struct {
	Version    int
	Name       string // NNNN_name.sql
	Text       string // as goose reads it; its last statement records that it ran
	Checksum   string // of the text before names were filled in
	Compatible int    // the oldest version whose programs still work with this schema
}

var (
	nameForm       = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	tableForm      = regexp.MustCompile(`\{([a-z_]+)\}`)
	compatibleForm = regexp.MustCompile(`(?m)^-- compatible: (\d+)$`)
)

// Names are how tables are named.
type Names struct {
	Qualifier string // before the name where tables are meant: "app".
	Prefix    string
}

// Table is the name of a table as statements have it.
func (n Names) Table(table string) string { return n.Qualifier + n.Prefix + table }

// Fill fills in table names: {item} becomes that of item, and {prefix} the bare
// prefix, for what is not qualified.
func (n Names) Fill(text string) string {
	return tableForm.ReplaceAllStringFunc(text, func(form string) string {
		if form == "{prefix}" {
			return n.Prefix
		}
		return n.Table(form[1 : len(form)-1])
	})
}

// Load reads the migrations in dir of source, in their order. A file that an
// older program cannot live with says so by a line "-- compatible: N".
func Load(source fs.FS, dir string, names Names) ([]File, error) {
	entries, err := fs.ReadDir(source, dir) // sorted by name
	if err != nil {
		return nil, err
	}
	var files []File
	for i, entry := range entries {
		match := nameForm.FindStringSubmatch(entry.Name())
		if match == nil {
			return nil, fmt.Errorf("%s: a migration is named NNNN_name.sql", entry.Name())
		}
		raw, err := fs.ReadFile(source, path.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(raw)
		f := File{Name: entry.Name(), Checksum: hex.EncodeToString(sum[:]), Compatible: 1}
		f.Version, _ = strconv.Atoi(match[1]) // four digits
		if f.Version != i+1 {
			return nil, fmt.Errorf("%s: number %d is missing", entry.Name(), i+1)
		}
		if c := compatibleForm.FindSubmatch(raw); c != nil {
			f.Compatible, _ = strconv.Atoi(string(c[1]))
		}
		f.Text = names.Fill(string(raw)) + fmt.Sprintf(
			"\nINSERT INTO %s (version, name, checksum, compatible) VALUES (%d, '%s', '%s', %d);\n",
			names.Table("schema"), f.Version, f.Name, f.Checksum, f.Compatible)
		files = append(files, f)
	}
	return files, nil
}

// Statements splits the text: a statement ends with a semicolon at the end of a
// line. Comments are left out.
func (f File) Statements() []string {
	var statements []string
	var current strings.Builder
	for line := range strings.Lines(f.Text) {
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		current.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			statements = append(statements, strings.TrimSpace(current.String()))
			current.Reset()
		}
	}
	return statements
}
