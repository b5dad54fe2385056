package notify_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file is the architecture in executable form: who may import whom, and a
// few habits that a compiler does not check.

const modulePath = "github.com/bellwether-go/notify"

// layer is what the non-test files of a directory may import. Folders are
// relative to the module, "." is the root package; a folder ending in "/..."
// stands for all below it. The standard library is open unless it is denied.
type layer struct {
	own        []string // folders of this repository
	thirdParty []string // modules
	deniedStd  []string // packages of the standard library, with all below them
}

// layers is the table of CONTRIBUTING.md. The longest matching folder rules; a
// folder without one is a violation, so that a new package has to find its
// place first.
var layers = map[string]layer{
	".": {deniedStd: []string{"database/sql", "net/http", "embed", "testing"}},

	"channels/email":   {own: []string{"."}, thirdParty: []string{"github.com/jordan-wright/email", "github.com/nicksnyder/go-i18n/v2", "golang.org/x/net", "golang.org/x/text"}},
	"channels/browser": {own: []string{".", "internal/egress", "internal/peer"}, thirdParty: []string{"github.com/SherClockHolmes/webpush-go"}},
	"channels/mobile":  {own: []string{".", "internal/egress", "internal/peer"}, thirdParty: []string{"golang.org/x/oauth2"}},
	"channels/webhook": {own: []string{".", "internal/egress", "internal/peer"}},

	"store/memory":   {own: []string{"."}},
	"store/sqlite":   {own: []string{".", "internal/sqlstore", "internal/migrate"}},
	"store/postgres": {own: []string{".", "internal/sqlstore", "internal/migrate"}},
	"store/mysql":    {own: []string{".", "internal/sqlstore", "internal/migrate"}},

	// A nested module that is released: for hosts that work with pgx itself.
	"store/postgres/pgxnotify": {own: []string{".", "internal/sqlstore"}, thirdParty: []string{"github.com/jackc/pgx/v5"}},

	"channels/channeltest": {own: []string{"."}},
	"store/storetest":      {own: []string{"."}},

	"notifyhttp":    {own: []string{".", "notifyhttp/ui"}, thirdParty: []string{"golang.org/x/time"}},
	"notifyhttp/ui": {},
	"notifytest":    {own: []string{".", "channels/channeltest", "store/memory"}, thirdParty: []string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"}},

	"internal/egress":   {own: []string{".", "internal/peer"}, thirdParty: []string{"code.dny.dev/ssrf"}},
	"internal/sqlstore": {own: []string{".", "internal/migrate"}},
	"internal/migrate":  {},
	"internal/peer":     {},

	"internal/leak":       {},
	"internal/mutants":    {},
	"internal/simulation": {own: []string{".", "store/memory"}},

	// Nested modules: what a host must not inherit. Examples and benchmarks use
	// what a host can use.
	"internal/integration": {own: []string{"..."}, thirdParty: []string{"..."}},
	"examples":             {own: []string{".", "channels/...", "store/...", "notifyhttp/...", "notifytest"}, thirdParty: []string{"..."}},
	"bench":                {own: []string{".", "channels/...", "store/...", "notifyhttp/..."}, thirdParty: []string{"..."}},
}

// testThirdParty is what test files of the released module may import on top of
// what any layer may.
const testThirdParty = "github.com/stretchr/testify"

func TestBoundaries_importsFollowTheLayers(t *testing.T) {
	violations, files := checkImports(t, os.DirFS("."))
	assert.Empty(t, violations)
	assert.Greater(t, files, 10, "the walk must see the repository")
}

func TestBoundaries_hostWithOneSQLStoreLinksNoThirdParty(t *testing.T) {
	for _, dependency := range goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".", "./store/memory", "./store/sqlite", "./store/postgres", "./store/mysql") {
		assert.True(t, isOwn(dependency), "%s is linked into a host that uses the core and a store", dependency)
	}
}

func TestBoundaries_coreReachesNoHeavyStandardPackage(t *testing.T) {
	dependencies := goList(t, "-deps", ".")
	for _, denied := range layers["."].deniedStd {
		assert.NotContains(t, dependencies, denied, "the core links it, directly or not")
	}
}

// CONTRIBUTING.md tells newcomers where things are: each folder that exists has
// a row there.
func TestBoundaries_contributorsFindEachFolder(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	require.NoError(t, err)
	for folder := range layers {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		family := "| `" + path.Dir(folder) + "/<name>` |"
		row := "| `" + folder + "` |"
		assert.True(t, bytes.Contains(text, []byte(row)) || bytes.Contains(text, []byte(family)), "no row for %s", folder)
	}
}

func TestBoundaries_habits(t *testing.T) {
	assert.Empty(t, checkHabits(t, os.DirFS(".")))
}

