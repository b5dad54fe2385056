//go:build linux

package storm

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// A transaction of the host is held open for five seconds while others send and
// read. It keeps nobody, nothing of it is seen before its commit, and then all.
func TestHostTransaction_heldOpen(t *testing.T) {
	each(t, func(t *testing.T, sys *system) {
		t.Parallel()
		for _, commit := range []bool{true, false} {
			t.Run(map[bool]string{true: "committed", false: "rolled back"}[commit], func(t *testing.T) {
				hostTransactionHeldOpen(t, sys, commit)
			})
		}
	})
}

func hostTransactionHeldOpen(t *testing.T, sys *system, commit bool) {
	s := newScene(t, sys)
	r := person(3) // immediate, one mailbox, no device
	worker := s.hire(s.template)
	watchers, stop := watch(t, s.center, r)

	tx, err := s.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	begun := time.Now()
	_, err = tx.Exec("INSERT INTO orders (id) VALUES ('order')")
	require.NoError(t, err)
	for _, title := range []string{"paid", "shipped"} {
		_, err = s.center.SendTx(t.Context(), s.store.Tx(tx), notify.Notification{Tenant: tenant, Provider: "billing", To: []notify.Recipient{r}, Key: title, Title: title})
		require.NoError(t, err)
	}
	if sys.server != nil { // a file has one writer at a time
		for _, title := range []string{"one", "two", "three"} {
			_, err := s.center.Send(t.Context(), notify.Notification{Tenant: tenant, Provider: "billing", To: []notify.Recipient{r}, Key: title, Title: title})
			require.NoError(t, err)
		}
		worker.await("has delivered beside the open transaction", func(lines []line) bool { return number(lines, took) == 3 })
		s.eventually("they are seen", func() bool { return watchers[0].count() == 3 })
	}
	pause(t.Context(), time.Until(begun.Add(5*time.Second)))
	before := watchers[0].count()
	assert.Equal(t, map[bool]int{true: 3, false: 0}[sys.server != nil], before)
	want := before
	if commit {
		require.NoError(t, tx.Commit())
		want += 2
	} else {
		require.NoError(t, tx.Rollback())
	}
	s.eventually("all is seen", func() bool { return watchers[0].count() == want })
	worker.await("has delivered all", func(lines []line) bool { return number(lines, took) == want })
	s.quiet(s.center, false)
	worker.dismiss()
	s.checkWatched(s.center, watchers)
	stop()
	assert.Equal(t, want, number(worker.lines(), took))
	assert.Len(t, query(t, s.db, "SELECT id FROM orders"), (want-before)/2)
}

// A transaction of the engine that has taken its instant and commits after one
// that took a later instant is skipped by nobody: not by a reader who has seen
// the later one, and not by the digest.
func TestLateCommit_isSkippedByNobody(t *testing.T) {
	for _, sys := range systems {
		if sys.server == nil {
			continue // a file has one writer at a time, which takes its instant as such
		}
		t.Run(sys.name, func(t *testing.T) {
			t.Parallel()
			lateCommit(t, sys)
		})
	}
}

func lateCommit(t *testing.T, sys *system) {
	s := newScene(t, sys)
	r := person(2)
	_, err := s.center.SavePreferences(t.Context(), r, notify.Preferences{
		Channels: map[string]notify.Mode{notify.Email: notify.Daily, notify.Mobile: notify.Off}, DigestAt: "00:00",
	})
	require.NoError(t, err)
	to := func(title string) notify.Notification {
		return notify.Notification{Tenant: tenant, Provider: "billing", To: []notify.Recipient{r}, Key: title, Title: title}
	}
	_, err = s.center.Send(t.Context(), to("first")) // plans a digest
	require.NoError(t, err)
	watchers, stop := watch(t, s.center, r)

	// Whoever files for a digest locks its plan: here somebody else holds it.
	blocker, err := s.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer blocker.Rollback()
	_, err = blocker.Exec("UPDATE notify_plan SET last_cut = last_cut + 1 WHERE recipient = '" + r.ID + "'")
	require.NoError(t, err)
	lateDone := make(chan error, 1)
	go func() {
		_, err := s.center.Send(t.Context(), to("late"))
		lateDone <- err
	}()
	pause(t.Context(), time.Second)
	require.Empty(t, lateDone, "it waits for the plan")

	// Another process, which does not queue behind the first one's Send.
	otherDB, _, other := s.template.look(t)
	defer otherDB.Close()
	quick := to("quick")
	quick.Silent = true // it plans nothing
	_, err = other.Send(t.Context(), quick)
	require.NoError(t, err)
	s.eventually("the quick one is seen", func() bool { return len(watchers[0].missing(t, s.center)) <= 1 && watchers[0].count() > 0 })
	page, err := other.Inbox(r).Page(t.Context(), notify.Query{})
	require.NoError(t, err)

	require.NoError(t, blocker.Rollback())
	require.NoError(t, <-lateDone)
	s.checkWatched(s.center, watchers)
	stop()
	resumed := make(map[string]bool)
	for change, err := range other.Inbox(r).Watch(t.Context(), page.Head) {
		require.NoError(t, err)
		if resumed[change.Item.Notification.Title] = true; resumed["late"] {
			break
		}
	}
	var titles []string
	filed := make(map[string]time.Time)
	for item, err := range other.Inbox(r).All(t.Context(), notify.Query{Limit: 1}) {
		require.NoError(t, err)
		titles = append(titles, item.Notification.Title)
		filed[item.Notification.Title] = item.Filed
	}
	assert.ElementsMatch(t, []string{"first", "late", "quick"}, titles)
	t.Logf("the late one was filed %s before the quick one and committed after it", filed["quick"].Sub(filed["late"]))

	// It is in the digest, which opens a day later.
	s.template.Offset = day
	worker := s.hire(s.template)
	s.quiet(s.center, true)
	worker.dismiss()
	var digests [][]notify.ID
	for _, l := range readJournal(t, filepath.Join(s.folder, worker.name+".journal")) {
		if l.What == took {
			digests = append(digests, l.Notifications)
		}
	}
	require.Len(t, digests, 1)
	assert.Len(t, digests[0], 2, "the first and the late one")
}
