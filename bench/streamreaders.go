package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// streamReaders are the clients of live streams in a process of their own, so
// that neither their memory nor their turns of the scheduler are the server's.
type streamReaders struct {
	command *exec.Cmd
	ask     *os.File // how many events are waited for
	answers *bufio.Reader
	due     int64         // events that they have when all has come
	spent   time.Duration // of their processor time, when they answered last
}

// asStreamReaders in the environment makes this program the readers; its value
// is the address of the server and their number.
const asStreamReaders = "NOTIFY_BENCH_STREAM_READERS"

// startStreamReaders starts this program once more, with so many readers of the
// server at the address. Each of them has a first event when it returns.
func startStreamReaders(ctx context.Context, address string, count int) (*streamReaders, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self)
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", asStreamReaders, address, count))
	command.Stderr = os.Stderr
	in, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	command.Stdin = in
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	err = command.Start()
	_ = in.Close()
	if err != nil {
		return nil, errors.Join(err, ask.Close())
	}
	r := &streamReaders{command: command, ask: ask, answers: bufio.NewReader(out)}
	if err := r.await(count); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// await returns when so many events more have come.
func (r *streamReaders) await(events int) error {
	r.due += int64(events)
	if _, err := fmt.Fprintln(r.ask, r.due); err != nil {
		return err
	}
	answer, err := r.answers.ReadString('\n')
	if err == nil {
		r.spent, err = time.ParseDuration(strings.TrimSpace(answer))
	}
	return err
}

// stop ends the readers and closes what they read.
func (r *streamReaders) stop() error { return errors.Join(r.ask.Close(), r.command.Wait()) }

// readStreams is the readers until the input ends, if this process is to be them.
func readStreams() bool {
	var address string
	var count int
	if n, _ := fmt.Sscan(os.Getenv(asStreamReaders), &address, &count); n < 2 {
		return false
	}
	var got atomic.Int64
	more := make(chan struct{}, 1)
	for i := range count {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_, err = fmt.Fprintf(conn, "GET /notify/api/v1/stream HTTP/1.1\r\nHost: bench\r\nX-User: %04d\r\n\r\n", i)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return true
		}
		go readStream(conn, func(events int64) {
			got.Add(events)
			select {
			case more <- struct{}{}:
			default:
			}
		})
	}
	asked := bufio.NewScanner(os.Stdin)
	for asked.Scan() {
		var due int64
		fmt.Sscan(asked.Text(), &due)
		for got.Load() < due {
			<-more
		}
		spent, err := processorTime()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return true
		}
		fmt.Println(spent)
	}
	return true
}

// readStream counts what ends like an event: only JSON does, no comment.
func readStream(conn net.Conn, count func(int64)) {
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return
	}
	defer response.Body.Close()
	end := []byte("}\n\n")
	kept := 0
	buffer := make([]byte, 4096)
	for {
		n, err := response.Body.Read(buffer[kept:])
		if err != nil {
			return
		}
		text := buffer[:kept+n]
		if events := bytes.Count(text, end); events > 0 {
			count(int64(events))
		}
		if bytes.HasSuffix(text, end) {
			kept = 0
			continue
		}
		kept = copy(buffer, text[max(0, len(text)-len(end)+1):])
	}
}
