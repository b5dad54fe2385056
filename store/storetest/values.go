package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

var valueChecks = []check{
	{"values/every field is kept", valuesFields},
	{"values/the largest notification is kept", valuesLargest},
	{"values/data is kept byte for byte", valuesData},
	{"values/no data and null are two things", valuesNull},
	{"values/text is kept as it is", valuesText},
	{"values/a zero time stays zero", valuesZeroTime},
	{"values/times at the edges", valuesTimes},
	{"values/times are truncated to microseconds", valuesMicroseconds},
	{"values/times come back in UTC", valuesZone},
	{"values/meta of an address is kept byte for byte", valuesMeta},
	{"values/ten thousand recipients", valuesRecipients},
	{"values/no rows and empty ones are the same", valuesEmpty},
	{"clock/is UTC in microseconds and moves on", clockMoves},
}

// stored files n for alice and returns what came back in an item, after
// checking that a task tells the same.
func (s *scene) stored(n notify.Notification) notify.Notification {
	id := s.send(n, to(alice, s.delivery(notify.Email)))
	it := s.item(alice, id)
	task := s.claimOne(notify.Email)
	equal(s, "notification by Load", s.load(task).Notification, it.Notification)
	s.settle(task, notify.Outcome{Status: notify.StatusDelivered})
	return it.Notification
}

// full is a notification with every field set that an item keeps.
func full() notify.Notification {
	at := time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)
	return notify.Notification{
		Tenant: "acme", Provider: "billing", Title: "Invoice 17", Body: "It is due.\nThank you.",
		Rows: []notify.Row{{Label: "Amount", Text: "12.00 EUR"}, {Text: "no label"}},
		URL:  "https://acme.example/i/17?a=b#c", Icon: "/icons/invoice.png",
		Actions: []notify.Action{{Key: "pay", Title: "Pay now", URL: "/pay"}, {Key: "later", Title: "Later"}},
		Data:    []byte(`{"invoice": 17}`), Key: "invoice-17", CollapseKey: "invoices", Entity: "invoice/17",
		Actor: notify.Recipient{Tenant: "acme", ID: "carol"}, Priority: notify.High, Silent: true,
		OccurredAt: at, NotBefore: at.Add(time.Hour), ExpiresAt: at.Add(20 * 365 * 24 * time.Hour),
	}
}

func valuesFields(s *scene) {
	equal(s, "notification", s.stored(full()), full())
	low := invoice
	low.Priority = notify.Low
	equal(s, "notification of low priority", s.stored(low), low)
}

func valuesLargest(s *scene) {
	n := full()
	n.Title, n.Body = strings.Repeat("\U0001f514", 125), strings.Repeat("\U0001f514", 4096)
	n.URL = "https://acme.example/" + strings.Repeat("u", 2048-21)
	n.Icon = n.URL
	n.Rows, n.Actions = nil, nil
	for i := range 20 {
		n.Rows = append(n.Rows, notify.Row{Label: fmt.Sprint("row ", i), Text: strings.Repeat("r", 500)})
	}
	for i := range 5 {
		n.Actions = append(n.Actions, notify.Action{Key: fmt.Sprint("k", i), Title: strings.Repeat("t", 500), URL: n.URL})
	}
	n.Data = json.RawMessage(`"` + strings.Repeat("d", 65536-2) + `"`)
	n.Key, n.CollapseKey, n.Entity = strings.Repeat("k", 190), strings.Repeat("c", 190), strings.Repeat("e", 190)
	equal(s, "notification", s.stored(n), n)
}

func valuesData(s *scene) {
	for _, data := range []string{
		"{ \"b\" : 1 ,\n\t\"a\":2,\r\n\"b\":3 }", ` [1.0, 1e2, -0, 12345678901234567890.123456789] `, `"\u00e4ä\/\ud83d\udd14"`,
		`"<script>&amp;"`, "{}", "[]", `""`, "0", "false", `{"":{"":[null]}}`, "\n", `"` + "\U0001f514" + `"`,
	} {
		n := invoice
		n.Data = []byte(data)
		equal(s, "data", string(s.stored(n).Data), data)
	}
}

func valuesNull(s *scene) {
	for _, data := range []json.RawMessage{nil, {}} {
		n := invoice
		n.Data = data
		equal(s, "length of no data", len(s.stored(n).Data), 0)
	}
	n := invoice
	n.Data = []byte("null")
	equal(s, "data", string(s.stored(n).Data), "null")
}

func valuesText(s *scene) {
	for _, text := range alike {
		n := invoice
		n.Title, n.Body, n.Rows = text, text+"\r\n\t"+text, []notify.Row{{Label: text, Text: text}}
		n.Actions = []notify.Action{{Key: text, Title: text, URL: "/" + text}}
		equal(s, "notification", s.stored(n), n)
	}
}

