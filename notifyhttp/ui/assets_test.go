package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func found(t *testing.T, file string) Asset {
	t.Helper()
	assets, err := all()
	require.NoError(t, err)
	for name, a := range assets {
		if strings.HasSuffix(name, "/"+file) {
			return a
		}
	}
	require.Fail(t, "no asset", file)
	return Asset{}
}

// The budget of what a page transfers, in bytes of gzip: the bell before it is
// opened, all elements together, and the worker. A language comes on top.
func TestAssets_staySmall(t *testing.T) {
	bell, more := len(found(t, "notify.js").Gzip), len(found(t, "more.js").Gzip)
	t.Log(bell, more)
	assert.LessOrEqual(t, bell, 6_000)
	assert.LessOrEqual(t, bell+more, 20_000)
	assert.LessOrEqual(t, len(found(t, "worker.js").Gzip), 2_000)
	for _, language := range Languages[1:] {
		assert.LessOrEqual(t, len(found(t, "texts-"+language+".js").Gzip), 2_000, language)
	}
}

func TestAssets_gzipIsTheSame(t *testing.T) {
	assets, err := all()
	require.NoError(t, err)
	tags := map[string]string{}
	for name, a := range assets {
		assert.NotEmpty(t, a.Type, name)
		assert.Empty(t, tags[a.ETag], name)
		tags[a.ETag] = name
		assert.Equal(t, strings.HasPrefix(name, "assets/"), a.Immutable, name)
		if a.Gzip == nil {
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(a.Gzip))
		require.NoError(t, err)
		body, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(a.Body, body), name)
	}
}

func TestFind_hashedNamesLeadToEachOther(t *testing.T) {
	entry, ok := Find("ui.js")
	require.True(t, ok)
	link := regexp.MustCompile(`"\./(assets/[0-9a-f]{16}/notify\.js)"`).FindSubmatch(entry.Body)
	require.NotNil(t, link)
	bell, ok := Find(string(link[1]))
	require.True(t, ok)
	folder := strings.TrimSuffix(string(link[1]), "notify.js")
	for _, other := range regexp.MustCompile(`import\("\./([\w.-]+)"\)`).FindAllSubmatch(bell.Body, -1) {
		_, ok := Find(folder + string(other[1]))
		assert.True(t, ok, "%s", other[1])
	}
	_, ok = Find("assets/0000000000000000/notify.js")
	assert.False(t, ok)
	_, ok = Find("../assets.go")
	assert.False(t, ok)
}

// names are the texts that a module declares.
func names(source string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  (\w+): (?:"|\{ )`).FindAllStringSubmatch(source, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func source(t *testing.T, module string) string {
	t.Helper()
	body, err := fs.ReadFile(sources, "assets/"+module+".js")
	require.NoError(t, err)
	return string(body)
}

// Each language has every text and no other, with the same places to fill in.
func TestTexts_areComplete(t *testing.T) {
	places := func(text, name string) []string {
		line := regexp.MustCompile(`(?m)^  ` + name + `: (.*),$|\b` + name + `: ("[^"]*")`).FindString(text)
		all := regexp.MustCompile(`\{\d\}`).FindAllString(line, -1)
		slices.Sort(all)
		return slices.Compact(all)
	}
	english := ""
	for _, module := range []string{"texts", "feed", "panel", "push", "preferences"} {
		text := source(t, module)
		for _, block := range regexp.MustCompile(`(?s)(?:english = |Object\.assign\(english, )\{\n.*?\n\}`).FindAllString(text, -1) {
			english += block + "\n"
		}
	}
	want := names(english)
	require.Greater(t, len(want), 60)
	extra := []string{"settings", "seeAll", "close"} // declared on a line
	shared := []string{"cell"}                       // the same in most
	for _, language := range Languages[1:] {
		text := source(t, "texts-"+language)
		got := names(text)
		for _, name := range want {
			if slices.Contains(shared, name) {
				continue
			}
			assert.Contains(t, got, name, language)
			if name != "repeats" && name != "pill" && language != "ar" { // "one more" needs no number
				assert.Equal(t, places(english, name), places(text, name), "%s: %s", language, name)
			}
		}
		for _, name := range got {
			assert.Contains(t, slices.Concat(want, extra), name, language)
		}
	}
}

func TestLink_joinsModules(t *testing.T) {
	from := fstest.MapFS{
		"assets/a.js": {Data: []byte("// About a.\n/** A.\n * More. */\nexport const a = 1; \n")},
		"assets/b.js": {Data: []byte("import { a } from \"./a.js\";\nimport { far, other } from \"./c.js\";\n\n" +
			"/** @type {x} */ export function b() {\n  return import(\"./c.js\") || \"a  =  b // c\" + a;\n}\n")},
	}
	bundles := map[string]string{"a": "one.js", "b": "one.js", "c": "two.js"}
	got, err := link(from, "one.js", []string{"a", "b"}, bundles)
	require.NoError(t, err)
	assert.Equal(t, "import{far,other}from\"./two.js\";const a=1;function b(){return import(\"./two.js\")||\"a  =  b // c\"+a}\nexport{a,b};\n", string(got))

	from["assets/b.js"] = &fstest.MapFile{Data: []byte("const a = 2;\n")}
	_, err = link(from, "one.js", []string{"a", "b"}, bundles)
	assert.ErrorContains(t, err, "a and b both have a a")
	from["assets/b.js"] = &fstest.MapFile{Data: []byte("import { x } from \"./nowhere.js\";\n")}
	_, err = link(from, "one.js", []string{"a", "b"}, bundles)
	assert.ErrorContains(t, err, "nowhere")
}

func TestStrip_keepsWhatMeansSomething(t *testing.T) {
	for source, want := range map[string]string{
		`const url = "http://a.b/ c";`:     `const url="http://a.b/ c";`,
		`x = y.replace(/a  - b/g, " = ");`: `x=y.replace(/a  - b/g," = ");`,
		"const t = `a  ${b} = c`;":         "const t=`a  ${b} = c`;",
		`return typeof x === "a" ? b : c;`: `return typeof x==="a"?b:c;`,
		`if (a in b) new C();`:             `if(a in b)new C();`,
		`a = b + c - d;`:                   `a=b+c-d;`,
		`f("a // b"); // it's "told"`:      `f("a // b");`,
		`i++ === 0 && --j;`:                `i++===0&&--j;`,
	} {
		assert.Equal(t, []string{want}, strip(source))
	}
	assert.Equal(t, []string{"const look=`", ".a>b{color:red;margin:0 1px}", "@media (width>1px){c{d:e}}", "`;"},
		strip("const look = `\n  .a > b { color: red; margin: 0 1px; }\n\n@media (width > 1px) { c { d: e } }\n`;"))
	for _, module := range slices.Concat(bellModules, moreModules) {
		assert.NotRegexp(t, `[+] [+]|- -`, source(t, module), module)
	}
}
