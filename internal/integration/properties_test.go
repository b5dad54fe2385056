package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

var modes = []notify.Mode{notify.Default, notify.Off, notify.Immediate, notify.Daily, "weekly"}

// TestResolver_followsTheTable compares the resolver with the table of
// docs/semantics.md, read from top to bottom.
func TestResolver_followsTheTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		flag := func(label string) bool { return rapid.Bool().Draw(rt, label) }
		channel := notify.ChannelInfo{Name: notify.Email, Registered: flag("registered"), Digest: flag("digest"), Default: one(rt, modes, "host's")}
		q := notify.Question{
			Erased: below(rt, 8, "erased") == 0, Silent: below(rt, 8, "silent") == 0, Actor: below(rt, 8, "actor") == 0,
			Provider: notify.Provider{ID: "new", Aliases: []string{"old"}, Defaults: map[string]notify.Mode{notify.Email: one(rt, modes, "provider's")}},
			Preferences: notify.Preferences{
				Muted: below(rt, 4, "muted") == 0, Channels: map[string]notify.Mode{notify.Email: one(rt, modes, "channel's")},
				Choices: map[string]map[string]notify.Mode{"new": {notify.Email: one(rt, modes, "cell")}, "old": {notify.Email: one(rt, modes, "former cell")}},
			},
			Channels: []notify.ChannelInfo{channel},
		}
		if below(rt, 4, "forced") == 0 {
			q.Provider.Forced = []string{notify.Email}
		}
		got := notify.StandardResolver{}.Resolve(q)
		require.Len(rt, got, 2)
		require.Equal(rt, q.Erased, got[0].Mode == notify.Off, "the interface is on for whoever is not erased")

		says := func(m notify.Mode) bool {
			return slices.Contains([]notify.Mode{notify.Off, notify.Immediate, notify.Daily}, m)
		}
		table := []struct {
			when bool
			mode notify.Mode
			rule string
		}{
			{q.Erased, notify.Off, notify.RuleErased},
			{!channel.Registered, notify.Off, notify.RuleUnknownChannel},
			{q.Silent, notify.Off, notify.RuleSilent},
			{q.Actor, notify.Off, notify.RuleActor},
			{q.Provider.Forced != nil, notify.Immediate, notify.RuleForced},
			{q.Preferences.Muted, notify.Off, notify.RuleMuted},
			{says(q.Preferences.Choices["new"][notify.Email]), q.Preferences.Choices["new"][notify.Email], notify.RuleChoice},
			{says(q.Preferences.Choices["old"][notify.Email]), q.Preferences.Choices["old"][notify.Email], notify.RuleChoice},
			{says(q.Preferences.Channels[notify.Email]), q.Preferences.Channels[notify.Email], notify.RuleChannel},
			{says(q.Provider.Defaults[notify.Email]), q.Provider.Defaults[notify.Email], notify.RuleProviderDefault},
			{says(channel.Default), channel.Default, notify.RuleDefault},
			{true, notify.Off, notify.RuleOff},
		}
		row := table[slices.IndexFunc(table, func(row struct {
			when bool
			mode notify.Mode
			rule string
		}) bool {
			return row.when
		})]
		if row.mode == notify.Daily && !channel.Digest {
			row.mode = notify.Immediate
		}
		require.Equal(rt, notify.Decision{Channel: notify.Email, Mode: row.mode, Rule: row.rule}, got[1])
	})
}

// TestCursors_pagesTileTheInbox reads an inbox page by page while more comes in:
// all that was there at the start is seen, once, and in order.
func TestCursors_pagesTileTheInbox(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
		n, err := notify.New(memory.New(&memory.Options{Now: func() time.Time { return at }}), nil)
		require.NoError(rt, err)
		sent := 0
		send := func(most int) {
			for range below(rt, most, "items") {
				at = at.Add(time.Duration(below(rt, 2, "later")) * time.Microsecond) // often at the same instant
				_, err := n.Send(rt.Context(), notify.Notification{Provider: "billing", To: []notify.Recipient{alice}, Title: fmt.Sprint(sent)})
				require.NoError(rt, err)
				sent++
			}
		}
		send(40)
		at = at.Add(time.Microsecond)
		old, limit := sent, 1+below(rt, 7, "limit")
		var seen []notify.Item
		for q := (notify.Query{Limit: limit}); ; {
			page, err := n.Inbox(alice).Page(rt.Context(), q)
			require.NoError(rt, err)
			require.LessOrEqual(rt, len(page.Items), limit)
			seen = append(seen, page.Items...)
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
			send(3)
		}
		require.Len(rt, seen, old)
		require.True(rt, slices.IsSortedFunc(seen, func(a, b notify.Item) int {
			if c := b.Filed.Compare(a.Filed); c != 0 {
				return c
			}
			return compareIDs(b.ID, a.ID)
		}))
		seen = slices.CompactFunc(seen, func(a, b notify.Item) bool { return a.ID == b.ID })
		require.Len(rt, seen, old, "none twice")
	})
}

func compareIDs(a, b notify.ID) int { return slices.Compare([]byte(a), []byte(b)) }
