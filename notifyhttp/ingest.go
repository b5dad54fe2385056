package notifyhttp

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bellwether-go/notify"
)

// Integration is who sends through [Ingest].
type Integration struct {
	ID        string   // by which its rate is limited; never shown
	Tenant    string   // of all that it sends
	Providers []string // in whose name it may send
}

// IngestOptions configure [Ingest]. Nil works, and the zero value of each field
// is a documented default.
type IngestOptions struct {
	MaxBody       int64   // bytes of a request; 256 KiB
	MaxRecipients int     // of one notification; 1,000
	Audiences     bool    // allows to send to the host's audiences by name
	PerSecond     float64 // requests of one integration; 50
	Burst         int     // that may come at once; 100
	// Logger gets what went wrong inside; nil logs nothing.
	Logger *slog.Logger
}

// Ingest returns the handler of the door for providers outside of this program:
// one format, authenticated by who, which [Keys.Who] is meant for. It has
//
//	POST v1/notifications   send
//	POST v1/withdrawals     take back, by key or entity
//
// relative to where it is mounted. A header Idempotency-Key makes a request safe
// to repeat: with the same content the first answer comes again, with other
// content it is refused. It is the [notify.Notification].Key.
func Ingest(n *notify.Notifier, who func(*http.Request) (Integration, error), opts *IngestOptions) http.Handler {
	in := &ingest{handler: &handler{n: n, log: discard}, who: who, limits: newLimits(50, 100), maxBody: 256 << 10, maxRecipients: 1000}
	if opts == nil {
		return in
	}
	in.audiences = opts.Audiences
	in.maxBody = cmp.Or(max(opts.MaxBody, 0), in.maxBody)
	in.maxRecipients = cmp.Or(max(opts.MaxRecipients, 0), in.maxRecipients)
	in.limits = newLimits(cmp.Or(max(opts.PerSecond, 0), 50), cmp.Or(max(opts.Burst, 0), 100))
	if opts.Logger != nil {
		in.log = opts.Logger
	}
	return in
}

type ingest struct {
	*handler
	who           func(*http.Request) (Integration, error)
	limits        *limits
	maxBody       int64
	maxRecipients int
	audiences     bool
}

// ServeHTTP implements [http.Handler].
func (in *ingest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if err := in.serve(w, r); err != nil {
		in.fail(w, r, err)
	}
}

func (in *ingest) serve(w http.ResponseWriter, r *http.Request) error {
	operation := in.send
	path := "/" + r.URL.Path // a prefix may have been stripped with its slash
	switch {
	case strings.HasSuffix(path, "/v1/notifications"):
	case strings.HasSuffix(path, "/v1/withdrawals"):
		operation = in.withdraw
	default:
		return notFound
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return problemOf(http.StatusMethodNotAllowed, "method-not-allowed", "This path takes POST.")
	}
	who, err := in.who(r)
	if _, failed := errors.AsType[*storeError](err); failed {
		in.log.ErrorContext(r.Context(), "notifyhttp: keys cannot be read", "error", err)
		p := problemOf(http.StatusServiceUnavailable, "unavailable", "Keys cannot be checked at the moment.")
		p.retryAfter = 5 * time.Second
		return p
	}
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return problemOf(http.StatusUnauthorized, "unauthenticated", "The key is missing or not valid.")
	}
	if wait := in.limits.take(who.ID); wait > 0 {
		p := problemOf(http.StatusTooManyRequests, "too-many-requests", "Too many requests.")
		p.retryAfter = wait
		return p
	}
	return operation(w, r, who)
}

// sendJSON is the one format.
type sendJSON struct {
	Provider    string          `json:"provider"`
	To          []string        `json:"to"`
	Audience    string          `json:"audience"`
	Title       string          `json:"title"`
	Body        string          `json:"body"`
	Rows        []notify.Row    `json:"rows"`
	Icon        string          `json:"icon_url"`
	Link        string          `json:"link"`
	Actions     []actionJSON    `json:"actions"`
	Data        json.RawMessage `json:"data"`
	CollapseKey string          `json:"collapse_key"`
	Entity      string          `json:"entity"`
	Actor       string          `json:"actor"`
	Priority    string          `json:"priority"`
	Silent      bool            `json:"silent"`
	Transient   bool            `json:"transient"`
	OccurredAt  instant         `json:"occurred_at"`
	NotBefore   instant         `json:"not_before"`
	ExpiresAt   instant         `json:"expires_at"`
}

