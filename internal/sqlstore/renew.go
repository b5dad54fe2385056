package sqlstore

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	renewTasks  = `UPDATE {task} SET leased_until = ? WHERE id IN (SELECT id FROM {rows id:text})`
	chargeTasks = `UPDATE {task} SET attempts = attempts + 1 WHERE id IN (SELECT id FROM {rows id:text})`
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
			if _, err := t.exec(ctx, renewTasks, t.after(lease), strs(held)); err != nil {
				return err
			}
		}
		if len(charged) > 0 {
			_, err = t.exec(ctx, chargeTasks, strs(charged))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}
