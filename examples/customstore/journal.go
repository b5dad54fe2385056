package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// Journal is a durable store for one process. Every call that changes something
// is a line of a file, on the disk before it is carried out; the state is a
// memory store, which Open builds anew by repeating the calls. That works
// because the memory store is deterministic: the same calls at the same
// instants lead to the same state.
//
// Calls that fail or change nothing are lines too, for that is known only
// afterwards. They do no harm: what failed fails again. The exception is a
// Claim when nothing is due, which each idle Run makes every second.
//
// Reading goes to the embedded store. It is an interface, so that the Journal
// has no method by which a change could get around the file; for the same
// reason there is no Unwrap. The optional role of a Pruner is offered: it keeps
// the memory small, not the file. That of an Eraser is not, because a file that
// only grows cannot forget a person.
type Journal struct {
	notify.Store // for reading

	mu     sync.Mutex // one change at a time: the file has the order of the state
	memory *memory.Store
	file   *os.File
	broken error
	clock  clock
}

// clock stands still while a change is carried out or repeated.
type clock struct {
	now    func() time.Time
	pinned atomic.Pointer[time.Time]
}

func (c *clock) Now() time.Time {
	if at := c.pinned.Load(); at != nil {
		return *at
	}
	return c.now()
}

// line is a call in the journal: the method and its arguments but the context.
type line struct {
	At   time.Time         `json:"at"`
	Call string            `json:"call"`
	Args []json.RawMessage `json:"args"`
}

// Open opens the journal in a file, which it creates if need be. Only one
// process may have it open. A nil now is the clock of the process.
func Open(path string, now func() time.Time) (*Journal, error) {
	if now == nil {
		now = time.Now
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("customstore: %w", err)
	}
	j := &Journal{file: file, clock: clock{now: now}}
	j.memory = memory.New(&memory.Options{Now: j.clock.Now})
	j.Store = j.memory
	if err := errors.Join(j.restore(), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(fmt.Errorf("customstore: open: %w", err), file.Close())
	}
	return j, nil
}

// syncFolder makes sure that a file that was created is found again.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Close closes the file. Changes fail from then on.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = os.ErrClosed
	return j.file.Close()
}

// restore repeats what the file says and cuts off what a crash left of a last
// line: nobody was told that it was stored.
func (j *Journal) restore() error {
	defer j.clock.pinned.Store(nil)
	r := bufio.NewReader(j.file)
	end := int64(0)
	for n := 1; ; n++ {
		text, err := r.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := j.repeat(text); err != nil {
			if _, more := r.Peek(1); more == io.EOF && !json.Valid(text) {
				break
			}
			return fmt.Errorf("line %d: %w", n, err)
		}
		end += int64(len(text))
	}
	if err := j.file.Truncate(end); err != nil {
		return err
	}
	_, err := j.file.Seek(end, io.SeekStart)
	return err
}

// repeat carries out a line of the journal. If the call failed then, it fails
// now, and this is no error of the journal.
func (j *Journal) repeat(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	method := reflect.ValueOf(repetition{j.memory}).MethodByName(l.Call)
	if !method.IsValid() || method.Type().NumIn() != 1+len(l.Args) {
		return fmt.Errorf("unknown call %q", l.Call)
	}
	args := []reflect.Value{reflect.ValueOf(context.Background())}
	for i, encoded := range l.Args {
		arg := reflect.New(method.Type().In(i + 1))
		if err := json.Unmarshal(encoded, arg.Interface()); err != nil {
			return err
		}
		args = append(args, arg.Elem())
	}
	j.clock.pinned.Store(&l.At)
	method.Call(args)
	return nil
}

// change writes a call down and carries it out. From then on the caller's
// context cannot stop it, for a repetition would not know of that.
func change[R any](ctx context.Context, j *Journal, call string, do func(context.Context) (R, error), args ...any) (result R, err error) {
	if err := ctx.Err(); err != nil {
		return result, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.clock.now().UTC().Truncate(time.Microsecond)
	j.clock.pinned.Store(&at)
	defer j.clock.pinned.Store(nil)
	if call == "Claim" && j.idle(ctx) {
		return result, nil
	}
	if err := j.write(at, call, args); err != nil {
		return result, err
	}
	return do(context.WithoutCancel(ctx))
}

// write puts a call into the file and returns when it is on the disk. After a
// failure nobody knows what the file holds: the journal stops.
func (j *Journal) write(at time.Time, call string, args []any) error {
	if j.broken != nil {
		return fmt.Errorf("customstore: the journal has stopped: %w", j.broken)
	}
	l := line{At: at, Call: call}
	for _, arg := range args {
		encoded, err := json.Marshal(arg)
		if err != nil {
			return fmt.Errorf("customstore: %s: %w", call, err)
		}
		l.Args = append(l.Args, encoded)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("customstore: %s: %w", call, err)
	}
	if _, err = j.file.Write(append(text, '\n')); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = err
		return fmt.Errorf("customstore: write: %w", err)
	}
	return nil
}

// idle reports whether a Claim would find nothing at all.
func (j *Journal) idle(ctx context.Context) bool {
	stats, err := j.memory.Stats(ctx)
	return err == nil && !slices.ContainsFunc(stats.Queues, func(q notify.QueueStats) bool { return q.Due > 0 })
}
