package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

func TestInterface_aStoredOffIsIgnored(t *testing.T) { // R1
	store := memory.New(nil)
	n := newEngine(t, store, &outlet{name: notify.Email})
	off := map[string]notify.Mode{notify.Interface: notify.Off}
	require.NoError(t, store.SaveProfile(t.Context(), ada, notify.Profile{Preferences: notify.Preferences{
		Channels: off, Choices: map[string]map[string]notify.Mode{"billing": off},
	}}))
	send(t, n, note("shown"))
	assert.Equal(t, 1, unread(t, n, "ada"))
	p, err := n.Preferences(t.Context(), ada)
	require.NoError(t, err)
	assert.Empty(t, p.Channels)
	assert.Empty(t, p.Choices)
}

func TestTransient_isForToAndForNow(t *testing.T) { // R3
	mail := &outlet{name: notify.Email}
	n := center(t, mail, func(o *notify.Options) { o.Audiences = map[string]notify.Audience{"all": list{"ada"}} })
	toast := note("pop-up")
	toast.Transient = true
	send(t, n, toast)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	assert.Zero(t, unread(t, n, "ada"))
	_, err := n.SendTx(t.Context(), memory.New(nil), toast)
	require.ErrorIs(t, err, notify.ErrInvalid)
	for field, change := range map[string]func(*notify.Notification){
		"Audience":  func(n *notify.Notification) { n.To, n.Audience = nil, "all" },
		"Key":       func(n *notify.Notification) { n.Key = "k" },
		"NotBefore": func(n *notify.Notification) { n.NotBefore = time.Now().Add(time.Hour) },
		"Silent":    func(n *notify.Notification) { n.Silent = true },
	} {
		bad := toast
		change(&bad)
		_, err := n.Send(t.Context(), bad)
		assert.ErrorContains(t, err, field)
	}
}

// eager decides that everything is delivered at once.
type eager struct{}

func (eager) Resolve(q notify.Question) []notify.Decision {
	var all []notify.Decision
	for _, c := range q.Channels {
		all = append(all, notify.Decision{Channel: c.Name, Mode: notify.Immediate})
	}
	return append(all, notify.Decision{Channel: notify.Interface, Mode: notify.Off})
}

func TestResolver_ofTheHostCanNeitherSilenceTheInboxNorBreakSilence(t *testing.T) { // R1, R3
	mail := &outlet{name: notify.Email}
	n := center(t, mail, func(o *notify.Options) { o.Resolver = eager{} })
	quiet := note("quiet")
	quiet.Silent = true
	send(t, n, quiet)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	assert.Equal(t, 1, unread(t, n, "ada"))
}

func TestActor_isOneOfTheTenant(t *testing.T) { // rule 3
	mail := &outlet{name: notify.Email}
	ann := notify.Recipient{Tenant: "acme", ID: "ann"}
	n := center(t, mail, func(o *notify.Options) {
		o.Directory = notify.People{ann: {Addresses: []notify.Address{{Channel: notify.Email, Value: "ann"}}}}
	})
	own := note("own")
	own.To, own.Actor = []notify.Recipient{ann}, notify.User("ann")
	send(t, n, own)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
}

