package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// asMailServer in the environment makes this program one; its value is the
// latency of every answer.
const asMailServer = "NOTIFY_BENCH_MAIL_SERVER"

// mailServer is the mail server in its process.
type mailServer struct {
	address string
	stop    func() error
}

// startMailServer starts this program once more, as a mail server.
func startMailServer(ctx context.Context, latency time.Duration) (*mailServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self)
	command.Env = append(os.Environ(), asMailServer+"="+latency.String())
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &mailServer{stop: func() error { return errors.Join(in.Close(), command.Wait()) }}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

// serveMail is the mail server until its input ends, if this process is to be
// one. It accepts everything and keeps nothing.
func serveMail() bool {
	latency, err := time.ParseDuration(os.Getenv(asMailServer))
	if err != nil {
		return false
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true
	}
	fmt.Println(listener.Addr())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go takeMail(conn, latency)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return true
}

// takeMail answers as a server that pipelines: what arrived together is
// answered together.
func takeMail(conn net.Conn, latency time.Duration) {
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 32<<10), bufio.NewWriter(conn)
	out.WriteString("220 sink ESMTP\r\n")
	for {
		if in.Buffered() == 0 {
			time.Sleep(latency)
			if out.Flush() != nil {
				return
			}
		}
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("EHLO")):
			out.WriteString("250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
		case bytes.HasPrefix(line, []byte("DATA")):
			out.WriteString("354 go on\r\n")
			time.Sleep(latency)
			if out.Flush() != nil {
				return
			}
			for !bytes.Equal(line, []byte(".\r\n")) {
				if line, err = in.ReadSlice('\n'); err != nil {
					return
				}
			}
			out.WriteString("250 2.0.0 accepted\r\n")
		default:
			out.WriteString("250 2.0.0 ok\r\n")
		}
	}
}
