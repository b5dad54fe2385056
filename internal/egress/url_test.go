package egress

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestCheck_storesOneForm(t *testing.T) {
	c := client(t, Options{})
	for raw, want := range map[string]string{
		"https://fcm.googleapis.com/fcm/send/abc:APA91b-_": "https://fcm.googleapis.com/fcm/send/abc:APA91b-_",
		"https://Push.Example.COM:443/Wp/A?token=B%2F%3D":  "https://push.example.com/Wp/A?token=B%2F%3D",
		"https://93.184.216.34/hook":                       "https://93.184.216.34/hook",
		"https://[2606:2800:220:1::1]/hook":                "https://[2606:2800:220:1::1]/hook",
		"https://[2606:2800:220:1::1]:443/hook":            "https://[2606:2800:220:1::1]/hook",
		"https://push.example.com/#":                       "https://push.example.com/",
		"https://xn--bcher-kva.example.com":                "https://xn--bcher-kva.example.com",
	} {
		got, err := c.Check("Address.Value", raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, got)
		again, err := c.Check("Address.Value", got)
		require.NoError(t, err)
		assert.Equal(t, got, again, "checking twice changes nothing")
	}
	long := "https://push.example.com/" + strings.Repeat("a", maxURL-len("https://push.example.com/"))
	_, err := c.Check("Address.Value", long)
	assert.NoError(t, err)
	_, err = c.Check("Address.Value", long+"a")
	assert.ErrorIs(t, err, notify.ErrInvalid)
}

// What leads inside, or may, in all the notations that parsers and resolvers
// understand.
var hostile = []string{
	"", "https://", "https:///path", "push.example.com/x", "//push.example.com/x", "https:push.example.com", "javascript:alert(1)",
	"http://push.example.com/", "ftp://push.example.com/", "file:///etc/passwd", "gopher://127.0.0.1:70/",
	"https://user@push.example.com/", "https://user:password@push.example.com/", "https://@push.example.com/",
	"https://push.example.com@127.0.0.1/", `https://push.example.com\@127.0.0.1/`, "https://push.example.com#@127.0.0.1/",
	"https://push.example.com/#fragment",
	"https://push.example.com:8443/", "https://push.example.com:22/", "https://push.example.com:0/", "https://push.example.com:99999/",
	"https://push.example.com:/", "https://push.example.com:443:443/", "https://93.184.216.34:8443/",
	"https://127.0.0.1/", "https://127.0.0.1/a.google.com/", "https://127.0.0.1:443/", "https://127.8.9.10/", "https://0.0.0.0/",
	"https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://100.64.0.1/", "https://192.0.0.1/", "https://192.0.2.1/",
	"https://192.88.99.1/", "https://198.18.0.1/", "https://198.51.100.1/", "https://203.0.113.1/", "https://224.0.0.1/", "https://240.0.0.1/", "https://255.255.255.255/",
	"https://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/", "https://metadata/",
	"https://[::1]/", "https://[::]/", "https://[::127.0.0.1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:93.184.216.34]/",
	"https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:7f00:1::]/", "https://[2001:db8::1]/",
	"https://[100::1]/", "https://[3fff::1]/", "https://[5f00::1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[2606:2800:220:1::1%25eth0]/", "https://[fd00::1]/", "https://[ff02::1]/", "https://[fec0::1]/",
	"https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/", "https://0/", "https://017700000001/",
	"https://1.2.3.4.5/", "https://push.example.com.0x7f/",
	"https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://printer.local/", "https://host/", "https://router.home.arpa/", "https://push.example.com./",
	"https://push..example.com/", "https://-push.example.com/", "https://push_.example.com-/", "https://pu sh.example.com/", "https://push.example.com/ x",
	"https://%31%32%37.0.0.1/", "https://１２７.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://bücher.example.com/", "https://push.example.com/\r\nHost: x", "https://push.example.com/\x00", "https://push。example。com/",
	"https://" + strings.Repeat("a", 64) + ".example.com/", "https://" + strings.Repeat("a.", 127) + "com/",
}

func TestCheck_refusesWhatItsTextShows(t *testing.T) { // R37, T1
	c := client(t, Options{})
	for _, raw := range hostile {
		got, err := c.Check("Address.Value", raw)
		var bad *notify.InvalidError
		if assert.ErrorAs(t, err, &bad, "%q became %q", raw, got) {
			assert.Equal(t, "Address.Value", bad.Field)
			assert.NotContains(t, bad.Reason, "127")
			assert.NotContains(t, bad.Reason, "password")
		}
	}
}

// The exception is for what it names, and leaves names and ports to the dialer.
func TestCheck_exception(t *testing.T) {
	c := client(t, Options{Allow: []netip.Prefix{loopback}})
	for _, raw := range []string{"https://127.0.0.1:8443/", "https://localhost:8443/", "https://push.example.com/"} {
		got, err := c.Check("URL", raw)
		require.NoError(t, err, raw)
		assert.Equal(t, raw, got)
	}
	for _, raw := range []string{
		"http://127.0.0.1:8443/", "https://user@127.0.0.1:8443/", "https://10.0.0.1/", "https://[::1]/",
		"https://169.254.169.254/", "https://93.184.216.34:8443/", "https://2130706433/",
	} {
		_, err := c.Check("URL", raw)
		assert.ErrorIs(t, err, notify.ErrInvalid, raw)
	}
}

func TestHost(t *testing.T) {
	assert.Equal(t, "push.example.com", Host("https://Push.example.com/secret"))
	assert.Equal(t, "127.0.0.1:8443", Host("https://127.0.0.1:8443/secret"))
	assert.Empty(t, Host("https://[::1/"))
	assert.Empty(t, Host(""))
}

// FuzzCheck: what passes names an https URL, in a form that passes again
// unchanged and that every parser reads alike.
func FuzzCheck(f *testing.F) {
	for _, raw := range hostile {
		f.Add(raw)
	}
	f.Add("https://push.example.com/a?b=c")
	c, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		stored, err := c.Check("URL", raw)
		if err != nil {
			return
		}
		again, err := c.Check("URL", stored)
		require.NoError(t, err)
		require.Equal(t, stored, again)
		require.True(t, strings.HasPrefix(stored, "https://"))
		require.NotContains(t, strings.SplitN(stored[len("https://"):], "/", 2)[0], "@")
	})
}
