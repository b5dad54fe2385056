package pgxnotify

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/bellwether-go/notify"
)

func recipient(id string) notify.Recipient { return notify.Recipient{Tenant: "acme", ID: id} }

func TestHint_roundTrip(t *testing.T) {
	text := payload("me", []notify.Signal{
		{Recipient: recipient("alice")}, {Recipient: recipient("alice")}, {Recipient: recipient("bob"), Changed: true},
		{Recipient: recipient("carol"), Transient: &notify.Item{}},
	})
	assert.ElementsMatch(t, []news{{hash: hash(recipient("alice"))}, {hash: hash(recipient("bob")), changed: true}}, parse("other", text))
	assert.Empty(t, parse("me", text), "its own")
	assert.NotContains(t, text, "alice", "ids of recipients are not told")
	assert.Empty(t, payload("me", []notify.Signal{{Recipient: recipient("carol"), Transient: &notify.Item{}}}), "a pop-up is no hint")
}

func TestHint_manyAreEverybody(t *testing.T) {
	var few, many []notify.Signal
	for i := range most + 1 {
		s := notify.Signal{Recipient: recipient(strings.Repeat("x", i))}
		if many = append(many, s); i < most {
			few = append(few, s)
		}
	}
	assert.Len(t, parse("other", payload("me", few)), most)
	assert.Less(t, len(payload("me", few)), 8000, "what PostgreSQL takes")
	assert.Equal(t, []news{{changed: true}}, parse("other", payload("me", many)))
}

func TestHint_nonsenseIsNothing(t *testing.T) {
	for _, text := range []string{"", " ", "one", "me *", "other !", strings.Repeat("x ", most+2)} {
		assert.Empty(t, parse("me", text), text)
	}
}
