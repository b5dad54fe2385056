package mail_test

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sink is a relay that keeps what it accepts and can tell, byte by byte, how
// much it was sent.
type sink struct {
	address string
	heard   func(bytes int) // called for what arrives, if it is not nil

	mu       sync.Mutex
	accepted map[string][]string // letters by Message-ID
}

func newSink(t *testing.T, heard func(int)) *sink {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &sink{address: listener.Addr().String(), heard: heard, accepted: make(map[string][]string)}
	var serving sync.WaitGroup
	var open sync.Map
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Store(conn, true)
			serving.Go(func() {
				s.serve(conn)
				conn.Close()
				open.Delete(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		open.Range(func(conn, _ any) bool {
			conn.(net.Conn).Close()
			return true
		})
		serving.Wait()
	})
	return s
}

// Read counts what a connection brings.
type counted struct {
	io.Reader
	heard func(int)
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b[:min(len(b), 512)]) // in steps, so that it can end within a letter
	if c.heard != nil {
		c.heard(n)
	}
	return n, err
}

func (s *sink) serve(conn net.Conn) {
	in := bufio.NewReader(counted{conn, s.heard})
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 sink ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "EHLO":
			say("250-sink\r\n250 PIPELINING")
		case "DATA":
			say("354 go on")
			letter, whole := readLetter(in)
			if !whole {
				return
			}
			s.accept(letter)
			say("250 2.0.0 accepted")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func readLetter(in *bufio.Reader) (letter string, whole bool) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", false
		}
		if line == ".\r\n" {
			return b.String(), true
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (s *sink) accept(letter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := messageID(letter)
	s.accepted[id] = append(s.accepted[id], letter)
}

// letters returns what was accepted under an id.
func (s *sink) letters(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted[id])
}

func messageID(letter string) string {
	_, rest, _ := strings.Cut(letter, "\r\nMessage-ID: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}