// The checkers themselves: each forbidden edge of a made-up tree is found and
// named, and nothing else.
func TestCheckImports_namesFileAndEdge(t *testing.T) {
	tree := func(imports string) *fstest.MapFile {
		var spec strings.Builder
		for imported := range strings.FieldsSeq(imports) {
			fmt.Fprintf(&spec, "import _ %q\n", imported)
		}
		return &fstest.MapFile{Data: []byte("package p\n" + spec.String())}
	}
	const own = modulePath
	violations, _ := checkImports(t, fstest.MapFS{
		"ok.go":                            tree("context time log/slog"),
		"ok_test.go":                       tree("testing net/http " + own + "/store/memory github.com/stretchr/testify/require"),
		"sql.go":                           tree("database/sql"),
		"driver.go":                        tree("database/sql/driver"),
		"http.go":                          tree("net/http"),
		"embedded.go":                      tree("embed"),
		"harness.go":                       tree("testing"),
		"upwards.go":                       tree(own + "/store/memory"),
		"foreign.go":                       tree("golang.org/x/sync/errgroup"),
		"asserted.go":                      tree("github.com/stretchr/testify/assert"),
		"driver_test.go":                   tree("modernc.org/sqlite"),
		"channels/email/ok.go":             tree(own + " net/textproto github.com/jordan-wright/email"),
		"channels/email/sibling.go":        tree(own + "/channels/webhook"),
		"channels/email/ok_test.go":        tree(own + "/channels/channeltest github.com/emersion/go-sasl"),
		"channels/webhook/smtp.go":         tree("github.com/jordan-wright/email"),
		"channels/email/almost.go":         tree("github.com/jordan-wright/email-other"),
		"channels/channeltest/kit.go":      tree(own + " testing"),
		"channels/channeltest/testify.go":  tree("github.com/stretchr/testify/require"),
		"channels/fax/fax.go":              tree(own),
		"store/sqlite/ok.go":               tree(own + " database/sql " + own + "/internal/sqlstore"),
		"store/sqlite/driver.go":           tree("modernc.org/sqlite"),
		"store/sqlite/memory.go":           tree(own + "/store/memory"),
		"store/storetest/kit.go":           tree(own + "/store/memory"),
		"internal/sqlstore/up.go":          tree(own + "/store/sqlite"),
		"notifytest/ok.go":                 tree(own + "/channels/channeltest " + own + "/store/memory"),
		"examples/demo/main.go":            tree(own + "/store/sqlite modernc.org/sqlite"),
		"examples/demo/inner.go":           tree(own + "/internal/sqlstore"),
		"internal/integration/ok_test.go":  tree(own + "/internal/sqlstore modernc.org/sqlite"),
		"store/memory/nested.go":           tree(own + "/internal/integration"),
		"store/memory/testdata/ignored.go": tree("net/http/httptest " + own + "/channels/email"),
	})
	assert.ElementsMatch(t, []string{
		"sql.go: . must not import database/sql",
		"driver.go: . must not import database/sql/driver",
		"http.go: . must not import net/http",
		"embedded.go: . must not import embed",
		"harness.go: . must not import testing",
		"upwards.go: . must not import store/memory",
		"foreign.go: . must not import golang.org/x/sync/errgroup",
		"asserted.go: . must not import github.com/stretchr/testify/assert",
		"driver_test.go: . must not import modernc.org/sqlite in tests",
		"channels/email/sibling.go: channels/email must not import channels/webhook",
		"channels/email/almost.go: channels/email must not import github.com/jordan-wright/email-other",
		"channels/webhook/smtp.go: channels/webhook must not import github.com/jordan-wright/email",
		"channels/channeltest/testify.go: channels/channeltest must not import github.com/stretchr/testify/require",
		"channels/fax/fax.go: channels/fax has no place in the table of layers",
		"store/sqlite/driver.go: store/sqlite must not import modernc.org/sqlite",
		"store/sqlite/memory.go: store/sqlite must not import store/memory",
		"store/storetest/kit.go: store/storetest must not import store/memory",
		"internal/sqlstore/up.go: internal/sqlstore must not import store/sqlite",
		"examples/demo/inner.go: examples must not import internal/sqlstore",
		"store/memory/nested.go: store/memory must not import internal/integration",
	}, violations)
}

func TestCheckHabits_namesTheFile(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const sleep = "package p\nimport \"time\"\nfunc f() { time.Sleep(1) }\n"
	violations := checkHabits(t, fstest.MapFS{
		"asleep_test.go":         file(sleep),
		"bubble_test.go":         file(strings.Replace(sleep, "import", "import _ \"testing/synctest\"\nimport", 1)),
		"worker.go":              file(sleep),
		"long.go":                file("package p\n" + strings.Repeat("\n", maxFileLines)),
		"long_test.go":           file("package p\n" + strings.Repeat("\n", maxFileLines)),
		"longer_test.go":         file("package p\n" + strings.Repeat("\n", maxTestFileLines)),
		"store/util/a.go":        file("package util\n"),
		"helpers.go":             file("package p\n"),
		"bench/testdata/file.go": file("broken"),
	})
	assert.ElementsMatch(t, []string{
		"asleep_test.go: time.Sleep outside a testing/synctest bubble",
		"long.go: 501 lines, at most 500",
		"longer_test.go: 801 lines, at most 800",
		"store/util/a.go: a name that tells no content: util",
		"helpers.go: a name that tells no content: helpers",
	}, violations)
}

