package sqlstore

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	selectPauses = `SELECT channel, account, reason, since, probe, delay FROM {pause} ORDER BY channel, account`
	selectPause  = `SELECT probe FROM {pause} WHERE channel = ? AND account = ? {locked}`
	deletePause  = `DELETE FROM {pause} WHERE channel = ? AND account = ?`
	movePause    = `UPDATE {pause} SET probe = ? WHERE channel = ? AND account = ?`
)

// Pauses implements [notify.PauseStore]. They come by channel and account.
func (s *Store) Pauses(ctx context.Context) ([]notify.Pause, error) {
	var pauses []notify.Pause
	err := s.read(ctx, "pauses", func(ctx context.Context, q querier) error {
		pauses = nil
		return q.query(ctx, selectPauses, func(r row) error {
			var p notify.Pause
			var since, probe, delay int64
			err := r.Scan(&p.Channel, &p.Account, &p.Reason, &since, &probe, &delay)
			p.Since, p.Until, p.Delay = instant(since), instant(probe), time.Duration(delay)*time.Microsecond
			pauses = append(pauses, p)
			return err
		})
	})
	return pauses, err
}

// SetPause implements [notify.PauseStore].
func (s *Store) SetPause(ctx context.Context, p notify.Pause, d time.Duration) error {
	return s.write(ctx, "set pause", func(ctx context.Context, t *tx) (err error) {
		if d <= 0 {
			_, err = t.exec(ctx, deletePause, p.Channel, p.Account)
		} else {
			_, err = t.exec(ctx, s.d.UpsertPause, p.Channel, p.Account, p.Reason, t.now, t.after(d), d.Microseconds())
		}
		return err
	})
}

// Probe implements [notify.PauseStore]. An account that is not paused may be
// tried by everyone.
func (s *Store) Probe(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
	granted := false
	err := s.write(ctx, "probe", func(ctx context.Context, t *tx) error {
		var paused bool
		var until int64
		err := t.query(ctx, selectPause, func(r row) error {
			paused = true
			return r.Scan(&until)
		}, channel, account)
		if err != nil {
			return err
		}
		if granted = until <= t.now; !paused || !granted {
			return nil
		}
		_, err = t.exec(ctx, movePause, t.after(d), channel, account)
		return err
	})
	return granted && err == nil, err
}
