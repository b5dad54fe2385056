package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/internal/integration/servers"
)

// relayName is what the certificate of the relay says.
const relayName = "relay.test"

// postfix is Debian's mail server with a configuration, a queue and mailboxes of
// its own, on a free port of the loopback.
type postfix struct {
	folder  string
	address string
	trust   *x509.CertPool
}

// startPostfix needs root: its parts run as different users.
func startPostfix(t *testing.T) *postfix {
	t.Helper()
	program, err := servers.Program(t.Context(), "/usr/sbin/postfix", "postfix")
	require.NoError(t, err)
	require.Zero(t, os.Geteuid(), "Postfix can only be started by root: run these tests as root")

	folder, err := os.MkdirTemp("", "notify-postfix-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o755)) // its users have to come through
	p := &postfix{folder: folder, address: freeAddress(t)}
	p.configure(t)

	configuration := filepath.Join(folder, "etc")
	out, err := exec.Command(program, "-c", configuration, "check").CombinedOutput() // makes its queue
	require.NoError(t, err, string(out))
	// Not by "postfix start", whose daemon would stay behind if we are killed.
	cmd := exec.Command("/usr/lib/postfix/sbin/master", "-c", configuration, "-s")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			return false
		}
		defer conn.Close()
		greeting, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			return false
		}
		_, err = io.WriteString(conn, "QUIT\r\n")
		return err == nil && strings.HasPrefix(greeting, "220 ")
	}, 2*time.Minute, 20*time.Millisecond, "%s", p.log())
	return p
}

// configure writes what Postfix reads. The maps say what happens to whom.
func (p *postfix) configure(t *testing.T) {
	write := func(name, text string) {
		path := filepath.Join(p.folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	owner, err := user.Lookup("postfix")
	require.NoError(t, err)
	for _, name := range []string{"queue", "data", "mail"} {
		require.NoError(t, os.Mkdir(filepath.Join(p.folder, name), 0o755))
	}
	for _, name := range []string{"data", "mail"} {
		require.NoError(t, exec.Command("chown", "postfix", filepath.Join(p.folder, name)).Run())
	}
	p.certify(t, write)
	write("etc/people", "ann@customer.example ann/\nlater@customer.example later/\nfull@customer.example full/\n"+
		"bye@customer.example bye/\ndata@customer.example data/\n")
	write("etc/recipients", "later@customer.example 451 4.7.1 greylisted\nfull@customer.example 452 4.2.2 mailbox full\n"+
		"bye@customer.example 421 4.7.0 too much from you\n")
	write("etc/data", "data@customer.example 450 4.7.1 not now\n")
	write("etc/senders", "bad@acme.example 550 5.1.8 no such sender\n")
	write("etc/contents", "/^Subject:.*Forbidden/ REJECT 5.7.1 we do not like it\n")
	write("etc/main.cf", fmt.Sprintf(`
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = %[2]s
mydestination =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
alias_maps =
smtpd_tls_security_level = may
smtpd_tls_chain_files = %[1]s/etc/key.pem, %[1]s/etc/cert.pem
smtpd_relay_restrictions = reject_unauth_destination
smtpd_sender_restrictions = check_sender_access texthash:%[1]s/etc/senders
smtpd_recipient_restrictions = check_recipient_access texthash:%[1]s/etc/recipients
smtpd_data_restrictions = check_recipient_access texthash:%[1]s/etc/data
header_checks = regexp:%[1]s/etc/contents
message_size_limit = 12000
virtual_mailbox_limit = 0
virtual_mailbox_domains = customer.example, xn--bcher-kva.example
virtual_mailbox_maps = texthash:%[1]s/etc/people
virtual_mailbox_base = %[1]s/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:%[3]s
virtual_gid_maps = static:%[4]s
`, p.folder, relayName, owner.Uid, owner.Gid))
	write("etc/master.cf", p.address+` inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
error     unix  - - n - - error
virtual   unix  - n n - - virtual
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
`)
}

// certify makes the relay's key and certificate.
func (p *postfix) certify(t *testing.T, write func(name, text string)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: relayName}, DNSNames: []string{relayName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write("etc/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	write("etc/cert.pem", string(certificate))
	p.trust = x509.NewCertPool()
	require.True(t, p.trust.AppendCertsFromPEM(certificate))
}

// channel sends through this relay, encrypted.
func (p *postfix) channel(t *testing.T, change func(*email.Options)) *email.Channel {
	t.Helper()
	o := email.Options{
		Relay: p.address, From: `"Acme, Inc." <no-reply@acme.example>`, TLS: email.StartTLS,
		TLSConfig: &tls.Config{RootCAs: p.trust, ServerName: relayName},
	}
	if change != nil {
		change(&o)
	}
	c, err := email.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// log is what Postfix wrote down.
func (p *postfix) log() string {
	text, _ := os.ReadFile(filepath.Join(p.folder, "log"))
	return string(text)
}

// mailbox waits until somebody has so many letters, and returns them.
func (p *postfix) mailbox(t *testing.T, who string, count int) []string {
	t.Helper()
	var files []string
	require.Eventually(t, func() bool {
		files, _ = filepath.Glob(filepath.Join(p.folder, "mail", who, "new", "*"))
		return len(files) >= count
	}, 2*time.Minute, 20*time.Millisecond, "%s has not got %d letters:\n%s", who, count, p.log())
	var letters []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		letters = append(letters, string(text))
	}
	return letters
}

func freeAddress(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
