package storetest_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// choosing claims all that is free, keeps what comes first in an order, and
// gives the rest back.
func choosing(order func(a, b notify.Task) int) alter {
	return func(b *bench) {
		next := b.claim
		b.claim = func(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
			limits := c.Channels
			c.Channels = map[string]int{}
			total := 0
			for channel, limit := range limits {
				c.Channels[channel] = 10_000
				total += limit
			}
			tasks, err := next(ctx, c)
			slices.SortStableFunc(tasks, order)
			if len(limits) == 0 || len(tasks) <= total {
				return tasks, err
			}
			var back []notify.Outcome
			for _, t := range tasks[total:] {
				back = append(back, notify.Outcome{Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Status: notify.StatusPending})
			}
			_, _ = b.m.Settle(ctx, back)
			return tasks[:total], err
		}
	}
}

func compareDue(a, b notify.Task) int { return a.Due.Compare(b.Due) }

// racyClaim gives a racing caller also what another one got before.
func racyClaim(b *bench) {
	next := b.claim
	var last []notify.Task
	b.claim = func(ctx context.Context, c notify.Claim) (tasks []notify.Task, err error) {
		b.racing(func(racing bool) {
			tasks, err = next(ctx, c)
			b.mu.Lock()
			defer b.mu.Unlock()
			if racing && len(tasks) == 0 {
				tasks = last
			} else if len(tasks) > 0 {
				last = tasks[:1]
				if racing {
					tasks = append(tasks, last...)
				}
			}
		})
		return tasks, err
	}
}

// everyUrgent claims urgent tasks beyond the limits as if they were any.
func everyUrgent(c *notify.Claim) {
	channels := map[string]int{}
	for channel, limit := range c.Channels {
		channels[channel] = limit + c.Urgent
	}
	c.Channels, c.Urgent = channels, 0
}

var brokenClaim = []broken{
	{"forgets that a task is forced", onTask(func(_ *bench, t *notify.Task) { t.Forced = false }), nil},
	{"claims without a lock", racyClaim, nil},
	{"leases for half of the time", onClaim(func(c *notify.Claim) { c.Lease /= 2 }), nil},
	{"claims more than the limit", onClaim(func(c *notify.Claim) {
		channels := map[string]int{}
		for channel, limit := range c.Channels {
			channels[channel] = 2 * limit
		}
		c.Channels = channels
	}), nil},
	{"does not claim beyond the limit", onClaim(func(c *notify.Claim) { c.Urgent = 0 }), nil},
	{"claims any beyond the limit", onClaim(everyUrgent), nil},
	{"claims for channels that are not named", onClaim(func(c *notify.Claim) {
		if c.FanOuts > 0 {
			c.Channels = map[string]int{"fax": 10}
		}
	}), nil},
	{"ignores lanes", choosing(func(a, b notify.Task) int { return cmp.Or(compareDue(a, b), cmp.Compare(a.ID, b.ID)) }), nil},
	{"ignores buckets", choosing(func(a, b notify.Task) int { return cmp.Or(cmp.Compare(a.Lane, b.Lane), compareDue(a, b)) }), nil},
	{"always starts at the first bucket", onClaim(func(c *notify.Claim) { c.Bucket = 0 }), nil},
	{"claims the latest first", choosing(func(a, b notify.Task) int { return cmp.Or(cmp.Compare(a.Lane, b.Lane), compareDue(b, a)) }), nil},
	{"does not wait", onNewTasks(func(t *notify.NewTask) { t.Wait = 0 }), nil},
	{"does not hold back", onNewTasks(func(t *notify.NewTask) { t.NotBefore = time.Time{} }), nil},
	{"inserts tasks without a lease", onNewTasks(func(t *notify.NewTask) { t.Lease = 0 }), nil},
	{"claims all fan-outs", onClaim(func(c *notify.Claim) { c.FanOuts *= 2 }), nil},
	{"claims fan-outs to any audience", onClaim(func(c *notify.Claim) { c.Audiences = []string{"staff", "guests"} }), nil},
	{"claims fan-outs of any provider", onClaim(func(c *notify.Claim) { c.Providers = nil }), nil},
	{"returns facts out of order", func(b *bench) {
		next := b.load
		b.load = func(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
			facts, at, err := next(ctx, tasks, countUnread)
			slices.Reverse(facts)
			return facts, at, err
		}
	}, nil},
}

