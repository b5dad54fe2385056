package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// accepted stands for no error in tables of classes.
const accepted notify.Class = "accepted"

func (p *peer) channel(t testing.TB, change func(*Options)) *Channel {
	return newChannel(t, func(o *Options) {
		o.Relay, o.TLS = p.address, Plaintext
		if change != nil {
			change(o)
		}
	})
}

// ends runs f and fails the test if it hangs.
func ends(t testing.TB, f func() error) error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- f() }()
	select {
	case err := <-result:
		return err
	case <-time.After(time.Minute):
		require.FailNow(t, "it hangs")
		return nil
	}
}

func classOf(t testing.TB, err error) notify.Class {
	t.Helper()
	if err == nil {
		return accepted
	}
	return failed(t, err).Class
}

func TestClasses(t *testing.T) {
	const temporary, unknown = notify.Temporary, notify.Unknown
	whole := string(compose(t))
	for _, test := range []struct {
		verb, reply string
		want        notify.Class
		stage       stage
	}{
		{"greeting", "554 5.7.1 go away", notify.Misconfigured, stageGreeting},
		{"greeting", "421 4.3.2 busy", temporary, stageGreeting},
		{"greeting", "450 later", temporary, stageGreeting},
		{"greeting", drop, temporary, stageGreeting},
		{"greeting", "HTTP/1.1 400 Bad Request", temporary, stageGreeting},
		{"greeting", flood, temporary, stageGreeting},
		{"EHLO", "550 5.7.1 bad name", notify.Misconfigured, stageHello},
		{"EHLO", "451 4.7.1 not now", temporary, stageHello},
		{"EHLO", flood, temporary, stageHello},
		{"AUTH", "535 5.7.8 bad credentials", notify.Misconfigured, stageAuth},
		{"AUTH", "534 5.7.9 too weak", notify.Misconfigured, stageAuth},
		{"AUTH", "535 5.7.8 not AHJvYm90AG9wZW4tc2VzYW1l", notify.Misconfigured, stageAuth},
		{"AUTH", "454 4.7.0 try later", temporary, stageAuth},
		{"AUTH", "421 4.7.0 bye", temporary, stageAuth},
		{"AUTH", drop, temporary, stageAuth},
		{"MAIL", "530 5.7.0 authenticate first", notify.Misconfigured, stageMail},
		{"MAIL", "550 5.7.1 sender not allowed", notify.Misconfigured, stageMail},
		{"MAIL", "552 5.3.4 too large", notify.Permanent, stageMail},
		{"MAIL", "451 4.3.0 later", temporary, stageMail},
		{"MAIL", "421 4.7.0 bye", temporary, stageMail},
		{"MAIL", drop, temporary, stageMail},
		{"MAIL", "550 5.1.1 no such user", notify.Misconfigured, stageMail}, // speaks of us
		{"RCPT", "550 5.1.1 no such user", notify.Gone, stageRcpt},
		{"RCPT", "550 5.1.2 no such host", notify.Gone, stageRcpt},
		{"RCPT", "501 5.1.3 bad address", notify.Gone, stageRcpt},
		{"RCPT", "551 5.1.6 moved", notify.Gone, stageRcpt},
		{"RCPT", "556 5.1.10 null MX", notify.Gone, stageRcpt},
		{"RCPT", "550 5.2.1 disabled", notify.Gone, stageRcpt},
		{"RCPT", "550 no such user", notify.Permanent, stageRcpt}, // no proof
		{"RCPT", "550 5.1.0 rejected", notify.Permanent, stageRcpt},
		{"RCPT", "550 5.7.1 policy", notify.Permanent, stageRcpt},
		{"RCPT", "550 5.1.8 sender has no MX", notify.Misconfigured, stageRcpt},
		{"RCPT", "530 5.7.0 authenticate first", notify.Misconfigured, stageRcpt},
		{"RCPT", "450 4.1.1 unverified", temporary, stageRcpt},
		{"RCPT", "451 4.7.1 greylisted", temporary, stageRcpt},
		{"RCPT", "421 4.7.0 bye", temporary, stageRcpt},
		{"RCPT", drop, temporary, stageRcpt},
		{"DATA", "451 4.3.0 later", temporary, stageData},
		{"DATA", "554 5.5.1 no", notify.Permanent, stageData},
		{"DATA", "550 5.1.1 no such user", notify.Permanent, stageData},
		{"DATA", "250 what", temporary, stageData},
		{"DATA", drop, temporary, stageData},
		{".", "250 2.0.0 queued", accepted, ""},
		{".", "251 fine", accepted, ""},
		{".", "451 4.3.0 later", temporary, stageEnd},
		{".", "421 4.3.0 bye", temporary, stageEnd},
		{".", "554 5.7.1 spam", notify.Permanent, stageEnd},
		{".", "550 5.1.1 no such user", notify.Permanent, stageEnd},
		{".", "354 more", unknown, stageEnd},
		{".", drop, unknown, stageEnd},
		{".", "?", unknown, stageEnd},
		{".", flood, unknown, stageEnd},
		{"QUIT", drop, accepted, ""},
		{"QUIT", "500 what", accepted, ""},
		{"QUIT", silent, accepted, ""},
	} {
		for _, said := range []script{{test.verb: test.reply}, script{test.verb: test.reply}.pipelining()} {
			t.Run(test.verb+" "+test.reply+" "+said["offers"], func(t *testing.T) {
				t.Parallel()
				p := newPeer(t, said)
				c := p.channel(t, func(o *Options) {
					o.IdleSessions = -1
					o.Username, o.Password = "robot", "open-sesame"
				})
				err := ends(t, func() error { return c.Deliver(t.Context(), delivery()) })
				require.Equal(t, test.want, classOf(t, err), "%v", err)
				got, truncated, _ := p.log()
				assert.Zero(t, truncated)
				for _, m := range got {
					assert.Equal(t, whole, m)
				}
				if err != nil {
					assert.Contains(t, err.Error(), ": notify/email: "+string(test.stage)+": ")
					assert.NotContains(t, err.Error(), "127.0.0.1")
					assert.NotContains(t, err.Error(), "sesame")
					assert.NotContains(t, err.Error(), "AHJvYm90")
				}
				if code, _, ok := strings.Cut(test.reply, " "); ok && err != nil && (code[0] == '4' || code[0] == '5') {
					assert.Contains(t, err.Error(), ": "+code)
				}
			})
		}
	}
}

