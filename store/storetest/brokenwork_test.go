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
	{"forgets that a task is forced", onTask(func(_ *bench, t *notify.Task) { t.Forced = false }), []string{"redeliver/dead ones come back with their identity", "claim/a task is what was filed"}},
	{"claims without a lock", racyClaim, []string{"lease/of claimers of an expired one exactly one wins", "claim/no task goes to two workers"}},
	{"leases for half of the time", onClaim(func(c *notify.Claim) { c.Lease /= 2 }), []string{"claim/what is held is not claimed again"}},
	{"claims more than the limit", onClaim(func(c *notify.Claim) {
		channels := map[string]int{}
		for channel, limit := range c.Channels {
			channels[channel] = 2 * limit
		}
		c.Channels = channels
	}), []string{"claim/one bucket cannot take the whole batch"}},
	{"does not claim beyond the limit", onClaim(func(c *notify.Claim) { c.Urgent = 0 }), []string{"claim/urgent ones beyond the limit of a channel"}},
	{"claims any beyond the limit", onClaim(everyUrgent), []string{"claim/urgent ones beyond the limit of a channel"}},
	{"claims for channels that are not named", onClaim(func(c *notify.Claim) {
		if c.FanOuts > 0 {
			c.Channels = map[string]int{"fax": 10}
		}
	}), []string{"claim/only the channels that are named"}},
	{"ignores lanes", choosing(func(a, b notify.Task) int { return cmp.Or(compareDue(a, b), cmp.Compare(a.ID, b.ID)) }), []string{"claim/urgent lanes first"}},
	{"ignores buckets", choosing(func(a, b notify.Task) int { return cmp.Or(cmp.Compare(a.Lane, b.Lane), compareDue(a, b)) }), []string{"claim/one bucket cannot take the whole batch"}},
	{"always starts at the first bucket", onClaim(func(c *notify.Claim) { c.Bucket = 0 }), []string{"claim/the turn starts at the bucket given"}},
	{"claims the latest first", choosing(func(a, b notify.Task) int { return cmp.Or(cmp.Compare(a.Lane, b.Lane), compareDue(b, a)) }), []string{"claim/up to so many per channel", "claim/the earliest due first"}},
	{"does not wait", onNewTasks(func(t *notify.NewTask) { t.Wait = 0 }), []string{"log/a pending delivery is in it", "claim/a wait holds a task back"}},
	{"does not hold back", onNewTasks(func(t *notify.NewTask) { t.NotBefore = time.Time{} }), []string{"claim/a task is not due before its instant", "fanout/not due before its instant"}},
	{"inserts tasks without a lease", onNewTasks(func(t *notify.NewTask) { t.Lease = 0 }), []string{"digest/a task may be held", "fanout/tasks of a chunk may be held"}},
	{"claims all fan-outs", onClaim(func(c *notify.Claim) { c.FanOuts *= 2 }), []string{"claim/up to so many fan-outs and sweeps"}},
	{"claims fan-outs to any audience", onClaim(func(c *notify.Claim) { c.Audiences = []string{"staff", "guests"} }), []string{"claim/only the audiences that are named"}},
	{"claims fan-outs of any provider", onClaim(func(c *notify.Claim) { c.Providers = nil }), []string{"claim/only fan-outs of the providers that are named"}},
	{"returns facts out of order", func(b *bench) {
		next := b.load
		b.load = func(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
			facts, at, err := next(ctx, tasks, countUnread)
			slices.Reverse(facts)
			return facts, at, err
		}
	}, []string{"claim/facts are of each task in order"}},
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
	{"does not tell that a task is recovered", onTask(func(_ *bench, t *notify.Task) { t.Recovered = false }), []string{"claim/a task inserted with a lease is held"}},
	{"recovers any number of tasks", onClaim(func(c *notify.Claim) { c.Recovered = 1000 }), []string{"lease/recovered tasks are limited by the claim", "digest/a free one is superseded by the next"}},
	{"does not renew", onRenew(func(*bench, []notify.Lease, renewing) ([]notify.ID, error) { return nil, nil }), []string{"lease/renewal keeps a long task"}},
	{"renews for an old epoch", onRenew(func(b *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		for i := range leases {
			leases[i] = b.current(leases[i])
		}
		return next(leases)
	}), []string{"lease/an old epoch cannot renew"}},
	{"charges for an old epoch", onRenew(func(b *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		lost, err := next(leases)
		for i := range leases {
			if slices.Contains(lost, leases[i].ID) && leases[i].Charge {
				_, _ = next([]notify.Lease{b.current(leases[i])})
			}
		}
		return lost, err
	}), []string{"lease/an old epoch cannot charge"}},
	{"settles for an old epoch", onOutcome(func(b *bench, o *notify.Outcome) { o.Task = b.current(o.Task) }), []string{"lease/an old epoch cannot settle"}},
	{"files for an old epoch", onChunk(func(b *bench, c *notify.Chunk) { c.Task = b.current(c.Task) }), []string{"lease/an old epoch cannot file"}},
	{"charges only when it is over", onRenew(func(_ *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		for i := range leases {
			leases[i].Charge = false
		}
		return next(leases)
	}), []string{"lease/a charge is durable"}},
	{"charges for every renewal", onRenew(func(_ *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		for i := range leases {
			leases[i].Charge = true
		}
		return next(leases)
	}), []string{"lease/a renewal without charge is no attempt", "lease/an inserted one expires at epoch 1"}},
	{"never says that a lease is lost", onRenew(func(_ *bench, leases []notify.Lease, next renewing) ([]notify.ID, error) {
		_, err := next(leases)
		return nil, err
	}), []string{"lease/a settled task is lost"}},
	{"charges for a lost lease", onTask(func(_ *bench, t *notify.Task) {
		if t.Recovered {
			t.Attempts++
		}
	}), []string{"lease/a renewal without charge is no attempt"}},
}

