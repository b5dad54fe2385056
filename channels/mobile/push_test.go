package mobile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// payloads are the bodies that both services get for a notification.
func payloads(t testing.TB, c *Channel, n notify.Notification) (apple, firebase []byte) {
	t.Helper()
	p := c.push(deliveryTo(iPhone, Device{Platform: APNs}, n), noon)
	apple, err := p.fit(push.apple, 0)
	require.NoError(t, err)
	firebase, err = p.fit(func(m push) any { return c.projects["example-project"].message(android, m) }, len(android))
	require.NoError(t, err)
	return apple, firebase
}

func TestPush_isAsRecorded(t *testing.T) {
	_, s := start(t)
	c := s.channel(t, func(o *Options) { o.Firebase[0].AndroidChannel = "invoices" })
	urgent := note()
	urgent.Priority, urgent.CollapseKey, urgent.ExpiresAt = notify.High, "invoice/2026-1177", noon.Add(90*time.Minute)
	quiet := notify.Notification{Provider: "chats", Title: "Mara Lind joined", Priority: notify.Low}
	for name, n := range map[string]notify.Notification{"normal": note(), "urgent": urgent, "quiet": quiet} {
		apple, firebase := payloads(t, c, n)
		for file, payload := range map[string][]byte{name + ".apns.json": apple, name + ".fcm.json": firebase} {
			var indented bytes.Buffer
			require.NoError(t, json.Indent(&indented, payload, "", "  "))
			golden := filepath.Join("testdata", file)
			if *update {
				require.NoError(t, os.WriteFile(golden, append(indented.Bytes(), '\n'), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), indented.String()+"\n", file)
		}
	}
}

func TestHeaders_areThoseOfAnAlert(t *testing.T) {
	c, s := start(t)
	expires := time.Now().Add(time.Hour)
	for _, test := range []struct {
		priority notify.Priority
		want     string
	}{{notify.Low, "5"}, {notify.Normal, "10"}, {notify.High, "10"}} {
		d := toApple()
		d.Item.Notification.Priority, d.Item.Notification.ExpiresAt = test.priority, expires
		require.NoError(t, c.Deliver(t.Context(), d))
		pushes := s.apple.Accepted()
		h := pushes[len(pushes)-1].Header
		assert.Equal(t, test.want, h.Get("apns-priority"))
		assert.Equal(t, "alert", h.Get("apns-push-type"))
		assert.Equal(t, "com.example.app", h.Get("apns-topic"))
		assert.Equal(t, string(d.Item.ID), h.Get("apns-collapse-id"))
		assert.Equal(t, expires.Unix(), mustInt(t, h.Get("apns-expiration")))
	}
}

func TestPush_nothingTurnsTheScreen(t *testing.T) {
	c, _ := start(t)
	n := note()
	n.Title, n.Body = "invoice\u202egnp.exe", "\u2066a\u2069 \u200fב 👩\u200d💻"
	n.Rows = []notify.Row{{Label: "\u202bL", Text: "\u2068T"}}
	p := c.push(deliveryTo(iPhone, Device{}, n), noon)
	assert.Equal(t, "invoicegnp.exe", p.title)
	assert.Equal(t, "a \u200fב 👩\u200d💻\nL: T", p.body, "marks and joined emoji stay")
}

func mustInt(t *testing.T, s string) (n int64) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(s), &n))
	return n
}

func TestPush_keepsForAsLongAsMakesSense(t *testing.T) {
	_, s := start(t)
	c := s.channel(t, func(o *Options) { o.Keep = 2 * time.Hour })
	n := note()
	for _, test := range []struct{ expires, want time.Time }{
		{time.Time{}, noon.Add(2 * time.Hour)},
		{noon.Add(time.Hour), noon.Add(time.Hour)},
		{noon.Add(3 * time.Hour), noon.Add(2 * time.Hour)},
	} {
		n.ExpiresAt = test.expires
		assert.Equal(t, test.want, c.push(deliveryTo(iPhone, Device{}, n), noon).expires)
	}
}

func TestPush_hasOneIdPerDeliveryAndAddress(t *testing.T) {
	c, _ := start(t)
	first, second := toApple(), toApple()
	second.Attempt = 2
	other := deliveryTo(iPad, Device{Platform: APNs}, note())
	assert.Equal(t, c.push(first, noon).id, c.push(second, noon.Add(time.Hour)).id)
	assert.NotEqual(t, c.push(first, noon).id, c.push(other, noon).id)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`, c.push(first, noon).id)
}

// The longest notification that the core accepts, in every script, becomes a
// push of at most 4,096 bytes with its id and its link.
func TestFit_keepsIdAndLink(t *testing.T) {
	c, _ := start(t)
	link := "https://app.acme.example/" + strings.Repeat("x", 2_023)
	for name, letter := range map[string]string{
		"ascii": "x", "quotes": `"`, "lines": "\n", "umlauts": "ü", "emoji": "😀", "separators": "\u2028",
	} {
		for _, body := range []int{0, 100, 3_000, 16_384} {
			for _, title := range []int{1, 500} {
				n := note()
				n.Title, n.Body, n.URL = repeat(letter, title), repeat(letter, body), link
				n.Provider, n.Entity = strings.Repeat("p", 190), strings.Repeat(`"`, 190)
				n.Icon = link
				apple, firebase := payloads(t, c, n)
				assert.LessOrEqual(t, len(apple), maxPayload, "%s %d %d", name, body, title)
				assert.LessOrEqual(t, len(firebase)-len(android), maxPayload, "%s %d %d", name, body, title)
				var got struct {
					Aps struct{ Alert struct{ Title string } }
				}
				require.NoError(t, json.Unmarshal(apple, &got))
				assert.Equal(t, n.Title, got.Aps.Alert.Title, "%s: the body has enough to give", name)
				for _, payload := range [][]byte{apple, firebase} {
					require.True(t, json.Valid(payload))
					assert.Contains(t, string(payload), link)
					assert.Contains(t, string(payload), "01935b2a-6c00-7000-8000-00000000000a")
					assert.NotContains(t, string(payload), `\ufffd`)
				}
			}
		}
	}
}

