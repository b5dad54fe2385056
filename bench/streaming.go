package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifyhttp"
	"github.com/bellwether-go/notify/store/memory"
)

// streaming measures live streams, one for each of 2,000 people, from the Send of
// a pop-up to the last reader who has it. The reference is what one writes by
// hand: a channel for each connection, and a write and a flush for each event,
// of the same bytes that are there already.
var streaming = []comparison{
	streamed("live: 8 events back to back to 2,000 streams, events per second", 3, 8),
	streamed("live: one event to 2,000 streams, events per second", 1/1.1, 1),
	{name: "live: streams per MiB of memory, against 30 KiB each", goal: 1, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		budget := func(context.Context, time.Duration) (float64, error) { return 1024 / 30.0, nil }
		return budget, memoryOfStreams, func() {}, nil
	}},
}

func streamed(name string, goal float64, burst int) comparison {
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
		return plain.turn(burst), ours.turn(burst), func() { plain.close(); ours.close() }, nil
	}}
}

// streams are connections to a server on loopback, whose readers count events.
type streams struct {
	server  *httptest.Server
	send    func(ctx context.Context) error // one event to all
	readers sync.WaitGroup
	conns   []net.Conn
	got     atomic.Int64
}

func streamCount() int { return max(1, 2000/scale) }

// turn sends bursts until the slice is over; the next begins when all have the
// one before.
func (s *streams) turn(burst int) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		start, sent := time.Now(), 0
		for time.Since(start) < slice {
			before := s.got.Load()
			for range burst {
				if err := s.send(ctx); err != nil {
					return 0, err
				}
			}
			if err := s.await(before + int64(burst*len(s.conns))); err != nil {
				return 0, err
			}
			sent += burst * len(s.conns)
		}
		return float64(sent) / time.Since(start).Seconds(), nil
	}
}

func (s *streams) await(events int64) error {
	for deadline := time.Now().Add(time.Minute); s.got.Load() < events; {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d events came of %d", s.got.Load(), events)
		}
		time.Sleep(50 * time.Microsecond)
	}
	return nil
}

// connect opens a stream for each recipient.
func (s *streams) connect() error {
	for i := range streamCount() {
		conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			return err
		}
		s.conns = append(s.conns, conn)
		if _, err := fmt.Fprintf(conn, "GET /notify/api/v1/stream HTTP/1.1\r\nHost: bench\r\nX-User: %d\r\n\r\n", i); err != nil {
			return err
		}
		s.readers.Go(func() { s.read(conn) })
	}
	return s.await(int64(len(s.conns))) // each says hello
}

// read counts what ends like an event: only JSON does, no comment and no head.
func (s *streams) read(conn net.Conn) {
	end := []byte("}\n\n")
	kept := 0
	buffer := make([]byte, 2048)
	for {
		n, err := conn.Read(buffer[kept:])
		if err != nil {
			return
		}
		text := buffer[:kept+n]
		s.got.Add(int64(bytes.Count(text, end)))
		if bytes.HasSuffix(text, end) {
			kept = 0
			continue
		}
		kept = copy(buffer, text[max(0, len(text)-2):])
	}
}

func (s *streams) close() {
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.readers.Wait()
	s.server.Close()
}

func openOurStreams(context.Context) (*streams, error) {
	center, err := notify.New(memory.New(nil), &notify.Options{Providers: notify.Providers{{ID: "billing", Title: "Billing"}}})
	if err != nil {
		return nil, err
	}
	who := func(r *http.Request) (notify.Recipient, error) { return notify.User(r.Header.Get("X-User")), nil }
	var all []notify.Recipient
	for i := range streamCount() {
		all = append(all, notify.User(fmt.Sprint(i)))
	}
	s := &streams{server: httptest.NewServer(notifyhttp.Handler(center, who, nil))}
	s.send = func(ctx context.Context) error {
		_, err := center.Send(ctx, notify.Notification{Provider: "billing", To: all, Title: title, Body: body, Transient: true})
		return err
	}
	if err := s.connect(); err != nil {
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
	if err := s.connect(); err != nil {
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
	request.Header.Set("X-User", "0")
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
// stacks of server, center and of the clients, which are in the same process.
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
	if err := s.await(int64(2 * len(s.conns))); err != nil {
		return 0, err
	}
	each := (memoryInUse() - before) / float64(len(s.conns))
	return (1 << 20) / max(each, 1), nil
}

func memoryInUse() float64 {
	runtime.GC()
	runtime.GC() // what finalizers held is gone now
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