func TestFullMailboxesWait(t *testing.T) {
	for verb, reply := range map[string]string{"RCPT": "452 4.2.2 full", "RCPT 1": "552 5.2.2 full", ".": "552 5.2.2 full"} {
		p := newPeer(t, script{verb: reply})
		problem := failed(t, p.channel(t, nil).Deliver(t.Context(), delivery()))
		assert.Equal(t, notify.Temporary, problem.Class)
		assert.Equal(t, time.Hour, problem.RetryAfter)
	}
}

func TestWhetherTheRelayOrTheMailboxIsMeant(t *testing.T) {
	for _, test := range []struct {
		verb, reply      string
		relay, recipient bool
	}{
		{"greeting", "421 4.3.2 busy", true, false},
		{"MAIL", "421 4.7.0 too much from you", true, false},
		{"MAIL", "451 4.3.2 going down", true, false},
		{"MAIL", "451 4.3.0 later", false, false},
		{"RCPT", "421 4.7.0 bye", true, false},
		{"RCPT", "451 4.7.1 greylisted", false, true},
		{"RCPT", "450 later", false, true},
		{"RCPT", "452 4.2.2 full", false, true},
		{"RCPT", "552 5.2.2 full", false, true},
		{"RCPT", "451 4.3.5 lookup fails", false, false},
		{"RCPT", "550 5.7.1 no", false, false},
		{"RCPT", drop, false, false},
		{".", "452 4.2.2 full", false, true},
		{".", "421 4.3.0 bye", true, false},
		{".", "451 4.3.0 later", false, false},
		{".", drop, false, false},
	} {
		problem := failed(t, newPeer(t, script{test.verb: test.reply}).channel(t, nil).Deliver(t.Context(), delivery()))
		assert.Equal(t, test.relay, problem.Overloaded, "%s %s", test.verb, test.reply)
		assert.Equal(t, test.recipient, problem.Reached, "%s %s", test.verb, test.reply)
	}
}

func TestTheContextHoldsAgainstEveryHang(t *testing.T) {
	for _, verb := range []string{"greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		for _, said := range []script{{verb: silent}, {verb: drip}, script{verb: silent}.pipelining(), script{verb: drip}.pipelining()} {
			t.Run(verb+said[verb]+said["offers"], func(t *testing.T) {
				t.Parallel()
				p := newPeer(t, said)
				c := p.channel(t, func(o *Options) { o.Username, o.Password = "robot", "open-sesame" })
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				err := ends(t, func() error { return c.Deliver(ctx, delivery()) })
				want := notify.Temporary
				if verb == "." {
					want = notify.Unknown
				}
				assert.Equal(t, want, classOf(t, err))
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Empty(t, c.sessions.idle)
			})
		}
	}
}

