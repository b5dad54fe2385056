//go:build linux

package storm

import (
	"context"
	"database/sql"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/internal/integration/servers"
)

// An outage is something that befalls a server.
type outage struct {
	name    string
	begin   func(h *host)
	end     func(h *host)
	ownDisk bool   // it needs a disk of the test's own, which only root can have
	tells   string // what the errors of callers must look like, the deadline's aside
}

// host is a server of the test's own with a center on it, and whoever can bring
// an outage about.
type host struct {
	t      *testing.T
	server *servers.Server // nil: it is a file
	disk   string          // where it is, if its size is ours
	db     database
	root   *sql.DB // connections of the server's administrator
	stop   func()  // ends what an outage keeps doing
}

const (
	outageLasts = 4 * time.Second
	callerWaits = 2 * time.Second
	// A caller is told a moment after its context has ended, and this machine
	// may have other things to do.
	slack = 10 * time.Second
	// Workers are back at work so soon after the server; twice that, since the
	// machine may have other things to do.
	recovers = 2 * 10 * time.Second
)

// Whatever befalls the server, a caller is told in time and in words, nothing
// that was acknowledged is lost, and each process goes on by itself.
func TestOutage(t *testing.T) {
	each(t, func(t *testing.T, sys *system) {
		t.Parallel()
		outages(t, sys)
	})
}

func outages(t *testing.T, sys *system) {
	h := newHost(t, sys)
	c := newCrew(t)
	template := child{
		Database: h.db, Lease: 5 * time.Second, Poll: time.Second, Patience: callerWaits,
		Pace:     60 * time.Millisecond,
		Schedule: schedule{Begin: time.Now().Add(-time.Hour).UTC(), Step: time.Second},
	}
	db, _, center := template.look(t)
	choose(t, center)
	db.Close()

	// One sends, the others work: what they do they have claimed.
	sender, worker := template, template
	sender.Senders, sender.Idle = 4, true
	team := team{sender: c.hire(sender), workers: []*hand{c.hire(worker), c.hire(worker)}}
	team.work(time.Now())
	for _, o := range sys.outages {
		if o.ownDisk && os.Geteuid() != 0 {
			t.Logf("%s is left out: only root can mount a disk for it", o.name)
			continue
		}
		begun := time.Now()
		o.begin(h)
		pause(t.Context(), outageLasts)
		o.end(h)
		ended := time.Now()
		team.work(ended)
		team.checkRecovered(t, o, ended)
		o.checkTold(t, team.sender, begun, ended)
	}
	for _, hand := range append(team.workers, team.sender) {
		hand.dismiss()
		told := strings.Count(hand.said(), "\n")
		lived := time.Since(hand.lines()[0].At)
		t.Logf("%s wrote %d log lines in %s", hand.name, told, lived.Round(time.Second))
		assert.LessOrEqual(t, told, 20+int(lived.Seconds()), "bounded in number")
	}

	db, _, center = template.look(t)
	defer db.Close()
	for _, ahead := range []time.Duration{time.Minute, day} { // the second for the digests
		template.Offset = ahead
		hand := c.hire(template)
		c.quiet(center, ahead == day)
		hand.dismiss()
	}
	lines := readJournals(t, c.folder)
	kept := lines[:0]
	for _, l := range lines {
		if l.What != trouble { // looked at above
			kept = append(kept, l)
		}
	}
	audit(t, sys, center, db, kept, faults{kills: len(sys.outages) * len(team.workers)})
}

// team is the processes that live through the outages.
type team struct {
	sender  *hand
	workers []*hand
}

// work waits until each of them does what it is there for, after an instant.
func (m team) work(since time.Time) {
	m.sender.crew.t.Helper()
	m.sender.await("sends", func([]line) bool { return !m.sender.firstAfter(since, sent).IsZero() })
	for _, w := range m.workers {
		w.await("works", func([]line) bool { return !w.firstAfter(since, took).IsZero() })
	}
}

// checkRecovered: each went on soon, by itself.
func (m team) checkRecovered(t *testing.T, o outage, ended time.Time) {
	t.Helper()
	after := func(h *hand, what string) time.Duration {
		late := h.firstAfter(ended, what).Sub(ended).Round(time.Millisecond)
		assert.Less(t, late, recovers, "%s: %s %s", o.name, h.name, what)
		return late
	}
	t.Logf("%s: sent %s after its end, delivered %s and %s after it",
		o.name, after(m.sender, sent), after(m.workers[0], took), after(m.workers[1], took))
}

// firstAfter is when something first happened after an instant.
func (h *hand) firstAfter(at time.Time, what string) time.Time {
	for _, l := range h.lines() {
		if l.What == what && l.At.After(at) {
			return l.At
		}
	}
	return time.Time{}
}

// checkTold: callers were told of the outage, of nothing else, and in time.
func (o outage) checkTold(t *testing.T, h *hand, begun, ended time.Time) {
	t.Helper()
	words := regexp.MustCompile(o.tells + "|context deadline exceeded|timeout")
	told := 0
	for _, l := range h.lines() {
		if l.What != trouble || l.At.Before(begun) {
			continue
		}
		told++
		assert.Regexp(t, words, l.Problem, o.name)
		assert.Less(t, l.Lasted, callerWaits+slack, "%s: %s", o.name, l.Problem)
		assert.Less(t, l.At.Sub(ended), recovers, "%s: %s", o.name, l.Problem)
	}
	assert.NotZero(t, told, "%s went by unnoticed", o.name)
}

// newHost starts a server on a disk of its own, if that can be had; a file needs
// the disk only.
func newHost(t *testing.T, sys *system) *host {
	t.Helper()
	h := &host{t: t, disk: smallDisk(t), stop: func() {}}
	if sys.server == nil {
		h.db = newDatabaseOn(t, sys, h.disk)
		h.root = h.connect(sys.driver, h.db.DSN)
		return h
	}
	require.NoError(t, servers.Install(t.Context(), sys.server))
	var err error
	h.server, err = servers.Start(t.Context(), sys.server, servers.Options{Directory: h.disk})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.server.Remove()) })
	h.root = h.connect(sys.driver, sys.administrator(h.server.DSN()))
	h.db = newDatabaseOn(t, sys, h.server.DSN())
	h.db.DSN = sys.employ(t, h.root, h.db.DSN)
	return h
}

func (h *host) connect(driver, dsn string) *sql.DB {
	h.t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { db.Close() })
	return db
}

// run runs statements as the administrator.
func (h *host) run(statements ...string) {
	h.t.Helper()
	for _, s := range statements {
		_, err := h.root.ExecContext(h.t.Context(), s)
		require.NoError(h.t, err, s)
	}
}

// keep does something again and again until the outage ends.
func (h *host) keep(do func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause(ctx, 50*time.Millisecond) {
			do(ctx)
		}
	}()
	h.stop = func() {
		cancel()
		<-done
	}
}
