package notify_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file guards what hosts build on: the exported API may change on purpose
// only, and none of it goes without documentation.

var update = flag.Bool("update", false, "write testdata/api and the snippets of the documentation anew")

const apiFolder = "testdata/api"

func TestAPI_isAsRecorded(t *testing.T) {
	packages := releasedPackages(t)
	var recorded []string
	for _, path := range packages {
		name := strings.ReplaceAll(relative(path), "/", "-") + ".txt"
		if path == modulePath {
			name = "notify.txt"
		}
		recorded = append(recorded, filepath.Join(apiFolder, name))
	}
	api := exportedAPI(t, packages)
	if *update {
		for i, file := range recorded {
			require.NoError(t, os.WriteFile(file, []byte(api[i]), 0o644))
		}
	}
	for i, file := range recorded {
		golden, err := os.ReadFile(file)
		require.NoError(t, err, "a new package? record it by go test -run TestAPI -update .")
		for _, change := range changes(string(golden), api[i]) {
			assert.Fail(t, "the API changed", "%s: %s\nif on purpose: go test -run TestAPI -update . and a line in CHANGELOG.md", packages[i], change)
		}
	}
	present, err := filepath.Glob(filepath.Join(apiFolder, "*.txt"))
	require.NoError(t, err)
	assert.ElementsMatch(t, recorded, present, "a package disappeared from the API")
}

func TestAPI_isDocumented(t *testing.T) {
	for _, line := range goList(t, "-f", "{{.ImportPath}}={{.Dir}}", "./...") {
		path, folder, _ := strings.Cut(line, "=")
		if strings.Contains(path, "/internal/") {
			continue
		}
		files := token.NewFileSet()
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		var parsed []*ast.File
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
			require.NoError(t, err)
			parsed = append(parsed, file)
		}
		for _, name := range undocumented(t, files, parsed, path) {
			assert.Fail(t, "undocumented", "%s: %s has no comment", relative(path), name)
		}
	}
}

// changes lists what one description of a package has and the other has not.
func changes(before, after string) (lines []string) {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			lines = append(lines, "+ "+line)
		}
	}
	return lines
}

// The checkers have teeth: each kind of change shows, each gap is named.

func TestDescribe_showsEachKindOfDeclaration(t *testing.T) {
	pkg := check(t, `package p
import "io"
const Answer Number = 42
const hidden = 1
var Default io.Reader
type Number int
type Alias = Number
type Open struct { Shown string `+"`json:\"shown\"`"+`; hidden int; inner }
type inner struct{}
func (inner) Promoted() {}
func (o *Open) Pointer(names ...string) (err error) { return nil }
func (Open) Value() {}
type Role interface { io.Closer; Play(int) error }
func Make[T any](n int) (*Open, T) { panic(n) }
type sealed struct { Exported int }
`)
	assert.Equal(t, `const Answer Number = 42
func Make[T any](n int) (*Open, T)
type Alias = Number
type Number int
type Open struct
type Open struct, Shown string `+"`json:\"shown\"`"+`
type Open, method (*Open) Pointer(names ...string) (err error)
type Open, method (Open) Promoted()
type Open, method (Open) Value()
type Role interface
type Role interface, Close() error
type Role interface, Play(int) error
var Default io.Reader
`, describe(pkg))
}

func TestChanges_namesWhatCameAndWent(t *testing.T) {
	assert.Equal(t, []string{"- b", "+ c"}, changes("a\nb\n", "a\nc\n"))
	assert.Empty(t, changes("a\n", "a\n"))
}