var brokenSettle = []broken{
	{"loses the record of what is done", onRecords(func(_ *bench, _ notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord {
		return slices.DeleteFunc(records, func(r notify.DeliveryRecord) bool { return !r.Settled.IsZero() })
	}), []string{"fanout/rejections are logged"}},
	{"retries at once", onOutcome(func(_ *bench, o *notify.Outcome) { o.RetryIn = 0 }), []string{"settle/given back it is due after the delay"}},
	{"makes what is given back due anew", onOutcome(func(_ *bench, o *notify.Outcome) { o.RetryIn = max(o.RetryIn, 1000) }), []string{"settle/given back without a delay it is due as before"}},
	{"takes a retry for bulk", onTask(func(_ *bench, t *notify.Task) {
		if t.Epoch > 1 {
			t.Lane = notify.LaneBulk
		}
	}), []string{"settle/given back it keeps its lane, bucket and identity", "lease/an expired one is reclaimed at a higher epoch"}},
	{"forgets that an outcome is unknown", onOutcome(func(_ *bench, o *notify.Outcome) {
		if o.Status == notify.StatusUnknown {
			o.Status = notify.StatusPending
		}
	}), []string{"settle/an unknown outcome is remembered", "digest/an unknown one is not superseded"}},
	{"forgets who accepted", onOutcome(func(_ *bench, o *notify.Outcome) { o.Accepted = nil }), []string{"settle/what accepted replaces what had"}},
	{"charges for every outcome", onOutcome(func(_ *bench, o *notify.Outcome) { o.Charge = true }), []string{"settle/given back without a delay it is due as before", "settle/a charge counts once"}},
	{"charges twice", onOutcome(func(_ *bench, o *notify.Outcome) { o.Task.Charge = false }), []string{"lease/a charge is durable"}},
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
	}, []string{"settle/many outcomes lose only those that are lost"}},
	{"loses the error", onOutcome(func(_ *bench, o *notify.Outcome) { o.Error = "" }), []string{"settle/a final status leaves the outbox and stays in the log", "settle/the last error is in the log"}},
	{"gives a fan-out back with no cursor", onTask(func(_ *bench, t *notify.Task) {
		if t.Attempts > 0 {
			t.Cursor = ""
		}
	}), []string{"settle/a fan-out is given back with its cursor"}},
	{"keeps outcomes", func(b *bench) {
		kept := map[notify.ID][]string{}
		onOutcome(func(_ *bench, o *notify.Outcome) { kept[o.Task.ID] = o.Accepted })(b)
		onTask(func(_ *bench, t *notify.Task) {
			if accepted, ok := kept[t.ID]; ok {
				t.Accepted = accepted
			}
		})(b)
	}, []string{"settle/outcomes are not kept"}},
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
	}, []string{"context/a settlement cut short leaves nothing behind"}},
}