// checkImports returns one line per forbidden edge of the tree, and how many
// files it has read.
func checkImports(t *testing.T, tree fs.FS) (violations []string, files int) {
	t.Helper()
	walkGo(t, tree, func(name string, source []byte) {
		files++
		folder, rule, known := layerOf(path.Dir(name))
		if !known {
			violations = append(violations, fmt.Sprintf("%s: %s has no place in the table of layers", name, path.Dir(name)))
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		require.NoError(t, err)
		isTest := strings.HasSuffix(name, "_test.go")
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if isTest && !rule.allowsInTests(imported) {
				violations = append(violations, fmt.Sprintf("%s: %s must not import %s in tests", name, folder, imported))
			}
			if !isTest && !rule.allows(folder, imported) {
				violations = append(violations, fmt.Sprintf("%s: %s must not import %s", name, folder, relative(imported)))
			}
		}
	})
	return violations, files
}

func layerOf(folder string) (string, layer, bool) {
	for candidate := folder; ; candidate = path.Dir(candidate) {
		if rule, ok := layers[candidate]; ok && (candidate != "." || folder == ".") {
			return candidate, rule, true
		}
		if candidate == "." {
			return "", layer{}, false
		}
	}
}

func (l layer) allows(folder, imported string) bool {
	switch {
	case isOwn(imported):
		target := relative(imported)
		return target == folder || strings.HasPrefix(target, folder+"/") && folder != "." ||
			slices.ContainsFunc(l.own, func(allowed string) bool { return covers(allowed, target) })
	case isStandard(imported):
		return !slices.ContainsFunc(l.deniedStd, func(denied string) bool { return within(denied, imported) })
	}
	return slices.ContainsFunc(l.thirdParty, func(module string) bool { return module == "..." || within(module, imported) })
}

// allowsInTests: tests import whatever package of this repository and of the
// standard library they need, but no module that the released one does not
// have anyway.
func (l layer) allowsInTests(imported string) bool {
	if isOwn(imported) || isStandard(imported) || within(testThirdParty, imported) || slices.Contains(l.thirdParty, "...") {
		return true
	}
	for _, other := range layers {
		if slices.ContainsFunc(other.thirdParty, func(module string) bool { return within(module, imported) }) {
			return true
		}
	}
	return false
}

// covers reports whether an entry of a table names the folder.
func covers(entry, folder string) bool {
	if all, ok := strings.CutSuffix(entry, "..."); ok {
		return strings.HasPrefix(folder+"/", all)
	}
	return entry == folder
}

func within(parent, imported string) bool {
	return imported == parent || strings.HasPrefix(imported, parent+"/")
}

func isOwn(imported string) bool { return within(modulePath, imported) }

func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// relative turns an import path of this repository into its folder.
func relative(imported string) string {
	if imported == modulePath {
		return "."
	}
	return strings.TrimPrefix(imported, modulePath+"/")
}

const (
	maxFileLines     = 500
	maxTestFileLines = 800
)

// checkHabits returns one line per file that breaks a habit which no compiler
// knows.
func checkHabits(t *testing.T, tree fs.FS) (violations []string) {
	t.Helper()
	empty := []string{"util", "utils", "common", "helper", "helpers", "misc", "types", "models"}
	walkGo(t, tree, func(name string, source []byte) {
		isTest := strings.HasSuffix(name, "_test.go")
		// The pattern is put together so that this file does not match itself.
		if isTest && bytes.Contains(source, []byte("time."+"Sleep(")) && !bytes.Contains(source, []byte(`"testing/synctest"`)) {
			violations = append(violations, name+": time.Sleep outside a testing/synctest bubble")
		}
		limit := maxFileLines
		if isTest {
			limit = maxTestFileLines
		}
		if lines := bytes.Count(source, []byte("\n")); lines > limit {
			violations = append(violations, fmt.Sprintf("%s: %d lines, at most %d", name, lines, limit))
		}
		words := strings.Split(strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test"), "/")
		for _, word := range words {
			if slices.Contains(empty, word) {
				violations = append(violations, fmt.Sprintf("%s: a name that tells no content: %s", name, word))
			}
		}
	})
	return violations
}

// walkGo visits the Go files of a tree, as the go command sees it: without
// testdata and what begins with a dot or an underscore.
func walkGo(t *testing.T, tree fs.FS, visit func(name string, source []byte)) {
	t.Helper()
	require.NoError(t, fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		ignored := base == "testdata" || name != "." && strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
		switch {
		case ignored && entry.IsDir():
			return fs.SkipDir
		case ignored || entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		visit(name, source)
		return nil
	}))
}

// goList runs go list outside any workspace and returns its lines.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	command.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	return strings.Fields(string(output))
}
