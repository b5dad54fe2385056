package notify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file keeps the documentation honest: Go code in it is cut from files
// that compile and run as tests, commands name targets and folders that exist,
// and links within the repository lead somewhere.
//
// A snippet of documentation follows a line
//
//	<!-- snippet: folder/file.go#region -->
//
// and equals what stands in that file between //snippet:start region and
// //snippet:end region.

const fence = "```"

var snippetMark = regexp.MustCompile(`^<!-- snippet: (\S+)#(\S+) -->$`)

func TestSnippets_areCutFromCompiledCode(t *testing.T) {
	total := 0
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		woven, count, problems := weave(string(text), readRegion)
		for _, problem := range problems {
			assert.Fail(t, "snippet", "%s: %s", name, problem)
		}
		total += count
		if *update {
			require.NoError(t, os.WriteFile(name, []byte(woven), 0o644))
			continue
		}
		if woven != string(text) {
			assert.Fail(t, "stale", "%s differs from the code: go test -run TestSnippets -update .", name)
		}
	}
	assert.NotZero(t, total, "the documents must show code")
}

func TestDocuments_areMerged(t *testing.T) {
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.NotRegexp(t, `(?m)^(<{7}|>{7}) `, string(text), "%s has the marks of a conflict", name)
	}
}

func TestReadme_showsCodeEarlyAndBriefly(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, after, found := strings.Cut(string(text), fence+"go\n")
	require.True(t, found, "no code")
	code, _, found := strings.Cut(after, fence)
	require.True(t, found)
	assert.LessOrEqual(t, strings.Count(before, "\n"), 30, "lines before the first code")
	assert.LessOrEqual(t, strings.Count(code, "\n"), 25, "lines of the first code")
}

func TestDocuments_leadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	command := regexp.MustCompile(`go run (\./\S+)`)
	target := regexp.MustCompile("make ([a-z]+)[`\n]")
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, match := range link.FindAllSubmatch(text, -1) {
			if destination := string(match[1]); !strings.Contains(destination, "://") {
				assert.FileExists(t, filepath.Join(filepath.Dir(name), destination), "a link of %s", name)
			}
		}
		for _, match := range command.FindAllSubmatch(text, -1) {
			assert.DirExists(t, strings.TrimRight(string(match[1]), "`."), "a command of %s", name)
		}
		for _, match := range target.FindAllSubmatch(text, -1) {
			assert.Contains(t, string(makefile), "\n"+string(match[1])+":", "a command of %s", name)
		}
	}
}

func TestWeave_findsWhatIsStaleMissingOrUnmarked(t *testing.T) {
	region := func(file, name string) (string, error) {
		if file != "a.go" || name != "x" {
			return "", fmt.Errorf("no region %s in %s", name, file)
		}
		return "x()\n", nil
	}
	const marked = "<!-- snippet: a.go#x -->\n"
	for _, c := range []struct{ name, text, woven, problem string }{
		{"current", marked + "\n```go\nx()\n```\nend\n", marked + "\n```go\nx()\n```\nend\n", ""},
		{"stale", marked + "\n```go\ny()\nz()\n```\nend\n", marked + "\n```go\nx()\n```\nend\n", ""},
		{"empty", marked + "\nend\n", marked + "\n```go\nx()\n```\n\nend\n", ""},
		{"unmarked", "```go\nx()\n```\n", "```go\nx()\n```\n", "Go code without a mark"},
		{"unknown region", "<!-- snippet: a.go#z -->\n", "<!-- snippet: a.go#z -->\n", "no region z in a.go"},
		{"no code", "```sh\nmake\n```\n", "```sh\nmake\n```\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			woven, _, problems := weave(c.text, region)
			assert.Equal(t, c.woven, woven)
			if c.problem == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0], c.problem)
		})
	}
}

func documents(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	return append(names, more...)
}

// weave returns a document with each marked snippet as it should be, how many
// there are, and what is wrong beyond being stale.
func weave(text string, region func(file, name string) (string, error)) (woven string, count int, problems []string) {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\n")
		out.WriteString(lines[i])
		if line == fence+"go" {
			problems = append(problems, fmt.Sprintf("line %d: Go code without a mark that says where it is from", i+1))
			continue
		}
		mark := snippetMark.FindStringSubmatch(line)
		if mark == nil {
			continue
		}
		code, err := region(mark[1], mark[2])
		if err != nil {
			problems = append(problems, fmt.Sprintf("line %d: %v", i+1, err))
			continue
		}
		count++
		out.WriteString("\n" + fence + "go\n" + code + fence + "\n")
		i += oldSnippet(lines[i+1:])
	}
	return out.String(), count, problems
}

// oldSnippet returns how many lines after a mark the snippet takes up that is
// to be replaced.
func oldSnippet(lines []string) int {
	start := 0
	for start < len(lines) && lines[start] == "\n" {
		start++
	}
	if start == len(lines) || lines[start] != fence+"go\n" {
		return 0
	}
	for end := start + 1; end < len(lines); end++ {
		if strings.TrimSuffix(lines[end], "\n") == fence {
			return end + 1
		}
	}
	return 0
}

// readRegion cuts a region out of a file and takes its indentation away.
func readRegion(file, name string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var lines []string
	inside, found := false, false
	for line := range strings.Lines(string(text)) {
		switch strings.TrimSpace(line) {
		case "//snippet:start " + name:
			inside, found = true, true
			continue
		case "//snippet:end " + name:
			inside = false
			continue
		}
		if inside && !strings.HasPrefix(strings.TrimSpace(line), "//snippet:") {
			lines = append(lines, line)
		}
	}
	if !found || inside {
		return "", fmt.Errorf("no region %s in %s", name, file)
	}
	code := strings.Trim(strings.Join(lines, ""), "\n")
	indent := code[:len(code)-len(strings.TrimLeft(code, "\t"))]
	code = strings.ReplaceAll("\n"+code, "\n"+indent, "\n")
	return strings.TrimPrefix(code, "\n") + "\n", nil
}