func repeat(letter string, atMost int) string {
	return strings.Repeat(letter, max(1, atMost/len(letter)))
}

func TestFit_cutsAtTheLimitAndNotBefore(t *testing.T) {
	c, _ := start(t)
	n := note()
	n.Body, n.Rows = "", nil
	bare, _ := payloads(t, c, n)
	room := maxPayload - len(bare) - len(`,"body":""`)
	for _, size := range []int{room - 1, room, room + 1, room + 2} {
		n.Body = strings.Repeat("b", size)
		apple, _ := payloads(t, c, n)
		var got struct {
			Aps struct{ Alert struct{ Body string } }
		}
		require.NoError(t, json.Unmarshal(apple, &got))
		if size <= room {
			assert.Equal(t, n.Body, got.Aps.Alert.Body)
			continue
		}
		assert.Equal(t, strings.Repeat("b", room-len(ellipsis))+ellipsis, got.Aps.Alert.Body)
		assert.Len(t, apple, 4096, "what the services take")
	}
}

// What a rune takes in JSON is known, so that no more is cut than has to be.
func TestFit_usesTheRoomThatThereIs(t *testing.T) {
	c, _ := start(t)
	for _, letter := range []string{"x", `"`, `\\`, "\n", "\t", "ü", "€", "😀", "\u2028", "\x01", "&"} {
		n := note()
		n.Rows, n.Body = nil, repeat(letter, 16_384)
		apple, firebase := payloads(t, c, n)
		assert.InDelta(t, maxPayload, len(apple), 6, "%q", letter)
		assert.InDelta(t, maxPayload, len(firebase)-len(android), 6, "%q", letter)
	}
}

// A long URL of an icon does not push the text out.
func TestFit_prefersTextToAnIcon(t *testing.T) {
	c, _ := start(t)
	n := note()
	n.Rows, n.Body = nil, strings.Repeat("b", 1_000)
	n.Icon = "https://app.acme.example/" + strings.Repeat("i", 2_000)
	n.URL = "https://app.acme.example/" + strings.Repeat("u", 1_900)
	apple, firebase := payloads(t, c, n)
	for _, payload := range [][]byte{apple, firebase} {
		assert.Contains(t, string(payload), n.Body)
		assert.NotContains(t, string(payload), "icon")
		assert.NotContains(t, string(payload), "mutable-content")
	}
	n.Body = strings.Repeat("b", 3_000)
	n.URL = "https://app.acme.example/"
	apple, _ = payloads(t, c, n)
	assert.Contains(t, string(apple), n.Icon, "the body has enough to give")
}

func TestFit_refusesALinkThatLeavesNoRoom(t *testing.T) {
	c, _ := start(t)
	n := note()
	n.URL = "https://app.acme.example/" + strings.Repeat("x", maxPayload)
	_, err := c.push(deliveryTo(iPhone, Device{}, n), noon).fit(push.apple, 0)
	require.ErrorIs(t, err, errTooLong)
}

func TestText_putsRowsBelowTheBody(t *testing.T) {
	rows := []notify.Row{{Label: "Amount", Text: "12 €"}, {Text: "Friday"}}
	assert.Equal(t, "Body\nAmount: 12 €\nFriday", text(notify.Notification{Body: "Body", Rows: rows}))
	assert.Equal(t, "Amount: 12 €\nFriday", text(notify.Notification{Rows: rows}))
	assert.Equal(t, "Body", text(notify.Notification{Body: "Body"}))
}

// What the body loses in JSON is what was asked for, and no rune is split.
func FuzzShorten(f *testing.F) {
	f.Add("plain text", 4)
	f.Add("q\"\\\n\u2028\u0001ü😀", 9)
	f.Add("\xff\xfe", 3)
	f.Fuzz(func(t *testing.T, s string, by int) {
		if by < 1 || by > 1<<20 || len(s) > 1<<16 {
			return
		}
		short := shorten(s, by)
		before, err := encoded(s)
		require.NoError(t, err)
		after, err := encoded(short)
		require.NoError(t, err)
		if short != "" && utf8.ValidString(s) {
			assert.LessOrEqual(t, len(after), len(before)-by)
			assert.True(t, strings.HasPrefix(s, strings.TrimSuffix(short, ellipsis)))
		}
		assert.Equal(t, utf8.ValidString(s), utf8.ValidString(short) && utf8.ValidString(s))
	})
}

// Answers are a stranger's: whatever they hold, they are read.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"reason":"BadDeviceToken","timestamp":1}`))
	f.Add([]byte(`{"error":{"details":[null,{"@type":"x/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED","fieldViolations":[null]}]}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func([]byte, *answer){readApple, readFirebase} {
			var a answer
			read(body, &a)
			assert.LessOrEqual(t, len(a.code), 60)
			assert.Empty(t, strings.Trim(a.code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"))
		}
	})
}