// renewing is the rest of a store's Renew.
type renewing = func([]notify.Lease) ([]notify.ID, error)

// current is the lease of whoever claimed the task last.
func (b *bench) current(l notify.Lease) notify.Lease {
	if epoch, ok := b.epochs[l.ID]; ok {
		l.Epoch = epoch
	}
	return l
}

var brokenLease = []broken{
	{"does not tell that a task is recovered", onTask(func(_ *bench, t *notify.Task) { t.Recovered = false }), nil},
	{"recovers any number of tasks", onClaim(func(c *notify.Claim) { c.Recovered = 1000 }), nil},
	{"does not renew", onRenew(func(*bench, []notify.Lease, renewing) ([]notify.ID, error) { return nil, nil }), nil},
	{"renews for an old epoch", onRenew(func(b *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		for i := range leases {
			leases[i] = b.current(leases[i])
		}
		return next(leases)
	}), nil},
	{"charges for an old epoch", onRenew(func(b *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		lost, err := next(leases)
		for i := range leases {
			if slices.Contains(lost, leases[i].ID) && leases[i].Charge {
				_, _ = next([]notify.Lease{b.current(leases[i])})
			}
		}
		return lost, err
	}), nil},
	{"settles for an old epoch", onOutcome(func(b *bench, o *notify.Outcome) { o.Task = b.current(o.Task) }), nil},
	{"files for an old epoch", onChunk(func(b *bench, c *notify.Chunk) { c.Task = b.current(c.Task) }), nil},
	{"charges only when it is over", onRenew(func(_ *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		for i := range leases {
			leases[i].Charge = false
		}
		return next(leases)
	}), nil},
	{"charges for every renewal", onRenew(func(_ *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		for i := range leases {
			leases[i].Charge = true
		}
		return next(leases)
	}), nil},
	{"never says that a lease is lost", onRenew(func(_ *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		_, err := next(leases)
		return nil, err
	}), nil},
	{"charges for a lost lease", onTask(func(_ *bench, t *notify.Task) {
		if t.Recovered {
			t.Attempts++
		}
	}), nil},
}

var brokenSettle = []broken{
	{"loses the record of what is done", onRecords(func(_ *bench, _ notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord {
		return slices.DeleteFunc(records, func(r notify.DeliveryRecord) bool { return !r.Settled.IsZero() })
	}), nil},
	{"retries at once", onOutcome(func(_ *bench, o *notify.Outcome) { o.RetryIn = 0 }), nil},
	{"makes what is given back due anew", onOutcome(func(_ *bench, o *notify.Outcome) { o.RetryIn = max(o.RetryIn, 1000) }), nil},
	{"takes a retry for bulk", onTask(func(_ *bench, t *notify.Task) {
		if t.Epoch > 1 {
			t.Lane = notify.LaneBulk
		}
	}), nil},
	{"forgets that an outcome is unknown", onOutcome(func(_ *bench, o *notify.Outcome) {
		if o.Status == notify.StatusUnknown {
			o.Status = notify.StatusPending
		}
	}), nil},
	{"forgets who accepted", onOutcome(func(_ *bench, o *notify.Outcome) { o.Accepted = nil }), nil},
	{"charges for every outcome", onOutcome(func(_ *bench, o *notify.Outcome) { o.Charge = true }), nil},
	{"charges twice", onOutcome(func(_ *bench, o *notify.Outcome) { o.Task.Charge = false }), nil},
	{"loses all leases with one", func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			lost, err := next(ctx, outcomes)
			if len(lost) > 0 {
				lost = nil
				for _, o := range outcomes {
					lost = append(lost, o.Task.ID)
				}
			}
			return lost, err
		}
	}, nil},
	{"loses the error", onOutcome(func(_ *bench, o *notify.Outcome) { o.Error = "" }), nil},
	{"gives a fan-out back with no cursor", onTask(func(_ *bench, t *notify.Task) {
		if t.Attempts > 0 {
			t.Cursor = ""
		}
	}), nil},
	{"keeps outcomes", func(b *bench) {
		kept := map[notify.ID][]string{}
		onOutcome(func(_ *bench, o *notify.Outcome) { kept[o.Task.ID] = o.Accepted })(b)
		onTask(func(_ *bench, t *notify.Task) {
			if accepted, ok := kept[t.ID]; ok {
				t.Accepted = accepted
			}
		})(b)
	}, nil},
	{"settles one by one", func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			var all []notify.ID
			for i := range outcomes {
				lost, err := next(ctx, outcomes[i:i+1])
				if err != nil {
					return nil, err
				}
				all = append(all, lost...)
			}
			return all, nil
		}
	}, nil},
}

