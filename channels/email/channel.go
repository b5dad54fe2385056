package email

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/bellwether-go/notify"
)

// Channel sends letters through one relay. Its methods may be called from
// several goroutines.
type Channel struct {
	o         settings
	sessions  *pool
	locales   locales
	locale    *locale // of those whose own is unknown
	templates templates
	zones     zones
}

var (
	_ notify.DigestChannel  = (*Channel)(nil)
	_ notify.Router         = (*Channel)(nil)
	_ notify.AddressChecker = (*Channel)(nil)
)

// New returns a channel. It checks the options, connects to nothing and starts
// nothing. The error is a [notify.InvalidError] that names the option.
func New(o Options) (*Channel, error) {
	s, err := o.settle()
	if err != nil {
		return nil, fmt.Errorf("notify/email: %w", err)
	}
	c := &Channel{o: s, sessions: newPool(s.MaxSessions, s.IdleSessions)}
	if c.locales, err = newLocales(s.Locales, c.o.look.Name); err == nil {
		c.templates, err = newTemplates(s.Templates)
	}
	if c.locale = c.locales.find(cmp.Or(s.Locale, fallback), nil); err == nil && c.locale == nil {
		err = invalid("Locale", "has no texts")
	}
	if err == nil && (s.Templates != nil || s.Locales != nil) {
		err = c.rehearse()
	}
	if err != nil {
		return nil, fmt.Errorf("notify/email: %w", err)
	}
	return c, nil
}

// Name implements [notify.Channel]: it is [notify.Email].
func (c *Channel) Name() string { return notify.Email }

// Destination implements [notify.Router]: it is the relay, whatever the address.
func (c *Channel) Destination(notify.Address) string { return c.o.Relay }

// Deliver implements [notify.Channel]. It returns nil once the relay has
// accepted the letter. Every other outcome is a [notify.DeliveryError], whose
// text carries the stage of the conversation and the relay's code but neither
// addresses nor secrets.
func (c *Channel) Deliver(ctx context.Context, d notify.Delivery) error {
	message, err := c.Preview(d)
	if err != nil {
		return refused(err)
	}
	return c.send(ctx, d.Address, message)
}

// DeliverDigest implements [notify.DigestChannel], with the errors of Deliver.
func (c *Channel) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	message, err := c.PreviewDigest(d, digest)
	if err != nil {
		return refused(err)
	}
	return c.send(ctx, d.Address, message)
}

// Close ends the connections that wait for another letter. The channel stays
// usable, but keeps no connection from now on.
func (c *Channel) Close() error {
	var leaving sync.WaitGroup
	for _, s := range c.sessions.close() {
		leaving.Go(s.quit) // at once: a relay may take its time to answer
	}
	leaving.Wait()
	return nil
}

// LogValue implements [slog.LogValuer] without the password.
func (c *Channel) LogValue() slog.Value { return c.o.Options.LogValue() }

// String implements [fmt.Stringer] without the password.
func (c *Channel) String() string { return c.o.Options.String() }

// GoString implements [fmt.GoStringer] without the password.
func (c *Channel) GoString() string { return c.o.Options.String() }

func (c *Channel) send(ctx context.Context, to notify.Address, message []byte) error {
	to, err := c.CheckAddress(to)
	if err != nil {
		return refused(err)
	}
	if f := c.transfer(ctx, to.Value, message); f != nil {
		return f.outcome()
	}
	return nil
}

// transfer hands the message to the relay. A connection that was kept may have
// died meanwhile: if its first command fails, nothing of this message was sent,
// and a fresh one gets its turn.
func (c *Channel) transfer(ctx context.Context, to string, message []byte) *failure {
	if err := c.sessions.enter(ctx); err != nil {
		return fail(stageConnect, err)
	}
	defer c.sessions.leave()
	if s := c.sessions.take(); s != nil {
		f := c.submit(ctx, s, to, message)
		if f == nil || f.stage != stageNoop && f.stage != stageMail || ctx.Err() != nil {
			return f
		}
	}
	s, f := c.connect(ctx)
	if f != nil {
		return f
	}
	return c.submit(ctx, s, to, message)
}

// submit runs one mail transaction and keeps or ends the session.
func (c *Channel) submit(ctx context.Context, s *session, to string, message []byte) *failure {
	stop := context.AfterFunc(ctx, s.cut)
	f := s.alive()
	if f == nil {
		f = s.submit(c.o.bounce, to, message)
	}
	if f != nil && ctx.Err() != nil && f.code == 0 {
		f.cause = context.Cause(ctx)
	}
	switch {
	case !stop():
		s.cut()
	case f == nil && s.mails < maxMails && c.sessions.keep(s):
	case f == nil, f.leave():
		s.quit()
	default:
		s.cut()
	}
	return c.explain(f, to)
}