// filed tells whether r has an item of the notification of a fan-out.
func (b *bench) filed(task notify.ID, r notify.Recipient) bool {
	return slices.ContainsFunc(b.all(r), func(it notify.Item) bool { return it.ID == b.tasks[task].Notification })
}

var brokenFanOut = []broken{
	{"files half of a chunk", onChunk(func(_ *bench, c *notify.Chunk) { c.Filings = c.Filings[:(len(c.Filings)+1)/2] }), []string{"fanout/a chunk files and moves the cursor", "erase/a tombstone drops what a fan-out files"}},
	{"gives the task back after a chunk", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
			at, withdrawn, err := next(ctx, c)
			_, _ = b.m.Settle(ctx, []notify.Outcome{{Task: c.Task, Status: notify.StatusPending}})
			return at, withdrawn, err
		}
	}, []string{"fanout/the task stays held between chunks"}},
	{"does not move the cursor", onChunk(func(_ *bench, c *notify.Chunk) { c.Cursor = "" }), []string{"fanout/a crash resumes after the last chunk"}},
	{"is never done", onChunk(func(_ *bench, c *notify.Chunk) { c.Done = false }), []string{"fanout/done removes the task and the kept recipients"}},
	{"does not tell that a fan-out is withdrawn", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
			at, _, err := next(ctx, c)
			return at, false, err
		}
	}, []string{"withdraw/before it is due", "fanout/a withdrawn notification is not filed"}},
	{"files a recipient again", onChunk(func(b *bench, c *notify.Chunk) {
		for _, f := range c.Filings {
			if b.filed(c.Task.ID, f.Recipient) {
				refile(b, notify.Chunk{Task: c.Task, Filings: []notify.Filing{f}})
			}
		}
	}), []string{"fanout/the same recipient is filed once", "fanout/what was replaced is not filed again"}},
	{"files twins in a chunk", onChunk(func(b *bench, c *notify.Chunk) {
		for i, f := range c.Filings {
			if i > 0 && c.Filings[i-1].Recipient == f.Recipient {
				refile(b, notify.Chunk{Task: c.Task, Filings: []notify.Filing{f}})
			}
		}
	}), []string{"fanout/the same recipient in one chunk is filed once"}},
	{"calls a chunk filed of which it dropped something", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
			_, withdrawn, err := next(ctx, c)
			return time.Unix(1, 0).UTC(), withdrawn, err
		}
	}, []string{"fanout/a chunk says when all was filed"}},
	{"does not log rejections", onChunk(func(_ *bench, c *notify.Chunk) { c.Rejected = nil }), []string{"fanout/rejections are logged"}},
	{"files a chunk one by one", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (at time.Time, withdrawn bool, err error) {
			for i := range c.Filings {
				part := notify.Chunk{Task: c.Task, Filings: c.Filings[i : i+1], Cursor: c.Cursor}
				if at, withdrawn, err = next(ctx, part); withdrawn || err != nil {
					return at, withdrawn, err
				}
			}
			c.Filings = nil
			return next(ctx, c)
		}
	}, []string{"context/a chunk cut short leaves nothing behind"}},
	{"files chunks without a lock", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (at time.Time, withdrawn bool, err error) {
			b.racing(func(racing bool) {
				if racing {
					b.fresh(notify.Notification{Tenant: "acme", Provider: "nobody"}, c.Filings...)
				}
				at, withdrawn, err = next(ctx, c)
			})
			return at, withdrawn, err
		}
	}, []string{"concurrency/fan-outs to the same recipients"}},
}
