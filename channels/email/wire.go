package email

import (
	"errors"
	"net"
	"time"
)

// maxReplies bounds what a relay may say during one step of opening a session
// or during one letter, in bytes.
const maxReplies = 64 << 10

var errTooMuch = errors.New("the relay says too much")

// wire is a connection as the SMTP client sees it: what the peer may send is
// bounded, and so is the time that a write may take, which the client leaves
// open while it writes the message.
type wire struct {
	net.Conn
	timeout time.Duration
	budget  int
	replay  []byte // read before anything from the connection
	wrote   bool
	broken  bool // a write failed
}

func (w *wire) Read(b []byte) (int, error) {
	if len(w.replay) > 0 {
		n := copy(b, w.replay)
		w.replay = w.replay[n:]
		return n, nil
	}
	if w.budget <= 0 {
		return 0, errTooMuch
	}
	n, err := w.Conn.Read(b[:min(len(b), w.budget)])
	w.budget -= n
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	w.wrote = true
	if err := w.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(b)
	w.broken = w.broken || err != nil
	return n, err
}