func valuesZeroTime(s *scene) {
	got := s.stored(invoice)
	s.that(got.OccurredAt.IsZero() && got.NotBefore.IsZero() && got.ExpiresAt.IsZero(), "the instants are %+v", got)
	it := s.items(alice, notify.ItemQuery{})[0]
	s.that(it.Seen.IsZero() && it.Read.IsZero() && it.Archived.IsZero() && it.Snoozed.IsZero(), "the instants are %+v", it)
	elsewhere := invoice
	elsewhere.OccurredAt = time.Time{}.In(time.FixedZone("", 3600))
	s.that(s.stored(elsewhere).OccurredAt.IsZero(), "a zero time in another zone is not zero")
}

func valuesTimes(s *scene) {
	for _, at := range []time.Time{
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Unix(0, 0).UTC(), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1582, 10, 10, 0, 0, 0, 0, time.UTC), time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),
	} {
		n := invoice
		n.OccurredAt = at
		equal(s, "instant", s.stored(n).OccurredAt, at)
	}
	far := invoice
	far.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	equal(s, "expiry", s.stored(far).ExpiresAt, far.ExpiresAt)
}

func valuesMicroseconds(s *scene) {
	for _, at := range []time.Time{
		time.Date(2026, 5, 1, 12, 0, 0, 123456999, time.UTC), time.Date(1969, 5, 1, 12, 0, 0, 123456999, time.UTC),
	} {
		n := invoice
		n.OccurredAt = at
		equal(s, "instant", s.stored(n).OccurredAt, at.Truncate(time.Microsecond))
	}
	task := s.delivery(notify.Email)
	task.NotBefore = s.now().Add(time.Hour + 999)
	s.send(invoice, to(alice, task))
	equal(s, "due", s.record(task.ID).Due, task.NotBefore.Truncate(time.Microsecond))
	cut := s.now().Add(time.Hour + 999)
	s.enter(alice, notify.Email, cut)
	equal(s, "cut", s.plan(alice, notify.Email).NextCut, cut.Truncate(time.Microsecond))
}

func valuesZone(s *scene) {
	zone := time.FixedZone("IST", 19800)
	n := invoice
	n.OccurredAt = time.Date(2026, 5, 1, 12, 0, 0, 0, zone)
	f := to(alice)
	f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(time.Hour).In(zone)}}
	id := s.send(n, f)
	it := s.item(alice, id)
	s.that(it.Notification.OccurredAt.Equal(n.OccurredAt), "the instant is %v, want %v", it.Notification.OccurredAt, n.OccurredAt)
	s.markWith(alice, notify.ItemMark{Op: notify.OpSnooze, IDs: []notify.ID{id}, Until: s.now().Add(time.Hour).In(zone)})
	for what, at := range map[string]time.Time{
		"OccurredAt": it.Notification.OccurredAt, "Filed": it.Filed, "Snoozed": s.item(alice, id).Snoozed, "NextCut": s.plan(alice, notify.Email).NextCut,
	} {
		s.that(at.Location() == time.UTC, "%s is in zone %s", what, at.Location())
	}
}

func valuesMeta(s *scene) {
	for _, meta := range []string{"{ \"b\" : 1 ,\n\t\"a\":2 }", `{"p256dh":"BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"}`, "null", ""} {
		reg := s.register(alice, notify.Address{Channel: notify.Browser, Value: "https://push.example/" + meta, Meta: []byte(meta)}, 100)
		equal(s, "meta of the registration", string(reg.Address.Meta), meta)
	}
	for _, reg := range s.registered(alice) {
		equal(s, "meta", "https://push.example/"+string(reg.Address.Meta), reg.Address.Value)
	}
}

func valuesRecipients(s *scene) {
	var people []notify.Recipient
	for i := range 10_000 {
		people = append(people, notify.Recipient{Tenant: "acme", ID: fmt.Sprintf("user-%05d", i)})
	}
	task := s.begin(people...)
	equal(s, "number of recipients", len(s.load(task).Notification.To), len(people))
	equal(s, "recipients", s.load(task).Notification.To, people)
}

func valuesEmpty(s *scene) {
	n := invoice
	n.Rows, n.Actions = []notify.Row{}, []notify.Action{}
	got := s.stored(n)
	s.that(len(got.Rows) == 0 && len(got.Actions) == 0, "the notification is %+v", got)
	n.Rows, n.Actions = []notify.Row{{}}, []notify.Action{{}}
	got = s.stored(n)
	s.that(len(got.Rows) == 1 && len(got.Actions) == 1, "the notification is %+v", got)
}

func clockMoves(s *scene) {
	before := s.now()
	s.that(before.Location() == time.UTC, "the clock is in zone %s", before.Location())
	equal(s, "the clock in microseconds", before, before.Truncate(time.Microsecond))
	s.Advance(90 * time.Minute)
	if after := s.now(); after.Before(before.Add(90*time.Minute - time.Microsecond)) {
		s.fail("the clock went from %v to %v when it was moved on by 90 minutes", before, after)
	}
}
