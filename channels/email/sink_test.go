package email

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// relayName is what the certificate of every test relay says.
const relayName = "relay.acme.example"

// certificate makes the relay's key, and the pool that trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: relayName}, DNSNames: []string{relayName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// mailSeen is what a sink accepted.
type mailSeen struct {
	from, to, hello, user string
	encrypted             bool
	data                  string
}

// sink is a real SMTP server that keeps what it accepts.
type sink struct {
	address string
	trust   *x509.CertPool

	mu       sync.Mutex
	mails    []mailSeen
	sessions int
}

func (s *sink) seen() []mailSeen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

func (s *sink) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// newSink serves on loopback until the test ends. With implicit it speaks TLS
// from the first byte.
func newSink(t testing.TB, implicit bool) *sink {
	t.Helper()
	cert, pool := certificate(t)
	s := &sink{trust: pool}
	server := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sessions++
		return &sinkSession{sink: s, conn: conn}, nil
	}))
	server.Domain, server.AllowInsecureAuth = relayName, true
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.ErrorLog = discard{}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.address = listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return s
}

// channel returns a channel to the sink, by the name in its certificate.
func (s *sink) channel(t testing.TB, mode TLSMode, change func(*Options)) *Channel {
	t.Helper()
	return newChannel(t, func(o *Options) {
		o.Relay, o.TLS = s.address, mode
		o.TLSConfig = &tls.Config{RootCAs: s.trust, ServerName: relayName}
		if change != nil {
			change(o)
		}
	})
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

type sinkSession struct {
	sink *sink
	conn *smtp.Conn
	mail mailSeen
	user string
}

func (s *sinkSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *sinkSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "robot" || password != "open-sesame" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: user + " may not use " + password}
		}
		s.user = user
		return nil
	}), nil
}

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	_, encrypted := s.conn.TLSConnectionState()
	s.mail = mailSeen{from: from, hello: s.conn.Hostname(), user: s.user, encrypted: encrypted}
	return nil
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mail.to != "" {
		return errors.New("one recipient a letter is enough")
	}
	s.mail.to = to
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.data = string(data)
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.mails = append(s.sink.mails, s.mail)
	return nil
}

func (s *sinkSession) Reset()        { s.mail = mailSeen{} }
func (s *sinkSession) Logout() error { return nil }
