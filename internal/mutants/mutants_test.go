package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever moves a line that a mutant changes hears of it here, and not only when
// all mutants are run.
func TestMutants_findTheirText(t *testing.T) {
	b, err := newBench()
	require.NoError(t, err)
	defer b.close()
	names := make(map[string]bool)
	for _, m := range mutants {
		_, err := b.overlay(m)
		assert.NoError(t, err, m.name)
		assert.NotEmpty(t, m.killers, m.name)
		assert.False(t, names[m.name], "two mutants named %s", m.name)
		names[m.name] = true
	}
}

// The bench itself, on a module with one rule and one test.
func TestTry_tellsWhatIsNoticedFromWhatIsNot(t *testing.T) {
	tree := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module example.org/rule\n\ngo 1.26\n",
		"rule.go":      "package rule\n\nfunc rule() (int, int) { return 1, 2 }\n",
		"rule_test.go": "package rule\n\nimport \"testing\"\n\nfunc TestRule(t *testing.T) {\n\tif one, _ := rule(); one != 1 {\n\t\tt.Fail()\n\t}\n}\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(tree, name), []byte(text), 0o600))
	}
	b := &bench{tree: tree, folder: t.TempDir()}
	tests := suite{".", ".", "TestRule"}
	try := func(old, new string, killers ...suite) ([]string, error) {
		return b.try(context.Background(), mutant{"", "rule.go", old, new, killers})
	}
	kills, err := try("1, 2", "3, 2", tests)
	require.NoError(t, err)
	assert.Equal(t, []string{". TestRule: TestRule"}, kills)
	_, err = try("1, 2", "1, 3", tests)
	require.ErrorContains(t, err, "does not notice")
	_, err = try("1, 2", "1, two", tests)
	require.ErrorContains(t, err, "does not compile")
	_, err = try("4, 5", "", tests)
	require.ErrorContains(t, err, "0 times")
	_, err = try("1, 2", "3, 2", suite{".", ".", "TestNothing"})
	require.ErrorContains(t, err, "runs no test")

	require.Error(t, report(context.Background(), io.Discard, b, []mutant{{"", "rule.go", "1, 2", "1, 3", []suite{tests}}}))
	require.NoError(t, report(context.Background(), io.Discard, b, []mutant{{"", "rule.go", "1, 2", "3, 2", []suite{tests}}}))
}
