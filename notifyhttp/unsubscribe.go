package notifyhttp

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/bellwether-go/notify"
)

// Unsubscribe makes and honours links that turn e-mail off for one recipient
// without a login, for the List-Unsubscribe header and the footer of letters
// (RFC 2369, RFC 8058). It is safe for concurrent use.
//
// A link can do nothing but turn off: the e-mail of one provider, or, that of a
// digest, the daily e-mail. It never expires, since the letter does not either,
// and ends nobody's session nor starts one.
type Unsubscribe struct {
	base *url.URL
	keys [][]byte
}

// NewUnsubscribe takes the absolute URL under which [Handler] is mounted,
// "https://app.example/notify/", and the secrets that sign the links, each of 32
// random bytes or more: the first one signs, all are honoured, so that a secret
// can be replaced.
func NewUnsubscribe(base string, secrets ...[]byte) (*Unsubscribe, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("notifyhttp: NewUnsubscribe: base must be an absolute http or https URL without user, query and fragment")
	}
	if len(secrets) == 0 {
		return nil, errors.New("notifyhttp: NewUnsubscribe: a secret is missing")
	}
	s := &Unsubscribe{base: u}
	for i, secret := range secrets {
		if len(secret) < 32 {
			return nil, fmt.Errorf("notifyhttp: NewUnsubscribe: secret %d is shorter than 32 bytes", i)
		}
		// A key of its own: the same secret may sign other things elsewhere.
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("notify unsubscribe v1"))
		s.keys = append(s.keys, mac.Sum(nil))
	}
	return s, nil
}

// Link returns the URL that turns off the e-mail of a provider for a recipient;
// with provider "" it is that of a digest and turns off the daily e-mail.
func (u *Unsubscribe) Link(r notify.Recipient, provider string) string {
	return u.base.JoinPath("unsubscribe", u.token(r, provider)).String()
}

const macLength = 16

// token is what the link is about, and a MAC over it.
func (u *Unsubscribe) token(r notify.Recipient, provider string) string {
	var b []byte
	for _, part := range []string{r.Tenant, r.ID, provider} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return base64.RawURLEncoding.EncodeToString(append(sign(u.keys[0], b), b...))
}

func sign(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)[:macLength]
}

// open reads a token. Whoever cannot sign learns nothing from one that fails.
func (u *Unsubscribe) open(token string) (r notify.Recipient, provider string, ok bool) {
	if len(token) > 2048 {
		return r, "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < macLength {
		return r, "", false
	}
	message := b[macLength:]
	signed := false
	for _, key := range u.keys {
		signed = hmac.Equal(b[:macLength], sign(key, message)) || signed
	}
	if !signed {
		return r, "", false
	}
	var parts [3]string
	for i := range parts {
		length, n := binary.Uvarint(message)
		if n <= 0 || length > uint64(len(message)-n) {
			return r, "", false
		}
		parts[i], message = string(message[n:n+int(length)]), message[n+int(length):]
	}
	return notify.Recipient{Tenant: parts[0], ID: parts[1]}, parts[2], len(message) == 0
}

// opened finds what the link of the request is about.
func (c *call) opened() (notify.Recipient, string, error) {
	if c.unsubscribe == nil {
		return notify.Recipient{}, "", notFound
	}
	r, provider, ok := c.unsubscribe.open(c.parts[0])
	if !ok {
		return r, "", notFound
	}
	return r, provider, nil
}

// askUnsubscribe is GET unsubscribe/{token}: a page with a button. It changes
// nothing, since mail programs and scanners follow every link of a letter.
func (c *call) askUnsubscribe() error {
	r, provider, err := c.opened()
	if err != nil {
		return c.unsubscribePage(http.StatusNotFound, pageUnknown, "")
	}
	title, err := c.titleOf(r, provider)
	if err != nil {
		return err
	}
	return c.unsubscribePage(http.StatusOK, pageAsk, title)
}

// doUnsubscribe is POST unsubscribe/{token}: from the page, or from a mail
// program, which sends no cookie and the body List-Unsubscribe=One-Click.
func (c *call) doUnsubscribe() error {
	r, provider, err := c.opened()
	if err != nil {
		return err
	}
	if err := c.checkForm(); err != nil {
		return err
	}
	if err := c.turnOff(r, provider); err != nil {
		return err
	}
	title, err := c.titleOf(r, provider)
	if err != nil {
		return err
	}
	return c.unsubscribePage(http.StatusOK, pageDone, title)
}

// checkForm takes the two kinds of form that RFC 8058 allows, and reads a
// little of either: what it says is in the path already.
func (c *call) checkForm() error {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if c.r.Header.Get("Content-Type") != "" && (err != nil || media != "application/x-www-form-urlencoded" && media != "multipart/form-data") {
		return problemOf(http.StatusUnsupportedMediaType, "unsupported-media-type", "The body must be a form.")
	}
	_, err = io.Copy(io.Discard, http.MaxBytesReader(c.w, c.r.Body, 8<<10))
	if err != nil {
		return problemOf(http.StatusRequestEntityTooLarge, "too-large", "The form is too large.")
	}
	return nil
}

// turnOff saves the choice, and again if somebody else saved meanwhile.
func (c *call) turnOff(r notify.Recipient, provider string) error {
	for attempt := 1; ; attempt++ {
		p, err := c.n.Preferences(c.ctx(), r)
		if err != nil {
			return err
		}
		p = clonePreferences(p)
		if provider != "" {
			now, err := c.nowCalled(r, provider)
			if err != nil {
				return err
			}
			turnEmailOff(&p, now)
		} else if err := c.turnDailyOff(r, &p); err != nil {
			return err
		}
		_, err = c.n.SavePreferences(c.ctx(), r, p)
		switch {
		case errors.Is(err, notify.ErrInvalid):
			return nil // the provider is not there any more: it sends nothing
		case !errors.Is(err, notify.ErrConflict) || attempt == saveAttempts:
			return err
		}
	}
}

func turnEmailOff(p *notify.Preferences, provider string) {
	if p.Choices[provider] == nil {
		p.Choices[provider] = make(map[string]notify.Mode)
	}
	p.Choices[provider][notify.Email] = notify.Off
}

// nowCalled is the present id of a provider: the letter may know it by a former
// one, and a choice for the present one goes before that.
func (c *call) nowCalled(r notify.Recipient, provider string) (string, error) {
	of := *c
	of.recipient = r
	known, err := of.catalog()
	if err != nil {
		return "", err
	}
	return cmp.Or(known[provider].ID, provider), nil
}

// turnDailyOff turns off what is daily now, or would be without a mute: the mode
// for all providers, and each cell that says so by itself.
func (c *call) turnDailyOff(r notify.Recipient, p *notify.Preferences) error {
	settings, err := c.n.Settings(c.ctx(), r)
	if err != nil {
		return err
	}
	if p.Channels[notify.Email] == notify.Daily {
		p.Channels[notify.Email] = notify.Off
	}
	for provider, cells := range p.Choices {
		if cells[notify.Email] == notify.Daily {
			p.Choices[provider][notify.Email] = notify.Off
		}
	}
	for _, row := range settings.Providers {
		for _, cell := range row.Cells {
			if cell.Channel == notify.Email && cell.Unmuted == notify.Daily {
				turnEmailOff(p, row.Provider.ID)
			}
		}
	}
	return nil
}

// titleOf names the provider in the page; "" is the daily e-mail.
func (c *call) titleOf(r notify.Recipient, provider string) (string, error) {
	if provider == "" {
		return "", nil
	}
	of := *c
	of.recipient = r
	known, err := of.catalog()
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(known.provider(provider).Title), nil
}
