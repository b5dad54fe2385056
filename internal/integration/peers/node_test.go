// Package peers tests the channels against implementations of others.
package peers

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is a program on Node.js, which one talks to in lines of JSON.
type program struct {
	t      testing.TB
	in     io.WriteCloser
	out    *bufio.Scanner
	errors bytes.Buffer
}

// node starts a program of this folder, which ends with the test.
func node(t testing.TB, file string) *program {
	t.Helper()
	if _, err := os.Stat("node_modules"); err != nil {
		t.Fatal("the packages that this tests against are missing: run make peers, or make test, which does")
	}
	cmd := exec.CommandContext(t.Context(), "node", file)
	p := &program{t: t}
	cmd.Stderr = &p.errors
	var err error
	p.in, err = cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<20)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = p.in.Close()
		_ = cmd.Wait()
	})
	return p
}

// say writes a line to the program.
func (p *program) say(line any) {
	p.t.Helper()
	require.NoError(p.t, json.NewEncoder(p.in).Encode(line))
}

// hear reads a line of the program.
func (p *program) hear(line any) {
	p.t.Helper()
	require.True(p.t, p.out.Scan(), "node: %s", &p.errors)
	require.NoError(p.t, json.Unmarshal(p.out.Bytes(), line), "%s", p.out.Bytes())
}

// identity is a certificate for this machine that is its own authority, and its
// key, both in PEM.
func identity(t testing.TB) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), roots
}
