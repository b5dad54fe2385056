package integration

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/postgres"
	"github.com/bellwether-go/notify/store/sqlite"
)

// modelled are the stores that have to do what the memory store does. Open
// prepares for many stores, each of them empty, on the clock it is given, and
// closed when its check is over. A new store needs a line here.
var modelled = []struct {
	name   string
	checks int // in make test: -rapid.checks does more
	open   func(t testing.TB) func(now func() time.Time) (s notify.Store, closed func())
}{
	{"sqlite", 15, func(t testing.TB) func(func() time.Time) (notify.Store, func()) {
		return func(now func() time.Time) (notify.Store, func()) {
			db := openDB(t, ":memory:")
			db.SetMaxOpenConns(1)
			return newStore(t, db, &sqlite.Options{Now: now}), func() { _ = db.Close() }
		}
	}},
	{"postgres", 10, func(t testing.TB) func(func() time.Time) (notify.Store, func()) {
		db := openPostgres(t, "pgx")
		schema := newSchema(t, db)
		stores := 0
		return func(now func() time.Time) (notify.Store, func()) {
			stores++
			return newPostgres(t, db, &postgres.Options{Schema: schema, Prefix: fmt.Sprintf("m%d_", stores), Now: now}), func() {}
		}
	}},
	{"mysql", 8, func(t testing.TB) func(func() time.Time) (notify.Store, func()) {
		db := connectMySQL(t, newDatabase(t, nil))
		stores := 0
		return func(now func() time.Time) (notify.Store, func()) {
			stores++
			return newMySQL(t, db, &mysql.Options{Prefix: fmt.Sprintf("m%d_", stores), Now: now}), func() {}
		}
	}},
}

// TestModel does the same things to a store and to the memory store, whatever
// rapid comes up with, and compares every answer and all that is visible after
// each step. A failure shrinks to a few steps and is kept in testdata/rapid.
// More is tried with -rapid.checks and -rapid.steps.
func TestModel(t *testing.T) {
	for _, s := range modelled {
		t.Run(s.name, func(t *testing.T) {
			setChecks(t, s.checks)
			open := s.open(t)
			rapid.Check(t, func(rt *rapid.T) {
				m := &machine{T: rt, at: time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)}
				now := func() time.Time { return m.at }
				m.oracle = memory.New(&memory.Options{Now: now})
				store, closed := open(now)
				defer closed()
				m.store = store
				rt.Repeat(map[string]func(*rapid.T){
					"":            m.compareAll,
					"accept":      m.accept,
					"acceptMore":  m.accept,
					"advance":     m.advance,
					"claim":       m.claim,
					"claimMore":   m.claim,
					"renew":       m.renew,
					"settle":      m.settle,
					"settleMore":  m.settle,
					"fanOut":      m.fanOut,
					"withdraw":    m.withdraw,
					"sweep":       m.sweep,
					"mark":        m.mark,
					"save":        m.save,
					"register":    m.register,
					"unregister":  m.unregister,
					"suppress":    m.suppress,
					"openDigests": m.openDigests,
					"redeliver":   m.redeliver,
					"pause":       m.pause,
					"prune":       m.prune,
					"erase":       m.erase,
					"restore":     m.restore,
				})
			})
		})
	}
}

// setChecks sets how much rapid tries, unless the command line does.
func setChecks(t *testing.T, checks int) {
	f := flag.Lookup("rapid.checks")
	if before := f.Value.String(); before == f.DefValue {
		require.NoError(t, f.Value.Set(strconv.Itoa(checks)))
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
}

// machine drives two stores with the same calls at the same instants.
type machine struct {
	*rapid.T
	at     time.Time
	oracle *memory.Store
	store  notify.Store
	ids    int

	notifications []notify.ID
	deliveries    []notify.ID
	held          []notify.Task // claimed once, perhaps lost since
	registrations []notify.ID
}

// full is what the stores of this house are.
type full interface {
	notify.Store
	notify.Pruner
	notify.Eraser
}

// both calls the oracle and the store, and holds the store to the oracle's
// answer, which it returns.
func both[T any](m *machine, what string, call func(full) (T, error)) (T, error) {
	m.Helper()
	want, wantErr := call(m.oracle)
	got, gotErr := call(m.store.(full))
	require.Equal(m, sort(wantErr), sort(gotErr), "%s: error (%v instead of %v)", what, gotErr, wantErr)
	if w, g := show(want), show(got); w != g {
		require.Fail(m, what+" differs", difference(w, g))
	}
	return want, wantErr
}

// difference shows where two long texts part.
func difference(want, got string) string {
	const before, after = 300, 300
	i := 0
	for i < min(len(want), len(got)) && want[i] == got[i] {
		i++
	}
	part := func(text string) string { return text[max(0, i-before):min(len(text), i+after)] }
	return fmt.Sprintf("the memory store: ...%s...\nthe store:        ...%s...", part(want), part(got))
}

// show prints an answer so that nil and empty are the same.
func show(answer any) string {
	if receipts, ok := answer.([]notify.Receipt); ok {
		for i := range receipts {
			receipts[i].Err = sort(receipts[i].Err)
		}
	}
	return fmt.Sprintf("%+v", answer)
}

// sort is the sort of an error that callers may branch on.
func sort(err error) error {
	for _, known := range []error{notify.ErrConflict, notify.ErrNotFound, notify.ErrInvalid, notify.ErrLeaseLost} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// id makes the next identifier.
func (m *machine) id() notify.ID {
	m.ids++
	return notify.ID(fmt.Sprintf("01977420-%04x-7000-8000-%012x", m.ids, m.ids))
}

func one[T any](rt *rapid.T, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(rt, label)
}

func below(rt *rapid.T, n int, label string) int { return rapid.IntRange(0, n-1).Draw(rt, label) }

var people = []notify.Recipient{{Tenant: "acme", ID: "a"}, {Tenant: "acme", ID: "b"}, {Tenant: "acme", ID: "c"}, {Tenant: "beta", ID: "a"}}

var channels = []string{notify.Email, notify.Mobile}

// some draws a part of the people of a tenant, sorted.
func some(rt *rapid.T, tenant string) []notify.Recipient {
	return slices.DeleteFunc(slices.Clone(people), func(r notify.Recipient) bool {
		return r.Tenant != tenant || !rapid.Bool().Draw(rt, "to "+r.ID)
	})
}

// leases draws some of the tasks that were claimed, each once.
func (m *machine) leases(rt *rapid.T, kinds ...notify.Kind) []notify.Task {
	var all []notify.Task
	for range 1 + below(rt, 3, "tasks") {
		t := one(rt, m.held, "task")
		known := slices.ContainsFunc(all, func(o notify.Task) bool { return o.ID == t.ID })
		if !known && (len(kinds) == 0 || slices.Contains(kinds, t.Kind)) {
			all = append(all, t)
		}
	}
	return all
}