func TestTheChannelsOwnTimeoutsHoldWithoutAContext(t *testing.T) {
	for _, verb := range []string{"greeting", "MAIL", "."} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, script{verb: silent})
			c := p.channel(t, func(o *Options) { o.Timeout, o.SubmitTimeout = 200*time.Millisecond, 200*time.Millisecond })
			err := ends(t, func() error { return c.Deliver(t.Context(), delivery()) })
			assert.Equal(t, verb == ".", classOf(t, err) == notify.Unknown)
			assert.ErrorContains(t, err, "timeout")
		})
	}
}

func TestAnEndedContextConnectsNowhere(t *testing.T) {
	p := newPeer(t, script{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.channel(t, nil).Deliver(ctx, delivery())
	assert.Equal(t, notify.Temporary, classOf(t, err))
	assert.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, p.connections())
}

func TestUnreachableRelayIsTemporary(t *testing.T) {
	p := newPeer(t, script{})
	c := p.channel(t, func(o *Options) { o.Relay = "127.0.0.1:1" })
	err := c.Deliver(t.Context(), delivery())
	assert.Equal(t, notify.Temporary, classOf(t, err))
	assert.NotContains(t, err.Error(), "127.0.0.1")
}

// Errors of the network carry addresses in their texts, too.
func TestErrorsOfTheNetworkTellNoAddress(t *testing.T) {
	asked := &net.OpError{
		Op: "read", Net: "udp", Source: &net.UDPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 4711}, Addr: &net.UDPAddr{IP: net.IPv4(10, 96, 0, 10), Port: 53},
		Err: os.ErrDeadlineExceeded,
	}
	for name, test := range map[string]struct {
		cause error
		want  string
	}{
		"a name server that is silent": {
			&net.DNSError{Err: asked.Error(), Name: "smtp.inside.example", Server: "10.96.0.10:53", IsTimeout: true}, "lookup of the relay: no answer in time",
		},
		"a name server that fails": {
			&net.DNSError{Err: asked.Error(), Name: "smtp.inside.example", Server: "10.96.0.10:53"}, "lookup of the relay: failed",
		},
		"a name that is not there": {
			&net.DNSError{Err: "no such host", Name: "smtp.inside.example", Server: "10.96.0.10:53", IsNotFound: true}, "lookup of the relay: no such host",
		},
		"a certificate for others": {
			&tls.CertificateVerificationError{Err: x509.HostnameError{
				Certificate: &x509.Certificate{DNSNames: []string{"smtp.inside.example"}, IPAddresses: []net.IP{net.IPv4(10, 1, 2, 3)}}, Host: "relay.example",
			}},
			"the certificate of the relay is for another name",
		},
		"a certificate of yesterday": {
			&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "10.1.2.3"}}, "the certificate of the relay has expired or is not valid yet",
		},
		"a certificate of nobody": {
			&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "the certificate of the relay is not trusted",
		},
	} {
		err := fail(stageConnect, fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Net: "tcp", Err: test.cause}))
		assert.EqualError(t, err, "notify/email: connect: "+test.want, name)
		assert.EqualError(t, err.Unwrap(), test.want, name)
	}
}

func TestStartTLSIsRequired(t *testing.T) {
	for _, test := range []struct {
		name string
		said script
		want notify.Class
	}{
		{"not offered", script{}, notify.Misconfigured},
		{"refused", script{"STARTTLS": "502 5.5.1 no"}, notify.Misconfigured},
		{"refused for now", script{"STARTTLS": "454 4.7.0 not now"}, notify.Temporary},
		{"no handshake", script{"STARTTLS": "220 go\r\n\r\n"}, notify.Misconfigured},
		{"injected", script{"STARTTLS": "220 go\r\n250 inside"}, notify.Misconfigured},
		{"dropped", script{"STARTTLS": drop}, notify.Temporary},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name != "not offered" {
				test.said["EHLO"] = "250-relay\r\n250 STARTTLS"
			}
			p := newPeer(t, test.said)
			c := p.channel(t, func(o *Options) {
				o.TLS = StartTLS
				o.Username, o.Password = "robot", "open-sesame"
			})
			err := ends(t, func() error { return c.Deliver(t.Context(), delivery()) })
			assert.Equal(t, test.want, classOf(t, err), "%v", err)
			_, _, commands := p.log()
			for _, command := range commands {
				assert.True(t, command == "EHLO acme.example" || command == "STARTTLS", "in the clear: %q", command)
			}
		})
	}
}

