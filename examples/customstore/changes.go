package main

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

var (
	_ notify.Store  = (*Journal)(nil)
	_ notify.Pruner = (*Journal)(nil)
)

// The methods that change something: each is a call of the same name.

// Withdraw implements [notify.Store].
func (j *Journal) Withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	return change(ctx, j, "Withdraw", func(ctx context.Context) ([]notify.ID, error) { return j.memory.Withdraw(ctx, w) }, w)
}

// Mark implements [notify.Store].
func (j *Journal) Mark(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
	return change(ctx, j, "Mark", func(ctx context.Context) (int, error) { return j.memory.Mark(ctx, r, m) }, r, m)
}

// SaveProfile implements [notify.Store].
func (j *Journal) SaveProfile(ctx context.Context, r notify.Recipient, p notify.Profile) error {
	return changeOnly(ctx, j, "SaveProfile", func(ctx context.Context) error { return j.memory.SaveProfile(ctx, r, p) }, r, p)
}

// Unregister implements [notify.Store].
func (j *Journal) Unregister(ctx context.Context, r notify.Recipient, id notify.ID) error {
	return changeOnly(ctx, j, "Unregister", func(ctx context.Context) error { return j.memory.Unregister(ctx, r, id) }, r, id)
}

// Suppress implements [notify.Store].
func (j *Journal) Suppress(ctx context.Context, s notify.Suppression) error {
	return changeOnly(ctx, j, "Suppress", func(ctx context.Context) error { return j.memory.Suppress(ctx, s) }, s)
}

// Unsuppress implements [notify.Store].
func (j *Journal) Unsuppress(ctx context.Context, tenant, channel, address string) error {
	return changeOnly(ctx, j, "Unsuppress", func(ctx context.Context) error { return j.memory.Unsuppress(ctx, tenant, channel, address) }, tenant, channel, address)
}

// Claim implements [notify.Store].
func (j *Journal) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	return change(ctx, j, "Claim", func(ctx context.Context) ([]notify.Task, error) { return j.memory.Claim(ctx, c) }, c)
}

// Renew implements [notify.Store].
func (j *Journal) Renew(ctx context.Context, held []notify.Lease, lease time.Duration) ([]notify.ID, error) {
	return change(ctx, j, "Renew", func(ctx context.Context) ([]notify.ID, error) { return j.memory.Renew(ctx, held, lease) }, held, lease)
}

// Settle implements [notify.Store].
func (j *Journal) Settle(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
	return change(ctx, j, "Settle", func(ctx context.Context) ([]notify.ID, error) { return j.memory.Settle(ctx, outcomes) }, outcomes)
}

// FanOut implements [notify.Store].
func (j *Journal) FanOut(ctx context.Context, c notify.Chunk) (at time.Time, withdrawn bool, err error) {
	err = changeOnly(ctx, j, "FanOut", func(ctx context.Context) (err error) {
		at, withdrawn, err = j.memory.FanOut(ctx, c)
		return err
	}, c)
	return at, withdrawn, err
}

// Sweep implements [notify.Store].
func (j *Journal) Sweep(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
	return change(ctx, j, "Sweep", func(ctx context.Context) ([]notify.Recipient, error) { return j.memory.Sweep(ctx, id, limit) }, id, limit)
}

// OpenDigests implements [notify.Store].
func (j *Journal) OpenDigests(ctx context.Context, openings []notify.Opening) error {
	return changeOnly(ctx, j, "OpenDigests", func(ctx context.Context) error { return j.memory.OpenDigests(ctx, openings) }, openings)
}

// SetPause implements [notify.Store].
func (j *Journal) SetPause(ctx context.Context, p notify.Pause, d time.Duration) error {
	return changeOnly(ctx, j, "SetPause", func(ctx context.Context) error { return j.memory.SetPause(ctx, p, d) }, p, d)
}

// Probe implements [notify.Store].
func (j *Journal) Probe(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
	return change(ctx, j, "Probe", func(ctx context.Context) (bool, error) { return j.memory.Probe(ctx, channel, account, d) }, channel, account, d)
}

// Redeliver implements [notify.Store].
func (j *Journal) Redeliver(ctx context.Context, ids []notify.ID) (int, error) {
	return change(ctx, j, "Redeliver", func(ctx context.Context) (int, error) { return j.memory.Redeliver(ctx, ids) }, ids)
}

// Prune implements [notify.Pruner].
func (j *Journal) Prune(ctx context.Context, p notify.Prune, limit int) (int, error) {
	return change(ctx, j, "Prune", func(ctx context.Context) (int, error) { return j.memory.Prune(ctx, p, limit) }, p, limit)
}

// changeOnly is change for a call that returns nothing but an error.
func changeOnly(ctx context.Context, j *Journal, call string, do func(context.Context) error, args ...any) error {
	_, err := change(ctx, j, call, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) }, args...)
	return err
}
