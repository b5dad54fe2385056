package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifyhttp"
	"github.com/bellwether-go/notify/store/memory"
)

// streaming measures live streams, one for each of 2,000 people, from the Send of
// a pop-up to the last reader who has it. The reference is what one writes by
// hand: a channel for each connection, and a write and a flush for each event,
// of the same bytes that are there already. The readers of both are a process of
// their own.
var streaming = []comparison{
	streamed("live: 100 events back to back to 2,000 streams, events per second", 3, 100, (*streams).turn),
	streamed("live: 8 events back to back to 2,000 streams, events per second", 3, 8, (*streams).turn),
	streamed("live: one event to 2,000 streams, events per second", 1/1.1, 1, (*streams).turn),
	streamed("live: 100 events back to back, per second of CPU time of server and readers", 0, 100, (*streams).frugal),
	streamed("live: 8 events back to back, per second of CPU time of server and readers", 0, 8, (*streams).frugal),
	streamed("live: one event, per second of CPU time of server and readers", 0, 1, (*streams).frugal),
	{name: "live: streams per MiB of memory, against 30 KiB each", goal: 1, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		budget := func(context.Context, time.Duration) (float64, error) { return 1024 / 30.0, nil }
		return budget, memoryOfStreams, func() {}, nil
	}},
}

func streamed(name string, goal float64, burst int, how func(s *streams, burst int) turn) comparison {
	return comparison{name: name, goal: goal, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		ours, err := openOurStreams(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		plain, err := openPlainStreams(ctx)
		if err != nil {
			ours.close()
			return nil, nil, nil, err
		}
		return how(plain, burst), how(ours, burst), func() { plain.close(); ours.close() }, nil
	}}
}

// streams are connections to a server on loopback.
type streams struct {
	server  *httptest.Server
	send    func(ctx context.Context) error // one event to all
	readers *streamReaders
}

func streamCount() int { return max(1, 2000/scale) }

// turn sends bursts until the slice is over; the next begins when all have the
// one before.
func (s *streams) turn(burst int) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		start, sent := time.Now(), 0
		for time.Since(start) < slice {
			for range burst {
				if err := s.send(ctx); err != nil {
					return 0, err
				}
			}
			if err := s.readers.await(burst * streamCount()); err != nil {
				return 0, err
			}
			sent += burst * streamCount()
		}
		return float64(sent) / time.Since(start).Seconds(), nil
	}
}

// frugal is turn by the time that both processes spend on a processor, which
// neighbours disturb less.
func (s *streams) frugal(burst int) turn {
	perSecond := s.turn(burst)
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		before, err := processorTime()
		if err != nil {
			return 0, err
		}
		start, theirs := time.Now(), s.readers.spent
		rate, err := perSecond(ctx, slice)
		if err != nil {
			return 0, err
		}
		sent := rate * time.Since(start).Seconds()
		after, err := processorTime()
		return sent / (after - before + s.readers.spent - theirs).Seconds(), err
	}
}

// connect opens a stream for each recipient.
func (s *streams) connect(ctx context.Context) (err error) {
	s.readers, err = startStreamReaders(ctx, s.server.Listener.Addr().String(), streamCount())
	return err
}

func (s *streams) close() {
	if s.readers != nil {
		_ = s.readers.stop()
	}
	s.server.Close()
}

func openOurStreams(ctx context.Context) (*streams, error) {
	center, err := notify.New(memory.New(nil), &notify.Options{Providers: notify.Providers{{ID: "billing", Title: "Billing"}}})
	if err != nil {
		return nil, err
	}
	who := func(r *http.Request) (notify.Recipient, error) { return notify.User(r.Header.Get("X-User")), nil }
	var all []notify.Recipient
	for i := range streamCount() {
		all = append(all, notify.User(fmt.Sprintf("%04d", i))) // in order, as a database gives them
	}
	s := &streams{server: httptest.NewServer(notifyhttp.Handler(center, who, nil))}
	s.send = func(ctx context.Context) error {
		_, err := center.Send(ctx, notify.Notification{Provider: "billing", To: all, Title: title, Body: body, Transient: true})
		return err
	}
	if err := s.connect(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// openPlainStreams is the code that one would write by hand.
func openPlainStreams(ctx context.Context) (*streams, error) {
	event, err := oneEvent(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	readers := map[chan []byte]bool{}
	s := &streams{send: func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		for reader := range readers {
			reader <- event
		}
		return nil
	}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		events := make(chan []byte, 16)
		events <- event // hello
		mu.Lock()
		readers[events] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			delete(readers, events)
		}()
		w.Header().Set("Content-Type", "text/event-stream")
		control := http.NewResponseController(w)
		for {
			select {
			case <-r.Context().Done():
				return
			case event := <-events:
				if _, err := w.Write(event); err != nil || control.Flush() != nil {
					return
				}
			}
		}
	}))
	if err := s.connect(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// oneEvent is an event as the library writes it.
func oneEvent(ctx context.Context) ([]byte, error) {
	ours, err := openOurStreams(ctx)
	if err != nil {
		return nil, err
	}
	defer ours.close()
	request, err := http.NewRequestWithContext(ctx, "GET", ours.server.URL+"/notify/api/v1/stream", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-User", "0000")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	var event []byte
	for sent := false; ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, errors.Join(err, io.ErrUnexpectedEOF)
		}
		event = append(event, line...)
		switch {
		case len(line) > 1:
		case sent && bytes.HasPrefix(event, []byte("event: transient")):
			return event, nil
		default:
			greeted := bytes.HasPrefix(event, []byte("event: hello"))
			event = nil
			if greeted && !sent {
				sent = true
				if err := ours.send(ctx); err != nil {
					return nil, err
				}
			}
		}
	}
}

// memoryOfStreams opens streams and tells how many fit into a MiB: heap and
// stacks of server and center.
func memoryOfStreams(ctx context.Context, _ time.Duration) (float64, error) {
	before := memoryInUse()
	s, err := openOurStreams(ctx)
	if err != nil {
		return 0, err
	}
	defer s.close()
	if err := s.send(ctx); err != nil {
		return 0, err
	}
	if err := s.readers.await(streamCount()); err != nil {
		return 0, err
	}
	each := (memoryInUse() - before) / float64(streamCount())
	return (1 << 20) / max(each, 1), nil
}

func memoryInUse() float64 {
	runtime.GC()
	runtime.GC() // what finalizers held is gone now
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