func TestTheEnvelopeIsOneSenderAndOneRecipient(t *testing.T) {
	p := newPeer(t, script{})
	c := p.channel(t, func(o *Options) { o.IdleSessions = -1 })
	d := delivery()
	require.NoError(t, c.Deliver(t.Context(), d))
	raw, err := c.Preview(d)
	require.NoError(t, err)
	got, _, commands := p.log()
	assert.Equal(t, []string{string(raw)}, got)
	assert.Equal(t, []string{
		"EHLO acme.example",
		fmt.Sprintf("MAIL FROM:<no-reply@acme.example> SIZE=%d", len(raw)),
		"RCPT TO:<joerg.mueller@customer.example>",
		"DATA",
		"QUIT",
	}, commands)
}

func TestADeadKeptConnectionIsReplacedOnce(t *testing.T) {
	for _, how := range []string{drop, "421 4.4.2 idle too long", "451 4.7.1 enough of you"} {
		p := newPeer(t, script{"MAIL 2": how}, script{})
		c := p.channel(t, nil)
		require.NoError(t, c.Deliver(t.Context(), delivery()))
		require.NoError(t, c.Deliver(t.Context(), delivery()), how)
		got, _, _ := p.log()
		assert.Len(t, got, 2)
		assert.Equal(t, 2, p.connections())
	}

	t.Run("a fresh one is not", func(t *testing.T) {
		p := newPeer(t, script{"MAIL 2": drop}, script{"MAIL": drop})
		c := p.channel(t, nil)
		require.NoError(t, c.Deliver(t.Context(), delivery()))
		assert.Equal(t, notify.Temporary, classOf(t, c.Deliver(t.Context(), delivery())))
		assert.Equal(t, 2, p.connections())
	})
	t.Run("not after the first command", func(t *testing.T) {
		for _, verb := range []string{"RCPT 2", "DATA 2", ". 2"} {
			p := newPeer(t, script{verb: drop}, script{})
			c := p.channel(t, nil)
			require.NoError(t, c.Deliver(t.Context(), delivery()))
			assert.NotEqual(t, accepted, classOf(t, c.Deliver(t.Context(), delivery())), verb)
			assert.Equal(t, 1, p.connections())
		}
	})
}

func TestARejectedConnectionIsNotKept(t *testing.T) {
	p := newPeer(t, script{"RCPT": "550 5.7.1 no"}, script{})
	c := p.channel(t, nil)
	assert.Equal(t, notify.Permanent, classOf(t, c.Deliver(t.Context(), delivery())))
	require.NoError(t, c.Deliver(t.Context(), delivery()))
	assert.Equal(t, 2, p.connections())
	got, _, _ := p.log()
	assert.Len(t, got, 1)
}

func TestLeaveIsTakenOnlyOfThoseWhoListen(t *testing.T) {
	for _, test := range []struct {
		verb, reply string
		quits       bool
	}{
		{"RCPT", "550 5.7.1 no", true},
		{"RCPT", "421 4.7.0 bye", false},
		{".", "garbage", false},
		{".", "354 more", false}, // it may take QUIT for a part of the letter
	} {
		p := newPeer(t, script{test.verb: test.reply})
		require.Error(t, p.channel(t, nil).Deliver(t.Context(), delivery()))
		_, _, commands := p.log()
		assert.Equal(t, test.quits, slices.Contains(commands, "QUIT"), test.reply)
	}
}

func TestErrorsTellNoAddress(t *testing.T) {
	for _, said := range []string{
		"<joerg.mueller@customer.example>: rejected",
		"joerg.mueller is blocked, see https://relay.example/?u=joerg.mueller%40customer.example",
		"Joerg.Mueller=customer.example@srs.example via no-reply@acme.example",
		"joerg.mueller+40customer.example; robot open-sesame",
		"forwarded to boss@inside.example by boss=40inside.example",
		"forwarded to boss%40inside.example by boss+40inside.example",
		"mail for joerg.mueller\u200b\x1b[31m \u202eelpmaxe refused",
		strings.Repeat("very long ", 150),
	} {
		p := newPeer(t, script{"RCPT": "550-5.7.1 " + said + "\r\n550 5.7.1 " + said})
		c := p.channel(t, func(o *Options) { o.Username, o.Password = "robot", "open-sesame" })
		text := c.Deliver(t.Context(), delivery()).Error()
		assert.Contains(t, text, "permanent: notify/email: rcpt: 550 5.7.1 ")
		assert.Less(t, len(text), 700)
		for _, secret := range []string{"joerg", "Joerg", "@", "%40", "boss", "inside", "robot", "sesame", "\x1b", "\u202e", "\n"} {
			assert.NotContains(t, text, secret)
		}
	}
	p := newPeer(t, script{"RCPT": "550 5.1.1 who is joerg mueller"})
	err := p.channel(t, nil).Deliver(t.Context(), delivery())
	assert.EqualError(t, err, "gone: notify/email: rcpt: 550 5.1.1")
}
