package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

// operate is what operators do.
func operate(ctx context.Context, a *actor, n *notify.Notifier) error {
	address := notify.Address{Channel: notify.Email, Value: fmt.Sprintf("%d@example.org", a.rng.IntN(teamSize))}
	switch a.rng.IntN(8) {
	case 0:
		return n.Suppress(ctx, notify.Suppression{Tenant: tenant, Address: address, Proof: "complained"})
	case 1, 2:
		return unsuppressAll(ctx, n)
	case 3, 4, 5:
		dead, err := n.Deliveries(ctx, notify.DeliveryQuery{Status: notify.StatusDead, Limit: 5})
		if err != nil || len(dead) == 0 {
			return err
		}
		_, err = n.Redeliver(ctx, pick(a.rng, dead...).ID)
		return err
	case 6:
		health, err := n.Health(ctx)
		if err != nil {
			return err
		}
		_, err = n.Prune(ctx, notify.Prune{ReadBefore: health.Stats.Now.Add(-12 * time.Hour)})
		return err
	}
	_, err := n.Export(ctx, a.somebody())
	return err
}

func unsuppressAll(ctx context.Context, n *notify.Notifier) error {
	list, err := n.Suppressions(ctx, tenant, notify.Address{}, 100)
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := n.Unsuppress(ctx, tenant, s.Address); err != nil {
			return err
		}
	}
	return nil
}

// view is what pages show.
func view(ctx context.Context, a *actor, n *notify.Notifier) error {
	who := a.somebody()
	switch a.rng.IntN(4) {
	case 0:
		_, err := n.Settings(ctx, who)
		return err
	case 1:
		_, err := n.PreviewDigest(ctx, who)
		return err
	case 2:
		_, err := n.Explain(ctx, notify.Notification{Provider: "billing", To: []notify.Recipient{who}, Title: "what if"}, who)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for change, err := range n.Inbox(who).Watch(ctx, "") {
		if err != nil {
			return err
		}
		if change.Counts.Unread < 0 || change.Counts.Unseen < 0 {
			a.w.violated("the counts of %s are negative", who.ID)
		}
	}
	return nil
}

// disturb is what happens to machines.
func disturb(_ context.Context, a *actor, _ *notify.Notifier) error {
	p := a.w.anyProcess(a.rng.IntN(2))
	if p == nil {
		return nil
	}
	switch a.rng.IntN(10) {
	case 8, 9:
		a.w.outage(pick(a.rng, "email server of h", "email server of 1", "mobile server of t"), time.Duration(a.rng.IntN(8*60))*time.Minute)
	case 0, 1:
		p.crash("at random")
	case 2, 3:
		p.freeze(lease + time.Duration(a.rng.IntN(60))*time.Second)
	case 4:
		p.freeze(time.Duration(a.rng.IntN(20)) * time.Second)
	case 5:
		a.w.trace("%s is stopped", p.name)
		p.stop()
	case 6:
		a.w.moveClock(time.Duration(a.rng.IntN(900)-300) * time.Second)
	default:
		if a.rng.IntN(10) == 0 {
			a.w.moveClock(26 * time.Hour)
		}
	}
	return nil
}
