package egress

import (
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"code.dny.dev/ssrf"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// special has the edges of every block of the IANA registries of special-purpose
// addresses, and blocks that embed an IPv4 address.
var special = []string{
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.255.255.255",
	"169.254.0.0", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255",
	"192.31.196.0", "192.52.193.0", "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "192.175.48.0",
	"198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255",
	"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "64:ff9b::7f00:1", "64:ff9b::5db8:d822", "64:ff9b:1::1", "100::1", "100:0:0:1::1",
	"2001::", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff:ffff::", "2002::", "2002:7f00:1::", "2002:ffff:ffff::",
	"2620:4f:8000::1", "3fff::", "3fff:fff:ffff::", "5f00::1", "fc00::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
}

func TestDial_knowsTheSpecialAddresses(t *testing.T) { // R37, T1b
	c := client(t, Options{})
	for _, ip := range special {
		err := c.control("tcp", netip.AddrPortFrom(netip.MustParseAddr(ip), port).String(), nil)
		if assert.Error(t, err, ip) {
			assert.NotContains(t, err.Error(), ip)
		}
	}
	for network, addresses := range map[string][]string{
		"tcp4": {"1.1.1.1:443", "9.255.255.255:443", "100.63.255.255:443", "128.0.0.0:443", "172.32.0.0:443", "223.255.255.255:443"},
		"tcp6": {"[2606:4700::1111]:443", "[2001:200::1]:443", "[2003::1]:443"},
	} {
		for _, address := range addresses {
			assert.NoError(t, c.control(network, address, nil), address)
		}
	}
	for _, bad := range [][2]string{{"tcp4", "1.1.1.1:80"}, {"tcp4", "1.1.1.1:8443"}, {"udp4", "1.1.1.1:443"}, {"unix", "/run/x"}, {"tcp4", ""}} {
		assert.Error(t, c.control(bad[0], bad[1], nil), bad[1])
	}
}

// A name can stand for anything at the moment it is dialled. The guard is given
// every port here, so that the addresses decide.
func TestDial_namesThatLeadInside(t *testing.T) {
	trap := listen(t, "127.0.0.1:0")
	resolver := names(t, func(name string) []string {
		switch name {
		case "inside.example.com":
			return []string{"127.0.0.1"}
		case "both.example.com":
			return []string{"169.254.169.254", "127.0.0.1", "::1"}
		case "mapped.example.com":
			return []string{"::ffff:127.0.0.1"}
		}
		return nil
	})
	c := client(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}, Resolver: resolver})
	c.guard = ssrf.New(ssrf.WithAnyPort())
	const unknown = "the name could not be looked up"
	_, _, err := post(t, c, "https://missing.example.com:"+trap.port(t)+"/", "secret")
	assertFailure(t, notify.Temporary, unknown, err)
	for _, name := range []string{"inside", "both", "mapped"} {
		_, _, err := post(t, c, "https://"+name+".example.com:"+trap.port(t)+"/", "secret")
		assertFailure(t, notify.Temporary, unknown, err)
	}
	assert.Zero(t, trap.reached.Load(), "nothing was dialled")

	c.allow = append(c.allow, loopback)
	_, _, err = post(t, c, "https://inside.example.com:"+trap.port(t)+"/", "secret")
	assert.Error(t, err)
	assert.NotZero(t, trap.reached.Load(), "the trap works")
}

// The name is good when it is checked and when it is first asked, and leads
// inside the next time.
func TestDial_rebindingName(t *testing.T) {
	var inside atomic.Bool
	resolver := names(t, func(string) []string {
		if inside.Load() {
			return []string{"127.0.0.1"}
		}
		return []string{"127.0.0.2"}
	})
	server, roots := serve(t, "127.0.0.2:0", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	trap := listen(t, "127.0.0.1:"+portOf(t, server))
	fresh := func() *Client { // without a connection that is still open
		c := client(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, Resolver: resolver, RootCAs: roots})
		c.guard = ssrf.New(ssrf.WithAnyPort())
		return c
	}
	url := "https://example.com:" + portOf(t, server) + "/"

	response, _, err := post(t, fresh(), url, "hello")
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, response.StatusCode)

	inside.Store(true)
	_, _, err = post(t, fresh(), url, "secret")
	assertFailure(t, notify.Temporary, "the name could not be looked up", err)
	assert.Zero(t, trap.reached.Load())
}

func TestDo_refusesBeforeAnythingIsAsked(t *testing.T) {
	trap := listen(t, "127.0.0.1:0")
	asked := false
	c := client(t, Options{Resolver: names(t, func(string) []string { asked = true; return []string{"127.0.0.1"} })})
	for _, url := range []string{
		"https://127.0.0.1:" + trap.port(t) + "/a.google.com/", "https://localhost:" + trap.port(t) + "/",
		"http://127.0.0.1:" + trap.port(t) + "/", "https://user:password@example.com/", "https://example.com:8443/",
	} {
		_, _, err := post(t, c, url, "secret")
		var failure *notify.DeliveryError
		if assert.ErrorAs(t, err, &failure, url) {
			assert.Equal(t, notify.Permanent, failure.Class)
			assert.ErrorIs(t, err, notify.ErrInvalid)
		}
	}
	assert.False(t, asked, "no name was looked up")
	assert.Zero(t, trap.reached.Load())
}

func TestDo_followsNoRedirect(t *testing.T) {
	trap := listen(t, "127.0.0.1:0")
	for _, status := range []int{301, 302, 303, 307, 308} {
		server, roots := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:"+trap.port(t)+"/", status)
		})
		c := client(t, Options{Allow: []netip.Prefix{loopback}, RootCAs: roots})
		response, _, err := post(t, c, server.URL, "secret")
		require.NoError(t, err)
		assert.Equal(t, status, response.StatusCode)
	}
	assert.Zero(t, trap.reached.Load())
}

func TestDo_usesNoProxy(t *testing.T) {
	trap := listen(t, "127.0.0.1:0")
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+trap.port(t))
	}
	server, roots := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	c := client(t, Options{Allow: []netip.Prefix{loopback}, RootCAs: roots, Resolver: names(t, func(string) []string { return []string{"127.0.0.1"} })})
	_, _, err := post(t, c, "https://example.com:"+portOf(t, server)+"/", "hello")
	require.NoError(t, err)
	assert.Zero(t, trap.reached.Load())
}
