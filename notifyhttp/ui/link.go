package ui

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The forms that the linker understands, which are those that the modules use:
// named imports and exports, each in a line of its own.
var (
	importForm  = regexp.MustCompile(`^import \{ ([\w, ]+) \} from "\./([\w-]+)\.js";$`)
	dynamicForm = regexp.MustCompile(`import\("\./([a-z]+)\.js"\)`)
	exportForm  = regexp.MustCompile(`^export (?:async )?(?:class|function|const) (\w+)`)
	topForm     = regexp.MustCompile(`^(?:export )?(?:async )?(?:class|function|const|let) (\w+)`)
)

// link joins modules into one: imports among them go, imports from another
// bundle are gathered, and everything that a module exports the bundle does.
// bundles tells in which bundle each module is.
func link(from fs.FS, bundle string, modules []string, bundles map[string]string) ([]byte, error) {
	imports := map[string]map[string]bool{}
	var exports, lines []string
	names := map[string]string{}
	for _, module := range modules {
		source, err := fs.ReadFile(from, "assets/"+module+".js")
		if err != nil {
			return nil, err
		}
		for _, raw := range strings.Split(string(source), "\n") {
			// Two names of two modules must not meet. What is not indented is top level.
			if m := topForm.FindStringSubmatch(raw); m != nil {
				if other, taken := names[m[1]]; taken {
					return nil, fmt.Errorf("ui: %s and %s both have a %s", other, module, m[1])
				}
				names[m[1]] = module
			}
		}
		for _, line := range strip(string(source)) {
			if m := importForm.FindStringSubmatch(line); m != nil {
				other := bundles[m[2]]
				if other == "" {
					return nil, fmt.Errorf("ui: %s imports %s, which is in no bundle", module, m[2])
				}
				if other != bundle {
					if imports[other] == nil {
						imports[other] = map[string]bool{}
					}
					for name := range strings.SplitSeq(m[1], ", ") {
						imports[other][name] = true
					}
				}
				continue
			}
			if m := exportForm.FindStringSubmatch(line); m != nil {
				exports = append(exports, m[1])
				line = strings.TrimPrefix(line, "export ")
			}
			line = dynamicForm.ReplaceAllStringFunc(line, func(call string) string {
				return `import("./` + bundles[dynamicForm.FindStringSubmatch(call)[1]] + `")`
			})
			lines = append(lines, line)
		}
	}
	var head []string
	for _, other := range slices.Sorted(maps.Keys(imports)) {
		head = append(head, "import{"+strings.Join(slices.Sorted(maps.Keys(imports[other])), ",")+`}from"./`+other+`";`)
	}
	tail := "export{" + strings.Join(exports, ",") + "};"
	joined := lineEnd.ReplaceAllString(strings.Join(slices.Concat(head, lines, []string{tail}), "\n"), "$1")
	return []byte(strings.ReplaceAll(joined, ";}", "}") + "\n"), nil
}

// lineEnd is a line break that neither a script nor a style sheet needs. Nor do
// they need a ";" before a "}": the modules have no empty statements.
var lineEnd = regexp.MustCompile(`([;{,(])\n`)

// cssSpace is white space that a style sheet does not need.
var cssSpace = regexp.MustCompile(`\s*([{};,>])\s*|(:)\s+`)

// literal is what white space belongs to: strings, templates on one line, and
// regular expressions.
var literal = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`|[(=,] ?/(?:[^/\\\\]|\\\\.)+/[a-z]*")

// scriptSpace and sumSpace are white space that a script does not need. The
// modules have no "+ +" and no "- -", which would become another operator.
var (
	scriptSpace = regexp.MustCompile(` ?([=<>?:,;{}()&|!*%]) ?`)
	sumSpace    = regexp.MustCompile(` ?([+-]=?) `)
)

// squeeze drops white space around operators.
func squeeze(line string) string {
	var b strings.Builder
	for line != "" {
		code, kept := line, ""
		if at := literal.FindStringIndex(line); at != nil {
			code, kept = line[:at[0]], line[at[0]:at[1]]
		}
		if at := strings.Index(code, "//"); at >= 0 { // a comment behind the code
			code, kept = strings.TrimRight(code[:at], " "), ""
			line = code
		}
		b.WriteString(sumSpace.ReplaceAllString(scriptSpace.ReplaceAllString(code, "$1"), "$1"))
		b.WriteString(kept)
		line = line[len(code)+len(kept):]
	}
	return b.String()
}

// strip leaves comments that have lines of their own out, and white space that
// says nothing. The modules keep to that: no text of theirs has a line that
// begins like a comment, and a style sheet begins behind a line that ends with a
// backquote.
func strip(source string) []string {
	var lines []string
	style := false
	comment := false
	for line := range strings.SplitSeq(source, "\n") {
		line = strings.TrimSpace(line)
		if comment || strings.HasPrefix(line, "/*") {
			var ended bool
			_, line, ended = strings.Cut(line, "*/")
			comment = !ended
			line = strings.TrimSpace(line)
		}
		if comment || line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		if style = style && line != "`;"; style {
			line = cssSpace.ReplaceAllString(line, "$1$2")
			line = strings.ReplaceAll(line, ";}", "}")
		} else if !importForm.MatchString(line) {
			line = squeeze(line)
		}
		style = style || strings.HasSuffix(line, "=`")
		lines = append(lines, line)
	}
	return lines
}

func sortedNames(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
