package sqlstore

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	renewTasks  = `{update task 2 id:id} SET leased_until = ?1 {those}`
	chargeTasks = `{update task id:id} SET attempts = attempts + 1 {those}`
)

// Renew implements [notify.Outbox].
func (s *Store) Renew(ctx context.Context, leases []notify.Lease, lease time.Duration) ([]notify.ID, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	var lost []notify.ID
	err := s.write(ctx, "renew", func(ctx context.Context, t *tx) (err error) {
		var rows heldTasks
		if rows, lost, err = t.held(ctx, leases); err != nil {
			return err
		}
		var held, charged []notify.ID
		for _, l := range leases {
			if _, ok := rows.of(l); !ok {
				continue
			}
			held = append(held, l.ID)
			if l.Charge {
				charged = append(charged, l.ID)
			}
		}
		if len(held) > 0 {
			if _, err := t.exec(ctx, renewTasks, t.after(lease), idRows(held)); err != nil {
				return err
			}
		}
		if len(charged) > 0 {
			_, err = t.exec(ctx, chargeTasks, idRows(charged))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}
