package notifyhttp

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/bellwether-go/notify"
)

// Options configure [Handler]. Nil works, and the zero value of each field is a
// documented default.
type Options struct {
	// PushKey is the public VAPID key of the browser channel, base64url. Empty
	// offers no push to browsers.
	PushKey string
	// Unsubscribe serves the links that it made. Nil serves none.
	Unsubscribe *Unsubscribe
	// CrossOrigin decides which writes are from a foreign site; nil is the zero
	// [http.CrossOriginProtection], which trusts no other origin.
	CrossOrigin *http.CrossOriginProtection
	// StreamsPerRecipient and Streams cap the live streams of one recipient and
	// of this handler; 0 is 12 and 10,000.
	StreamsPerRecipient, Streams int
	// Closing ends the live streams when it is closed or done, so that a server
	// can shut down: pass the context that its Shutdown follows. Nil is never.
	Closing context.Context
	// Logger gets what went wrong inside; nil logs nothing. No request body, no
	// address and no token is ever logged.
	Logger *slog.Logger
}

var discard = slog.New(slog.DiscardHandler)

// handler serves one center.
type handler struct {
	n           *notify.Notifier
	who         func(*http.Request) (notify.Recipient, error)
	pushKey     string
	unsubscribe *Unsubscribe
	crossOrigin *http.CrossOriginProtection
	streams     *streams
	popUps      popUps
	trials      *trials
	log         *slog.Logger
}

// Handler returns the handler of the signed-in user: API, live stream,
// elements and pages. who tells whose request it is, from the session of the
// host; its error answers 401 and is not shown. Handler starts nothing; what it
// returns is safe for concurrent use.
func Handler(n *notify.Notifier, who func(*http.Request) (notify.Recipient, error), opts *Options) http.Handler {
	return newHandler(n, who, opts)
}

func newHandler(n *notify.Notifier, who func(*http.Request) (notify.Recipient, error), opts *Options) *handler {
	if opts == nil {
		opts = &Options{}
	}
	h := &handler{
		n: n, who: who, pushKey: opts.PushKey, unsubscribe: opts.Unsubscribe,
		crossOrigin: opts.CrossOrigin, log: opts.Logger,
		streams: newStreams(opts), trials: newTrials(),
	}
	if h.crossOrigin == nil {
		h.crossOrigin = http.NewCrossOriginProtection()
	}
	if h.log == nil {
		h.log = discard
	}
	return h
}

// ServeHTTP finds the route and runs it.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	match := match(r)
	switch {
	case match.redirect != "":
		redirectTo(w, match.redirect)
		return
	case match.route == nil && len(match.allow) > 0:
		header.Set("Allow", match.allow)
		h.fail(w, r, problemOf(http.StatusMethodNotAllowed, "method-not-allowed", "This path does not take "+shorten(r.Method, 20)+"."))
		return
	case match.route == nil:
		h.fail(w, r, notFound)
		return
	}
	if !match.route.open {
		if err := h.crossOrigin.Check(r); err != nil {
			h.fail(w, r, problemOf(http.StatusForbidden, "cross-origin", "The request comes from another site."))
			return
		}
	}
	call := call{handler: h, w: w, r: r, route: match.route, parts: match.parts}
	if match.route.private {
		recipient, err := h.who(r)
		if err != nil || recipient.ID == "" {
			h.fail(w, r, problemOf(http.StatusUnauthorized, "unauthenticated", "Nobody is signed in."))
			return
		}
		call.recipient = recipient
		if media := match.route.media(); !accepts(r, media) {
			h.fail(w, r, problemOf(http.StatusNotAcceptable, "not-acceptable", "This is answered with "+media+"."))
			return
		}
	}
	if err := match.route.serve(&call); err != nil {
		h.fail(w, r, err)
	}
}

// call is one request on its way through a route.
type call struct {
	*handler
	w         http.ResponseWriter
	r         *http.Request
	route     *route
	recipient notify.Recipient
	parts     []string // what the {…} of the pattern stand for
}

func (c *call) ctx() context.Context { return c.r.Context() }

func (c *call) inbox() notify.Inbox { return c.n.Inbox(c.recipient) }