// filed tells whether r has an item of the notification of a fan-out.
func (b *bench) filed(task notify.ID, r notify.Recipient) bool {
	return slices.ContainsFunc(b.all(r), func(it notify.Item) bool { return it.ID == b.tasks[task].Notification })
}

var brokenFanOut = []broken{
	{"files half of a chunk", onChunk(func(_ *bench, c *notify.Chunk) { c.Filings = c.Filings[:(len(c.Filings)+1)/2] }), nil},
	{"gives the task back after a chunk", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (bool, error) {
			withdrawn, err := next(ctx, c)
			_, _ = b.m.Settle(ctx, []notify.Outcome{{Task: c.Task, Status: notify.StatusPending}})
			return withdrawn, err
		}
	}, nil},
	{"does not move the cursor", onChunk(func(_ *bench, c *notify.Chunk) { c.Cursor = "" }), nil},
	{"is never done", onChunk(func(_ *bench, c *notify.Chunk) { c.Done = false }), nil},
	{"does not tell that a fan-out is withdrawn", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (bool, error) {
			_, err := next(ctx, c)
			return false, err
		}
	}, nil},
	{"files a recipient again", onChunk(func(b *bench, c *notify.Chunk) {
		for _, f := range c.Filings {
			if b.filed(c.Task.ID, f.Recipient) {
				refile(b, notify.Chunk{Task: c.Task, Filings: []notify.Filing{f}})
			}
		}
	}), nil},
	{"files twins in a chunk", onChunk(func(b *bench, c *notify.Chunk) {
		for i, f := range c.Filings {
			if i > 0 && c.Filings[i-1].Recipient == f.Recipient {
				refile(b, notify.Chunk{Task: c.Task, Filings: []notify.Filing{f}})
			}
		}
	}), nil},
	{"does not log rejections", onChunk(func(_ *bench, c *notify.Chunk) { c.Rejected = nil }), nil},
	{"files a chunk one by one", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (withdrawn bool, err error) {
			for i := range c.Filings {
				part := notify.Chunk{Task: c.Task, Filings: c.Filings[i : i+1], Cursor: c.Cursor}
				if withdrawn, err = next(ctx, part); withdrawn || err != nil {
					return withdrawn, err
				}
			}
			c.Filings = nil
			return next(ctx, c)
		}
	}, nil},
	{"files chunks without a lock", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (withdrawn bool, err error) {
			b.racing(func(racing bool) {
				if racing {
					b.fresh(notify.Notification{Tenant: "acme", Provider: "nobody"}, c.Filings...)
				}
				withdrawn, err = next(ctx, c)
			})
			return withdrawn, err
		}
	}, nil},
}
