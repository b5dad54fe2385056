package email

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script says how a peer answers each verb; "MAIL 2" is the second MAIL of a
// connection. What it does not say is answered as a friendly relay would. The
// entry "offers" is one more extension to announce.
type script map[string]string

// pipelining makes a peer announce it.
func (s script) pipelining() script {
	more := maps.Clone(s)
	more["offers"] = "PIPELINING"
	return more
}

// What a peer can do instead of answering.
const (
	silent = "<silent>" // reads on but says nothing
	drop   = "<drop>"   // closes the connection
	drip   = "<drip>"   // never finishes the line
	flood  = "<flood>"  // never finishes the answer
)

// peer is a raw server that misbehaves as told.
type peer struct {
	address string
	scripts []script // one for each connection; the last for all that follow

	mu        sync.Mutex
	accepted  []string
	truncated int
	commands  []string
	opened    int
}

func newPeer(t testing.TB, scripts ...script) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &peer{address: listener.Addr().String(), scripts: scripts}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			serving.Go(func() {
				defer conn.Close()
				p.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return p
}

func (p *peer) log() (accepted []string, truncated int, commands []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.accepted), p.truncated, slices.Clone(p.commands)
}

func (p *peer) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

func (p *peer) serve(conn net.Conn) {
	p.mu.Lock()
	s := p.scripts[min(p.opened, len(p.scripts)-1)]
	p.opened++
	p.mu.Unlock()

	in := bufio.NewReader(conn)
	times := make(map[string]int)
	answer := func(verb, friendly string) (string, bool) {
		times[verb]++
		reply, ok := s[fmt.Sprintf("%s %d", verb, times[verb])]
		if !ok {
			if reply, ok = s[verb]; !ok {
				reply = friendly
			}
		}
		return reply, say(conn, reply)
	}
	if _, ok := answer("greeting", "220 relay ESMTP"); !ok {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.mu.Lock()
		p.commands = append(p.commands, line)
		p.mu.Unlock()
		verb, _, _ := strings.Cut(line, " ")
		offered := ""
		if s["offers"] != "" {
			offered = "250-" + s["offers"] + "\r\n"
		}
		friendly := map[string]string{
			"EHLO": "250-relay\r\n" + offered + "250-SIZE 1000000\r\n250-AUTH PLAIN\r\n250 ENHANCEDSTATUSCODES", "AUTH": "235 2.7.0 ok", "DATA": "354 go on", "QUIT": "221 bye",
		}[verb]
		if friendly == "" {
			friendly = "250 2.0.0 ok"
		}
		reply, ok := answer(verb, friendly)
		if !ok || verb == "QUIT" {
			return
		}
		if verb == "DATA" && strings.HasPrefix(reply, "354") {
			message, whole := readMessage(in)
			p.mu.Lock()
			if whole {
				p.accepted = append(p.accepted, message)
			} else if message != "" {
				p.truncated++
			}
			p.mu.Unlock()
			if _, ok := answer(".", "250 2.0.0 queued"); !whole || !ok {
				return
			}
		}
	}
}

// readMessage reads up to the final dot, and whether there was one.
func readMessage(in *bufio.Reader) (string, bool) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return b.String(), false
		}
		if line == ".\r\n" {
			return b.String(), true
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

// say writes a reply, or does what it stands for; false ends the connection.
func say(conn net.Conn, reply string) bool {
	switch reply {
	case silent:
		_, _ = io.Copy(io.Discard, conn)
		return false
	case drop:
		return false
	case drip:
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			<-tick.C
			if _, err := conn.Write([]byte("2")); err != nil {
				return false
			}
		}
	case flood:
		for {
			if _, err := conn.Write([]byte("250-and another thing\r\n")); err != nil {
				return false
			}
		}
	}
	_, err := conn.Write([]byte(reply + "\r\n"))
	return err == nil
}