func TestExplain_namesTheRuleAndSendsNothing(t *testing.T) { // R4
	mail := &outlet{name: notify.Email}
	n := center(t, mail, func(o *notify.Options) {
		o.Providers = notify.Providers{{ID: "billing", Forced: []string{"fax"}, Defaults: map[string]notify.Mode{notify.Email: notify.Daily}}}
	})
	decisions, err := n.Explain(t.Context(), note("what if"), ada)
	require.NoError(t, err)
	assert.Equal(t, []notify.Decision{
		{Channel: notify.Interface, Mode: notify.Immediate, Rule: notify.RuleInterface},
		{Channel: notify.Email, Mode: notify.Daily, Rule: notify.RuleProviderDefault},
		{Channel: "fax", Mode: notify.Off, Rule: notify.RuleUnknownChannel},
	}, decisions)
	require.NoError(t, n.Drain(t.Context()))
	assert.Zero(t, unread(t, n, "ada"))
	assert.Empty(t, mail.deliveries())
	unknown := note("x")
	unknown.Provider = "nobody"
	_, err = n.Explain(t.Context(), unknown, ada)
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func TestOptOut_isOfThePastAndDefaultsStayLive(t *testing.T) { // R5
	store, mail := memory.New(nil), &outlet{name: notify.Email}
	open := func(fallback notify.Mode) *notify.Notifier {
		n, err := notify.New(store, &notify.Options{
			Channels: []notify.Channel{mail}, Defaults: map[string]notify.Mode{notify.Email: fallback},
			Directory: notify.People{ada: {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada"}}}},
			Links:     notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org" }},
		})
		require.NoError(t, err)
		return n
	}
	shy := open(notify.Off)
	cell := map[string]map[string]notify.Mode{"billing": {notify.Email: notify.Immediate}}
	save(t, shy, func(p *notify.Preferences) { p.Choices = cell })
	save(t, shy, func(p *notify.Preferences) { p.Choices = nil }) // off by default from here on
	loud := open(notify.Immediate)                                // until the host changes the default
	send(t, loud, note("news"))
	require.NoError(t, loud.Drain(t.Context()))
	assert.Equal(t, []string{"news"}, sentTitles(mail))
}

func TestMute_thatWasLiftedStillStopsWhatCameBefore(t *testing.T) { // R5
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	cell := map[string]map[string]notify.Mode{"chats": {notify.Email: notify.Off}}
	save(t, n, func(p *notify.Preferences) { p.Choices = cell })
	send(t, n, note("before"))
	save(t, n, func(p *notify.Preferences) { p.Muted = true })
	save(t, n, func(p *notify.Preferences) { p.Muted = false })
	send(t, n, note("after"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, []string{"after"}, sentTitles(mail))
	p, err := n.Preferences(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, cell, p.Choices, "the cells return with it")
}

func TestOptOut_ofAChannelThatIsRepeatedKeepsTheFormer(t *testing.T) { // R5
	mail := &outlet{name: notify.Email}
	n := center(t, mail, func(o *notify.Options) { o.Providers = nil })
	chat := note("before it was off")
	chat.Provider = "chats"
	off := func(p *notify.Preferences) { p.Channels = map[string]notify.Mode{notify.Email: notify.Off} }
	save(t, n, func(p *notify.Preferences) { p.DigestAt = "09:00" })
	send(t, n, chat)
	save(t, n, off)
	save(t, n, func(p *notify.Preferences) { p.Channels = nil })
	save(t, n, func(p *notify.Preferences) {
		p.Choices = map[string]map[string]notify.Mode{"chats": {notify.Email: notify.Immediate}}
	})
	chat.Title = "of its own choice"
	send(t, n, chat)
	save(t, n, off) // once more, with chats for an exception
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, []string{"of its own choice"}, sentTitles(mail))
}

func TestSavePreferences_keepsWhatIsStoredThoughItIsUnknownNow(t *testing.T) { // R5
	store := memory.New(nil)
	n := newEngine(t, store, &outlet{name: notify.Email})
	cells := map[string]map[string]notify.Mode{"billing": {"fax": notify.Off}}
	require.NoError(t, store.SaveProfile(t.Context(), ada, notify.Profile{Preferences: notify.Preferences{Choices: cells}}))
	_, err := n.SavePreferences(t.Context(), ada, notify.Preferences{Version: 1, Choices: cells})
	require.NoError(t, err)
	_, err = n.SavePreferences(t.Context(), ada, notify.Preferences{Version: 2, Channels: map[string]notify.Mode{"fax": notify.Off}})
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func TestDigest_fromDailyToImmediateAndBack(t *testing.T) { // R14
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		send(t, n, note("pending"))
		save(t, n, func(p *notify.Preferences) { p.Channels[notify.Email] = notify.Immediate })
		send(t, n, note("at once"))
		time.Sleep(18*time.Hour + time.Minute)
		assert.Equal(t, []string{"at once", ""}, sentTitles(mail))
		require.Len(t, mail.letters(), 1, "one last digest, at the cut that was planned")
		assert.Equal(t, []string{"pending"}, titles(mail.letters()[0].Items))
		save(t, n, daily)
		send(t, n, note("tomorrow"))
		time.Sleep(24 * time.Hour)
		require.Len(t, mail.letters(), 2)
		assert.Equal(t, []string{"tomorrow"}, titles(mail.letters()[1].Items), "what was mailed at once is not repeated")
	})
}

func TestDigest_oneCutPerLocalDate(t *testing.T) { // R11, R13
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		send(t, n, note("one"))
		time.Sleep(18*time.Hour + 10*time.Minute)
		require.Len(t, mail.letters(), 1)
		save(t, n, func(p *notify.Preferences) { p.DigestAt = "20:00" }) // nothing is pending: only the last cut tells
		send(t, n, note("two"))
		settings, err := n.Settings(t.Context(), ada)
		require.NoError(t, err)
		assert.Equal(t, 44*time.Hour, settings.Channels[0].NextDigest.Sub(time.Now().Truncate(24*time.Hour)))
		time.Sleep(3 * time.Hour)
		assert.Len(t, mail.letters(), 1)
		time.Sleep(24 * time.Hour)
		assert.Len(t, mail.letters(), 2)
	})
}

func TestDigest_keepsToTheZoneOfTheDirectory(t *testing.T) { // R14
	synctest.Test(t, func(t *testing.T) {
		mail, zone := &outlet{name: notify.Email}, "America/New_York"
		n := center(t, mail, func(o *notify.Options) {
			unhurried(o)
			o.Directory = directoryFunc(func(_ context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
				return map[notify.Recipient]notify.Contact{ada: {
					TimeZone: zone, Addresses: []notify.Address{{Channel: notify.Email, Value: "ada"}},
				}}, nil
			})
		})
		save(t, n, func(p *notify.Preferences) { daily(p); p.DigestAt = "09:00" })
		stop := running(t, n)
		send(t, n, note("one"))
		time.Sleep(14*time.Hour + time.Minute) // midnight UTC, the first of January: 09:00 there is 14:00
		require.Len(t, mail.letters(), 1)
		assert.Equal(t, "America/New_York", mail.letters()[0].Zone.String())
		send(t, n, note("two"))
		stop()
		zone = "America/Los_Angeles" // nobody tells; the cut that is planned comes too early
		defer running(t, n)()
		time.Sleep(24 * time.Hour)
		assert.Len(t, mail.letters(), 1)
		time.Sleep(3 * time.Hour)
		require.Len(t, mail.letters(), 2)
		assert.Equal(t, "America/Los_Angeles", mail.letters()[1].Zone.String())
	})
}

func TestDigest_leavesOutWhatHasExpired(t *testing.T) { // R18
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		short := note("offer of the day")
		short.ExpiresAt = time.Now().Add(18 * time.Hour)
		send(t, n, short, note("stays"))
		time.Sleep(19 * time.Hour)
		require.Len(t, mail.letters(), 1)
		assert.Equal(t, []string{"stays"}, titles(mail.letters()[0].Items))
		assert.Equal(t, 1, mail.letters()[0].Total)
		assert.Equal(t, 2, unread(t, n, "ada"), "the item stays")
	})
}
