package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
)

var (
	errLate        = errors.New("no answer in time")
	errLookup      = errors.New("the name could not be looked up")
	errCertificate = errors.New("the certificate is not trusted")
	errTLS         = errors.New("no TLS connection")
	errGoAway      = errors.New("the peer closed the connection by GOAWAY")
	errStream      = errors.New("the peer reset the stream")
	errConnection  = errors.New("the connection failed")
)

// reason replaces an error of the network by one that names no host, address
// or port, and that repeats nothing of what the peer said.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if known, ok := errors.AsType[Plain](err); ok {
		return known
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return errLookup
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errCertificate
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return errTLS
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return errTLS
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return os.ErrDeadlineExceeded
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case strings.Contains(err.Error(), "GOAWAY"):
		return errGoAway // the error of net/http has no type, and repeats the peer's words
	case strings.Contains(err.Error(), "stream error"):
		return errStream
	}
	return errConnection
}

// Plain is an error that may be shown as it is: what refuses to connect
// implements it to tell why.
type Plain interface {
	error
	Plain()
}
