package channeltest

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

var hostileChecks = []check{
	{"hostile/no text leaves its place", hostileTexts},
	{"hostile/no address leaves its place", hostileAddresses},
	{"hostile/a checker refuses or settles an address", hostileChecker},
}

// texts are what strangers write into every field that they reach.
var texts = []string{
	"\r\nBcc: mallory@evil.example\r\nX-Injected: yes",
	"\r\n.\r\nMAIL FROM:<mallory@evil.example>\r\nRCPT TO:<bob@acme.example>\r\nDATA\r\nhello\r\n.\r\n",
	"\n.\n", "\r.\r", ".", "..", "\r\n\r\n", "\n", "\r",
	"\x00", "a\x00b", "\x1b[2J\x1b]0;owned\x07", "\x7f\u0085\u2028\u2029",
	"\u202eevil\u202c \u2066\u2069 \u200f", "e\u0301\u0327\u0489", strings.Repeat("\u0301", 200),
	"\xff\xfe\xed\xa0\x80\xc0\xaf", "\xf0\x9f\x91", "👩\u200d👩\u200d👧\u200d👦 🏴\U000e0067\U000e007f",
	`"><script>alert(1)</script><img src=x onerror=alert(1)>`, `</title></textarea></style>`, `<!--`, `]]>`,
	`{{.}} {{template "x"}} ${7*7} #{7*7} %{7}`, "%s%n%x%d%!", `\u0000\"\\`, `'; DROP TABLE items; --`, `"`, `\`, "`",
	`{"a": [`, `=?utf-8?q?=0D=0ABcc:_mallory?=`, "=\r\n=0D=0A=", `*bold* _it_ [x](javascript:alert(1)) ~`, "@everyone <!channel> <@U1>",
	"\ufeffx\ufffe", "ﷺ﷽", " ", "\t", strings.Repeat("x", 400), "-1", "null", "true", "../../../../etc/passwd",
}

// hostileTexts: a text may be refused, cleaned or encoded, but neither adds a
// message nor spoils the next one, and says nothing about address or account.
func hostileTexts(s *scene) {
	for _, text := range texts {
		d := s.delivery(text)
		n := &d.Item.Notification
		n.Body, n.Key, n.Entity, n.CollapseKey, n.Provider = text, text, text, text, text
		n.URL, n.Icon = "https://app.example/"+text, text
		n.Rows = []notify.Row{{Label: text, Text: text}}
		n.Actions = []notify.Action{{Key: text, Title: text, URL: text}}
		n.Data, _ = json.Marshal(text)
		d.Contact.Name, d.Contact.Locale, d.Contact.TimeZone, d.Recipient.ID = text, text, text, text
		d.Links = notify.DeliveryLinks{Inbox: text, Settings: text, Unsubscribe: text}
		before := len(s.Received())
		err := s.deliver(s.ctx, d)
		news := s.Received()[before:]
		class := classOf(err)
		s.that(err == nil || class != notify.Gone && class != notify.Misconfigured, "the text %s makes the failure %s: %w", brief(text), named(class), err)
		s.that(len(news) <= 1 && (err != nil || len(news) == 1), "of the text %s come %d messages and the error %v", brief(text), len(news), err)
		for _, m := range news {
			s.that(utf8.ValidString(m.Text), "the text %s arrives as %s, which is not UTF-8", brief(text), brief(m.Text))
			s.that(m.To == "" || m.To == d.Address.Value, "the text %s goes to another address", brief(text))
		}
		m := s.sent(s.delivery("Parcel 18"))
		s.that(strings.Contains(m.Text, "Parcel 18"), "after the text %s comes %s", brief(text), brief(m.Text))
	}
}

// strays are addresses that are none, for most channels.
func (s *scene) strays() []notify.Address {
	good := s.address(0)
	var all []notify.Address
	for _, value := range []string{
		"", " ", "\r\nmallory", good.Value + "\r\nX-Injected: yes", good.Value + "\x00", "\xff\xfe", "@", "<>", "a@b@c",
		"javascript:alert(1)", "file:///etc/passwd", "http://127.0.0.1:1/mallory", "https://[::1", "//", "?", "%zz", "mallory\u202e",
		strings.Repeat("m", 10_000), strings.Repeat("m", 100) + "@" + strings.Repeat("m", 300) + ".example",
	} {
		all = append(all, notify.Address{Channel: s.Channel.Name(), Value: value, Meta: good.Meta})
	}
	for _, meta := range []string{"", "null", "{", "[]", `"x"`, "17", `{"keys":null}`, `{"keys":{"p256dh":"","auth":""}}`, "\xff", strings.Repeat("[", 50_000)} {
		all = append(all, notify.Address{Channel: s.Channel.Name(), Value: good.Value, Meta: json.RawMessage(meta)})
	}
	return append(all, notify.Address{})
}

// hostileAddresses: an address that is none hurts only itself. One that stopped
// the account would stop everybody.
func hostileAddresses(s *scene) {
	if s.addressless() {
		s.fail("addresses: %w", errNotOffered)
	}
	for _, stray := range s.strays() {
		d := s.delivery("Parcel 17")
		d.Address = stray
		err := s.deliver(s.ctx, d)
		s.that(classOf(err) != notify.Misconfigured, "the address %s %s makes the failure misconfigured: %w", brief(stray.Value), brief(string(stray.Meta)), err)
		if err != nil && len(stray.Value) > 5 {
			s.that(!strings.Contains(err.Error(), stray.Value), "the error tells the address %s: %s", brief(stray.Value), brief(err.Error()))
		}
		if r, ok := s.Channel.(notify.Router); ok {
			_ = r.Destination(stray)
		}
	}
	s.sent(s.delivery("Parcel 18"))
}

func hostileChecker(s *scene) {
	c := upgrade[notify.AddressChecker](s, "notify.AddressChecker")
	for _, stray := range s.strays() {
		once, err := c.CheckAddress(stray)
		if err == nil {
			twice, err := c.CheckAddress(once)
			s.ok(err, "CheckAddress of what it returned for "+brief(stray.Value))
			s.that(once.Value == twice.Value && string(once.Meta) == string(twice.Meta), "CheckAddress of %s is %s, and of that %s", brief(stray.Value), brief(once.Value), brief(twice.Value))
			continue
		}
		_, invalid := errors.AsType[*notify.InvalidError](err)
		s.that(invalid, "CheckAddress of %s: the error is no notify.InvalidError: %w", brief(stray.Value), err)
		s.that(len(stray.Value) < 6 || !strings.Contains(err.Error(), stray.Value), "CheckAddress tells the address %s: %s", brief(stray.Value), brief(err.Error()))
		s.that(len(err.Error()) <= longest, "CheckAddress of %s: an error of %d bytes, at most %d", brief(stray.Value), len(err.Error()), longest)
	}
}
