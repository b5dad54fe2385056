package main

import (
	"path"
	"strings"
)

// suite is a part of the tests.
type suite struct {
	module string // folder of its go.mod
	folder string // of the package, within the module
	run    string // of -run
}

func (s suite) String() string { return path.Join(s.module, s.folder) + " " + s.run }

// flags let rapid try more than in make test, and keep it from writing the
// failure that is wanted into the tree and from making it small.
func (s suite) flags() []string {
	if strings.Contains(s.run, "TestModel") {
		return []string{"-args", "-rapid.nofailfile", "-rapid.shrinktime=0s", "-rapid.checks=100"}
	}
	return nil
}

// root are tests of the rules and the engine.
func root(run string) suite { return suite{".", ".", run} }

// mail are tests of the e-mail channel.
func mail(run string) suite { return suite{".", "./channels/email", run} }

// contract is the conformance kit on the memory store, or the part of it.
func contract(part string) suite { return suite{".", "./store/memory", "^TestContract$/" + part} }

// sqlite is the conformance kit on SQLite.
func sqlite(part string) suite {
	return suite{"internal/integration", ".", "^TestSQLite_conformance$/as_recommended/" + part}
}

// simulation is the engine in a world that goes wrong, and model a store beside
// the memory store.
var (
	simulation = suite{".", "./internal/simulation", "^TestSimulation$"}
	model      = suite{"internal/integration", ".", "^TestModel$/sqlite"}
)
