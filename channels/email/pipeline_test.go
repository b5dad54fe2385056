package email

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// recorder notes what each write to the relay begins with.
type recorder struct {
	net.Conn
	mu     *sync.Mutex
	writes *[]string
}

func (r recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	*r.writes = append(*r.writes, string(b))
	r.mu.Unlock()
	return r.Conn.Write(b)
}

// writes delivers one letter and returns the verbs of each write.
func writes(t *testing.T, said script) []string {
	p := newPeer(t, said)
	var mu sync.Mutex
	var all []string
	c := p.channel(t, func(o *Options) {
		o.IdleSessions = -1
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return recorder{conn, &mu, &all}, err
		}
	})
	require.NoError(t, c.Deliver(t.Context(), delivery()))
	var verbs []string
	for _, write := range all {
		var inOne []string
		for line := range strings.SplitSeq(strings.TrimSuffix(write, "\r\n"), "\r\n") {
			verb, _, _ := strings.Cut(line, " ")
			if inOne = append(inOne, verb); verb == "Date:" {
				require.True(t, strings.HasSuffix(write, "\r\n.\r\n"), "the letter and its dot are one write")
				break
			}
		}
		verbs = append(verbs, strings.Join(inOne, "+"))
	}
	return verbs
}

func TestTheEnvelopeTravelsAtOnceIfTheRelayCanTakeIt(t *testing.T) {
	assert.Equal(t, []string{"EHLO", "MAIL", "RCPT", "DATA", "Date:", "QUIT"}, writes(t, script{}))
	assert.Equal(t, []string{"EHLO", "MAIL+RCPT+DATA", "Date:", "QUIT"}, writes(t, script{}.pipelining()))
}

func TestThePipelinedEnvelopeIsAnsweredStepByStep(t *testing.T) {
	for _, test := range []struct {
		name  string
		said  script
		want  notify.Class
		stage stage
		quits bool
	}{
		{"the first refusal counts, not those that follow from it",
			script{"MAIL": "451 4.3.0 later", "RCPT": "503 5.5.1 no MAIL", "DATA": "503 5.5.1 no RCPT"}, notify.Temporary, stageMail, true},
		{"a mailbox that is gone, and a relay that knows what it said",
			script{"RCPT": "550 5.1.1 unknown", "DATA": "554 5.5.1 no valid recipients"}, notify.Gone, stageRcpt, true},
		{"a mailbox that is gone, and a relay that wants the letter all the same",
			script{"RCPT": "550 5.1.1 unknown", "DATA": "354 go on"}, notify.Gone, stageRcpt, false},
		{"a sender that is refused, and a relay that wants the letter all the same",
			script{"MAIL": "550 5.7.1 no", "RCPT": "503 5.5.1 no", "DATA": "354 go on"}, notify.Misconfigured, stageMail, false},
		{"the connection breaks behind a refusal: the refusal was said",
			script{"RCPT": "550 5.1.1 unknown", "DATA": drop}, notify.Gone, stageRcpt, false},
		{"garbage behind a refusal",
			script{"RCPT": "550 5.1.1 unknown", "DATA": "whatever"}, notify.Gone, stageRcpt, false},
		{"the relay says good-bye in between",
			script{"RCPT": "421 4.7.0 bye", "DATA": drop}, notify.Temporary, stageRcpt, false},
		{"the last step alone",
			script{"DATA": "451 4.3.0 later"}, notify.Temporary, stageData, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, test.said.pipelining(), script{})
			c := p.channel(t, nil)
			err := ends(t, func() error { return c.Deliver(t.Context(), delivery()) })
			assert.Equal(t, test.want, classOf(t, err), "%v", err)
			assert.ErrorContains(t, err, ": notify/email: "+string(test.stage)+": ")
			require.NoError(t, c.Deliver(t.Context(), delivery()), "the next one gets a connection of its own")
			got, truncated, commands := p.log()
			assert.Equal(t, []string{string(compose(t))}, got)
			assert.Zero(t, truncated)
			assert.Equal(t, test.quits, slices.Contains(commands, "QUIT"))
			assert.Equal(t, 2, p.connections())
		})
	}
}

// idleFor makes the sessions that wait as old as that.
func idleFor(c *Channel, d time.Duration) {
	c.sessions.mu.Lock()
	defer c.sessions.mu.Unlock()
	for _, s := range c.sessions.idle {
		s.since = time.Now().Add(-d)
	}
}

func TestASessionThatWasSilentIsAskedFirst(t *testing.T) {
	for _, test := range []struct {
		name   string
		said   script
		idle   time.Duration
		noop   bool
		opened int
	}{
		{"used just now", script{}, 0, false, 1},
		{"silent and alive", script{}, probeAfter, true, 1},
		{"silent and dead", script{"NOOP": drop}, probeAfter, true, 2},
		{"silent and unwilling", script{"NOOP": "421 4.4.2 idle too long"}, probeAfter, true, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, test.said, script{})
			c := p.channel(t, nil)
			require.NoError(t, c.Deliver(t.Context(), delivery()))
			idleFor(c, test.idle)
			require.NoError(t, c.Deliver(t.Context(), delivery()))
			got, _, commands := p.log()
			assert.Len(t, got, 2)
			assert.Equal(t, test.noop, slices.Contains(commands, "NOOP"))
			assert.Equal(t, test.opened, p.connections())
		})
	}
}

// A firewall that forgot a connection swallows what is written into it.
func TestASessionThatLeadsNowhereCostsLittle(t *testing.T) {
	p := newPeer(t, script{"NOOP": silent}, script{})
	c := p.channel(t, func(o *Options) { o.Timeout = 300 * time.Millisecond })
	require.NoError(t, c.Deliver(t.Context(), delivery()))
	idleFor(c, probeAfter)
	require.NoError(t, ends(t, func() error { return c.Deliver(t.Context(), delivery()) }))
	assert.Equal(t, 2, p.connections())
}

func TestNoMoreSessionsAreOpenThanAskedFor(t *testing.T) {
	p := newPeer(t, script{"DATA": silent})
	c := p.channel(t, func(o *Options) { o.MaxSessions = 2 })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	for range 2 {
		busy.Go(func() { _ = c.Deliver(ctx, delivery()) })
	}
	require.Eventually(t, func() bool { return len(c.sessions.places) == 2 }, time.Minute, time.Millisecond)

	late, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	err := c.Deliver(late, delivery())
	assert.Equal(t, notify.Temporary, classOf(t, err), "it was not sent, and we know it")
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	cancel()
	busy.Wait()
	assert.LessOrEqual(t, p.connections(), 2)
	assert.Empty(t, c.sessions.places)
}
