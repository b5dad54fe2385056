package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// bench is where mutants are tried: the tree, and a folder for their files.
type bench struct{ tree, folder string }

func newBench() (*bench, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	folder, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	return &bench{tree: filepath.Dir(strings.TrimSpace(string(out))), folder: folder}, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.folder) }

// try breaks the rule and runs the suites that have to notice. It returns the
// tests that did.
func (b *bench) try(ctx context.Context, m mutant) (kills []string, err error) {
	overlay, err := b.overlay(m)
	if err != nil {
		return nil, err
	}
	var survived []error
	for _, s := range m.killers {
		failed, output, err := b.test(ctx, s, overlay)
		switch {
		case err != nil:
			return kills, err
		case failed:
			kills = append(kills, s.String()+": "+culprits(output))
		default:
			survived = append(survived, fmt.Errorf("%s does not notice", s))
		}
	}
	return kills, errors.Join(survived...)
}

// overlay writes the mutated file and the map that puts it in place.
func (b *bench) overlay(m mutant) (string, error) {
	file := filepath.Join(b.tree, filepath.FromSlash(m.file))
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("the text to change is %d times in %s, not once: mend the mutant", n, m.file)
	}
	changed := filepath.Join(b.folder, "mutant.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(b.folder, "overlay.json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// test runs a suite, with an overlay or as it is. That it does not compile is an
// error and no failure.
func (b *bench) test(ctx context.Context, s suite, overlay string) (failed bool, output string, err error) {
	args := []string{"test", "-timeout", "5m", "-failfast", "-run", s.run}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(append(args, s.folder), s.flags()...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its children
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir = filepath.Join(b.tree, filepath.FromSlash(s.module))
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil && strings.Contains(out.String(), "[no tests to run]"):
		return false, "", fmt.Errorf("%s runs no test", s)
	case err == nil:
		return false, out.String(), nil
	case !errors.As(err, &exit):
		return false, "", err
	case strings.Contains(out.String(), "[build failed]") || strings.Contains(out.String(), "[setup failed]"):
		return false, "", fmt.Errorf("does not compile: %.500s", out.String())
	}
	return true, out.String(), nil
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// culprits names the tests that failed: the innermost ones, at most three.
func culprits(output string) string {
	var names []string
	for _, found := range failure.FindAllStringSubmatch(output, -1) {
		if len(names) > 0 && strings.HasPrefix(found[1], names[len(names)-1]+"/") {
			names = names[:len(names)-1]
		}
		names = append(names, found[1])
	}
	switch {
	case len(names) == 0:
		return "a panic or a deadlock"
	case len(names) > 3:
		names = append(names[:3], "...")
	}
	return strings.Join(names, ", ")
}
