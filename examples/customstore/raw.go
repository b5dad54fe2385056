package main

import (
	"context"
	"slices"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// The JSON of the library's own types serves the journal, with one exception:
// the encoder rewrites raw messages, and they must be kept byte for byte. The
// two calls that have them write them down apart, as base64.

// Accept implements [notify.Store].
func (j *Journal) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	bare, data := slices.Clone(batch), make([][]byte, len(batch))
	for i := range bare {
		data[i], bare[i].Notification.Data = bare[i].Notification.Data, nil
	}
	return change(ctx, j, "Accept", func(ctx context.Context) ([]notify.Receipt, error) { return j.memory.Accept(ctx, batch) }, bare, data)
}

// Register implements [notify.Store].
func (j *Journal) Register(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
	bare := reg
	bare.Address.Meta = nil
	return change(ctx, j, "Register", func(ctx context.Context) (notify.Registration, error) { return j.memory.Register(ctx, reg, limit) }, bare, limit, []byte(reg.Address.Meta))
}

// repetition has the methods that the lines of a journal name, with their
// arguments: those of the store but for two.
type repetition struct{ *memory.Store }

// Accept puts the raw messages back and carries out a call of Accept.
func (r repetition) Accept(ctx context.Context, batch []notify.Acceptance, data [][]byte) ([]notify.Receipt, error) {
	for i := range data {
		batch[i].Notification.Data = data[i]
	}
	return r.Store.Accept(ctx, batch)
}

// Register puts the raw message back and carries out a call of Register.
func (r repetition) Register(ctx context.Context, reg notify.Registration, limit int, meta []byte) (notify.Registration, error) {
	reg.Address.Meta = meta
	return r.Store.Register(ctx, reg, limit)
}