func TestUndocumented_namesEachGap(t *testing.T) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", `package p
// The modes.
const ( A = 1; B = 2 )
const ( C = 1 // the third
D = 2 )
type T struct{}
// U is documented.
type U struct{}
func (U) M() {}
// V is documented.
type V interface{ hidden() }
func F() {}
func hidden() {}
var X, y int
`, parser.ParseComments)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"package comment", "D", "T", "U.M", "F", "X"}, undocumented(t, files, []*ast.File{file}, "p"))
}

// releasedPackages lists what hosts can import.
func releasedPackages(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(goList(t, "./..."), func(path string) bool { return strings.Contains(path, "/internal/") })
}

// exportedAPI describes each package, read from what the compiler wrote.
func exportedAPI(t *testing.T, packages []string) []string {
	t.Helper()
	compiled := map[string]string{}
	for _, line := range goList(t, "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "./...") {
		path, file, _ := strings.Cut(line, "=")
		compiled[path] = file
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(compiled[path])
	})
	api := make([]string, len(packages))
	for i, path := range packages {
		pkg, err := imports.Import(path)
		require.NoError(t, err)
		api[i] = describe(pkg)
	}
	return api
}

// describe prints one line per exported constant, variable, function, type,
// field and method, sorted.
func describe(pkg *types.Package) string {
	names := func(other *types.Package) string {
		if other == pkg {
			return ""
		}
		return other.Name()
	}
	var lines []string
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		switch object := object.(type) {
		case *types.Const:
			lines = append(lines, fmt.Sprintf("const %s %s = %s", name, types.TypeString(object.Type(), names), object.Val().ExactString()))
		case *types.TypeName:
			lines = append(lines, describeType(object, names)...)
		default:
			lines = append(lines, types.ObjectString(object, names))
		}
	}
	slices.Sort(lines)
	// The compiler numbers results that are named _.
	return blankResult.ReplaceAllString(strings.Join(lines, "\n")+"\n", "_ ")
}

var blankResult = regexp.MustCompile(`#rv\d+ `)

func describeType(object *types.TypeName, names types.Qualifier) []string {
	name := "type " + object.Name()
	if object.IsAlias() {
		return []string{name + " = " + types.TypeString(types.Unalias(object.Type()), names)}
	}
	var lines []string
	switch underlying := object.Type().Underlying().(type) {
	case *types.Struct:
		lines = append(lines, name+" struct")
		for i := range underlying.NumFields() {
			field := underlying.Field(i)
			if !field.Exported() {
				continue
			}
			line := name + " struct, " + field.Name() + " " + types.TypeString(field.Type(), names)
			if tag := underlying.Tag(i); tag != "" {
				line += " `" + tag + "`"
			}
			lines = append(lines, line)
		}
	case *types.Interface:
		lines = append(lines, name+" interface")
		for method := range underlying.Methods() {
			lines = append(lines, name+" interface, "+method.Name()+strings.TrimPrefix(types.TypeString(method.Signature(), names), "func"))
		}
		return lines
	default:
		lines = append(lines, name+" "+types.TypeString(underlying, names))
	}
	methods := types.NewMethodSet(types.NewPointer(object.Type()))
	for selection := range methods.Methods() {
		if method := selection.Obj(); method.Exported() {
			lines = append(lines, fmt.Sprintf("%s, method (%s%s) %s%s", name, star(selection), object.Name(), method.Name(),
				strings.TrimPrefix(types.TypeString(method.Type(), names), "func")))
		}
	}
	return lines
}

// star tells methods of the pointer from those of the value.
func star(selection *types.Selection) string {
	value := selection.Recv().(*types.Pointer).Elem()
	if types.NewMethodSet(value).Lookup(selection.Obj().Pkg(), selection.Obj().Name()) != nil {
		return ""
	}
	return "*"
}

// check type-checks a source text that imports the standard library only.
func check(t *testing.T, source string) *types.Package {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", source, 0)
	require.NoError(t, err)
	config := types.Config{Importer: importer.ForCompiler(files, "source", nil)}
	pkg, err := config.Check("p", files, []*ast.File{file}, nil)
	require.NoError(t, err)
	return pkg
}

// undocumented returns the exported identifiers of a package that have no
// comment of their own and are in no group that has one.
func undocumented(t *testing.T, files *token.FileSet, parsed []*ast.File, path string) (missing []string) {
	t.Helper()
	pkg, err := doc.NewFromFiles(files, parsed, path)
	require.NoError(t, err)
	if pkg.Doc == "" {
		missing = append(missing, "package comment")
	}
	values := func(groups []*doc.Value) {
		for _, group := range groups {
			for _, spec := range group.Decl.Specs {
				value := spec.(*ast.ValueSpec)
				if group.Doc != "" || value.Doc != nil || value.Comment != nil {
					continue
				}
				for _, name := range value.Names {
					if name.IsExported() {
						missing = append(missing, name.Name)
					}
				}
			}
		}
	}
	functions := func(prefix string, list []*doc.Func) {
		for _, function := range list {
			if function.Doc == "" {
				missing = append(missing, prefix+function.Name)
			}
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions("", pkg.Funcs)
	for _, declared := range pkg.Types {
		if declared.Doc == "" {
			missing = append(missing, declared.Name)
		}
		values(declared.Consts)
		values(declared.Vars)
		functions("", declared.Funcs)
		functions(declared.Name+".", declared.Methods)
	}
	return missing
}