// send is POST v1/notifications.
func (in *ingest) send(w http.ResponseWriter, r *http.Request, who Integration) error {
	var body sendJSON
	if err := decode(w, r, in.maxBody, &body); err != nil {
		return err
	}
	if err := who.may(body.Provider); err != nil {
		return err
	}
	switch {
	case len(body.To) > in.maxRecipients:
		return invalidField("/to", "too-many", "at most "+strconv.Itoa(in.maxRecipients)+" recipients")
	case body.Audience != "" && !in.audiences:
		return invalidField("/audience", "invalid", "audiences cannot be sent to")
	}
	note := notify.Notification{
		Tenant: who.Tenant, Provider: body.Provider, Audience: body.Audience,
		Title: body.Title, Body: body.Body, Rows: body.Rows, URL: body.Link, Icon: body.Icon, Data: body.Data,
		Key: r.Header.Get("Idempotency-Key"), CollapseKey: body.CollapseKey, Entity: body.Entity,
		Silent: body.Silent, Transient: body.Transient,
		OccurredAt: time.Time(body.OccurredAt), NotBefore: time.Time(body.NotBefore), ExpiresAt: time.Time(body.ExpiresAt),
	}
	if string(note.Data) == "null" {
		note.Data = nil
	}
	for _, id := range body.To {
		note.To = append(note.To, notify.Recipient{Tenant: who.Tenant, ID: id})
	}
	for _, a := range body.Actions {
		note.Actions = append(note.Actions, notify.Action{Key: a.Key, Title: a.Title, URL: a.Href})
	}
	if body.Actor != "" {
		note.Actor = notify.Recipient{Tenant: who.Tenant, ID: body.Actor}
	}
	var ok bool
	if note.Priority, ok = priorityOf(body.Priority); !ok {
		return invalidField("/priority", "invalid", "one of low, normal and high")
	}
	receipts, err := in.n.Send(r.Context(), note)
	switch bad, isInvalid := invalidOf(err); {
	case isInvalid:
		return invalidField(ingestPointer(bad.Field), "invalid", bad.Reason)
	case errors.Is(err, notify.ErrConflict):
		return problemOf(http.StatusUnprocessableEntity, "idempotency-key-reused", "The Idempotency-Key was used before with other content.")
	case err != nil:
		return err
	}
	if receipts[0].Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	c := call{handler: in.handler, w: w, r: r}
	return c.reply(http.StatusAccepted, struct {
		ID        notify.ID `json:"id"`
		Replayed  bool      `json:"replayed"`
		Withdrawn bool      `json:"withdrawn"`
	}{receipts[0].ID, receipts[0].Replayed, receipts[0].Withdrawn})
}

// withdraw is POST v1/withdrawals.
func (in *ingest) withdraw(w http.ResponseWriter, r *http.Request, who Integration) error {
	var body struct {
		Provider string `json:"provider"`
		Key      string `json:"key"`
		Entity   string `json:"entity"`
	}
	if err := decode(w, r, in.maxBody, &body); err != nil {
		return err
	}
	// Without a provider an entity would be withdrawn for all of the tenant's.
	if err := who.may(body.Provider); err != nil {
		return err
	}
	count, err := in.n.Withdraw(r.Context(), notify.Withdrawal{Tenant: who.Tenant, Provider: body.Provider, Key: body.Key, Entity: body.Entity})
	if bad, isInvalid := invalidOf(err); isInvalid {
		return invalidField(ingestPointer(bad.Field), "invalid", bad.Reason)
	}
	if err != nil {
		return err
	}
	c := call{handler: in.handler, w: w, r: r}
	return c.reply(http.StatusOK, struct {
		Withdrawn int `json:"withdrawn"`
	}{count})
}

// may refuses a provider that the key is not for, known or not.
func (who Integration) may(provider string) error {
	if provider == "" {
		return invalidField("/provider", "missing", "a provider has to be named")
	}
	if !slices.Contains(who.Providers, provider) {
		p := problemOf(http.StatusForbidden, "provider-not-allowed", "The key does not allow to send for this provider.")
		p.Errors = []FieldError{{Pointer: "/provider", Code: "not-allowed"}}
		return p
	}
	return nil
}

func priorityOf(name string) (notify.Priority, bool) {
	for priority, known := range priorities {
		if known == cmp.Or(name, "normal") {
			return priority, true
		}
	}
	return notify.Normal, false
}

// ingestPointer names a field of a Notification as the one format does.
func ingestPointer(field string) string {
	if field == "Key" {
		return "Idempotency-Key"
	}
	names := map[string]string{
		"url": "link", "icon": "icon_url", "collapsekey": "collapse_key", "occurredat": "occurred_at",
		"notbefore": "not_before", "expiresat": "expires_at", "id": "",
	}
	var b strings.Builder
	inAction := strings.HasPrefix(field, "Actions")
	for _, part := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		part = strings.ToLower(part)
		if renamed, ok := names[part]; ok {
			part = renamed
		}
		if inAction && part == "link" {
			part = "href"
		}
		if part != "" && part != "tenant" {
			b.WriteString("/" + part)
		}
	}
	return b.String()
}

// limits keeps one rate for each integration.
type limits struct {
	perSecond rate.Limit
	burst     int

	mu  sync.Mutex
	own map[string]*rate.Limiter
}

const maxLimits = 10_000

func newLimits(perSecond float64, burst int) *limits {
	return &limits{perSecond: rate.Limit(perSecond), burst: burst, own: make(map[string]*rate.Limiter)}
}

// take takes a turn, or says how long to wait for one.
func (l *limits) take(id string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.own[id]
	if limiter == nil {
		if len(l.own) >= maxLimits {
			clear(l.own) // all begin anew, rather than grow without end
		}
		limiter = rate.NewLimiter(l.perSecond, l.burst)
		l.own[id] = limiter
	}
	now := time.Now()
	reservation := limiter.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return min(wait, math.MaxInt32*time.Second)
	}
	return 0
}
