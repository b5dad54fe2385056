package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
)

// wall is a clock that moves only when told to.
type wall struct{ now time.Time }

func newWall() *wall { return &wall{time.Date(2026, time.May, 4, 9, 0, 0, 0, time.UTC)} }

func (w *wall) Now() time.Time { return w.now }

// open opens a journal that is closed when the test ends.
func open(t testing.TB, path string, w *wall) *Journal {
	t.Helper()
	j, err := Open(path, w.Now)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := j.Close(); !errors.Is(err, os.ErrClosed) {
			assert.NoError(t, err)
		}
	})
	return j
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Harness {
		w := newWall()
		path := filepath.Join(t.TempDir(), "journal")
		j := open(t, path, w)
		return storetest.Harness{
			Store:   j,
			Advance: func(d time.Duration) { w.now = w.now.Add(d) },
			Reopen: func() (notify.Store, error) {
				if err := j.Close(); err != nil {
					return nil, err
				}
				return open(t, path, w), nil
			},
		}
	})
}

// TestChanges finds methods of the store that change something and get around
// the journal: each method is either of the kind that writes or on this list.
func TestChanges(t *testing.T) {
	reading := []string{
		"Addresses", "Counts", "Deliveries", "DigestEntries", "DuePlans", "Items", "Load", "Now", "Pauses",
		"Profiles", "Stats", "Suppressed", "Suppressions",
	}
	journal, state := reflect.TypeFor[*Journal](), reflect.TypeFor[*memory.Store]()
	j := open(t, filepath.Join(t.TempDir(), "journal"), newWall())
	for i := range journal.NumMethod() {
		method := journal.Method(i)
		if _, of := state.MethodByName(method.Name); !of || slices.Contains(reading, method.Name) || method.Name == "Claim" {
			continue
		}
		before := size(t, j)
		args := []reflect.Value{reflect.ValueOf(j), reflect.ValueOf(t.Context())}
		for p := 2; p < method.Type.NumIn(); p++ {
			args = append(args, reflect.Zero(method.Type.In(p)))
		}
		method.Func.Call(args)
		assert.Greater(t, size(t, j), before, method.Name)
	}
	require.NoError(t, j.Close())
	open(t, j.file.Name(), newWall()) // every line can be read back
}

func size(t *testing.T, j *Journal) int64 {
	t.Helper()
	info, err := j.file.Stat()
	require.NoError(t, err)
	return info.Size()
}

// TestReplay uses a center in many ways and compares what is stored before and
// after the end of its process.
func TestReplay(t *testing.T) {
	w := newWall()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, w)
	use(t, j, w)
	before := everything(t, j)
	require.NoError(t, j.Close())
	reopened := open(t, path, w)
	assert.Equal(t, before, everything(t, reopened))
	w.now = w.now.Add(time.Minute)
	now, err := reopened.Now(t.Context())
	require.NoError(t, err)
	assert.Equal(t, w.now, now, "the clock stands still")
	for _, said := range []string{"dead", "Build 3", `"a": 1`, "450", "maintenance", "someone@example.com"} {
		assert.Contains(t, strings.Join(before, "\n"), said, "the state is poorer than this test thinks")
	}
}

// everything is all that can be read of the people of this test.
func everything(t *testing.T, store notify.Store) []string {
	t.Helper()
	ctx := t.Context()
	var all []string
	note := func(value any, err error) {
		require.NoError(t, err)
		all = append(all, fmt.Sprintf("%+v", value))
	}
	people := []notify.Recipient{notify.User("ann"), notify.User("bob")}
	for _, r := range people {
		items, err := store.Items(ctx, r, notify.ItemQuery{State: notify.StateAll})
		note(items, err)
		for _, item := range items {
			all = append(all, string(item.Notification.Data))
		}
		counts, err := store.Counts(ctx, r, 100)
		note(counts, err)
	}
	profiles, err := store.Profiles(ctx, people)
	note(profiles, err)
	addresses, err := store.Addresses(ctx, people)
	note(addresses, err)
	deliveries, err := store.Deliveries(ctx, notify.DeliveryQuery{})
	note(deliveries, err)
	stats, err := store.Stats(ctx)
	note(stats, err)
	pauses, err := store.Pauses(ctx)
	note(pauses, err)
	suppressions, err := store.Suppressions(ctx, "", notify.Address{}, 0)
	note(suppressions, err)
	return all
}

// use sends, reads, delivers, fails and plans.
func use(t *testing.T, store notify.Store, w *wall) {
	t.Helper()
	ctx := t.Context()
	ann, bob := notify.User("ann"), notify.User("bob")
	center, err := notify.New(store, &notify.Options{
		Channels: []notify.Channel{moody()},
		Links:    notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/" }},
	})
	require.NoError(t, err)
	_, err = center.SavePreferences(ctx, bob, notify.Preferences{Channels: map[string]notify.Mode{"moody": notify.Daily}})
	require.NoError(t, err)
	_, err = center.Register(ctx, ann, notify.Registration{Address: notify.Address{Channel: "moody", Value: "v", Meta: []byte(`{ "k":  "<>" }`)}})
	require.NoError(t, err)
	require.NoError(t, center.Suppress(ctx, notify.Suppression{Address: notify.Address{Channel: "moody", Value: "someone@example.com"}}))
	require.NoError(t, store.SetPause(ctx, notify.Pause{Channel: "fax", Reason: "maintenance"}, time.Hour))
	for build := 1; build <= 4; build++ {
		_, err := center.Send(ctx, notify.Notification{
			Provider: "ci", To: []notify.Recipient{ann, bob}, Title: fmt.Sprint("Build ", build), Entity: fmt.Sprint("build/", build),
			Data: []byte(`{"a": 1, "b":"<&>"}`), CollapseKey: []string{"", "same"}[build%2],
		})
		require.NoError(t, err)
		require.NoError(t, center.Drain(ctx))
		w.now = w.now.Add(time.Hour)
	}
	_, err = center.Withdraw(ctx, notify.Withdrawal{Entity: "build/4"})
	require.NoError(t, err)
	_, err = center.Inbox(ann).Mark(ctx, notify.Mark{Op: notify.OpSnooze, Until: w.now.Add(time.Hour), IDs: ids(t, store, ann)[:1]})
	require.NoError(t, err)
	w.now = w.now.Add(5 * time.Hour) // half past the hour of the digest
	require.NoError(t, center.Drain(ctx))
}

func ids(t *testing.T, store notify.Store, r notify.Recipient) []notify.ID {
	t.Helper()
	items, err := store.Items(t.Context(), r, notify.ItemQuery{})
	require.NoError(t, err)
	var found []notify.ID
	for _, item := range items {
		found = append(found, item.ID)
	}
	return found
}

// moody is a channel that fails in different ways.
func moody() *channeltest.Recorder {
	r := &channeltest.Recorder{As: "moody"}
	for range 100 {
		r.Next(channeltest.Refuse(notify.Permanent), channeltest.Fail(errors.New("450 busy")), nil)
	}
	return r
}
