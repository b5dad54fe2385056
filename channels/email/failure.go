package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/bellwether-go/notify"
)

// stage is how far the conversation had come.
type stage string

const (
	stageConnect   stage = "connect"
	stageGreeting  stage = "greeting"
	stageHello     stage = "hello"
	stageStartTLS  stage = "starttls"
	stageHandshake stage = "tls"
	stageAuth      stage = "auth"
	stageMail      stage = "mail"
	stageRcpt      stage = "rcpt"
	stageData      stage = "data"
	stageBody      stage = "body" // the final dot was not written
	stageEnd       stage = "end"  // it was
	stageNoop      stage = "noop"
	stageQuit      stage = "quit"
)

// What stands for errors of the network whose texts name hosts.
var (
	errNoSuchHost = errors.New("lookup of the relay: no such host")
	errLookupLate = errors.New("lookup of the relay: no answer in time")
	errLookup     = errors.New("lookup of the relay: failed")
	errOtherName  = errors.New("the certificate of the relay is for another name")
	errExpired    = errors.New("the certificate of the relay has expired or is not valid yet")
	errUntrusted  = errors.New("the certificate of the relay is not trusted")
)

// fullMailbox is how long a mailbox that is full is left alone.
const fullMailbox = time.Hour

// failure is a step of the conversation that went wrong: by an answer of the
// relay (code), or by the connection or our own rules (cause).
type failure struct {
	stage    stage
	code     int
	enhanced enhanced
	text     string // of the relay, as it came; see explain
	cause    error
	ours     bool // refused by our own rules
	open     bool // the relay may wait for a message: the connection must be cut
}

// fail is a failure of the connection.
func fail(at stage, cause error) *failure { return &failure{stage: at, cause: cause} }

// unwelcome is an answer that was not hoped for.
func unwelcome(at stage, a answer) *failure {
	return &failure{stage: at, code: a.code, enhanced: a.enhanced, text: a.text()}
}

// leave tells whether the relay still listens and may be told QUIT. Inside a
// message QUIT would be a part of it.
func (f *failure) leave() bool { return f.code != 0 && f.code != 421 && !f.open }

// refuse is a failure that only the operator can mend.
func refuse(at stage, cause error) *failure {
	return &failure{stage: at, cause: cause, ours: true}
}

// Error implements error.
func (f *failure) Error() string {
	s := "notify/email: " + string(f.stage)
	if f.code == 0 {
		return s + ": " + reason(f.cause).Error()
	}
	s += fmt.Sprintf(": %03d", f.code)
	if f.enhanced[0] > 0 {
		s += fmt.Sprintf(" %d.%d.%d", f.enhanced[0], f.enhanced[1], f.enhanced[2])
	}
	if f.text != "" {
		s += " " + f.text
	}
	return s
}

// Unwrap returns the cause, if it was none of the relay's answers.
func (f *failure) Unwrap() error {
	if f.cause == nil {
		return nil
	}
	return reason(f.cause)
}

// reason strips what names hosts and ports from an error of the network.
func reason(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	// A lookup that failed tells from where to where it asked.
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case lookup.IsNotFound:
			return errNoSuchHost
		case lookup.IsTimeout:
			return errLookupLate
		}
		return errLookup
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return distrust(untrusted.Err)
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok && operation.Err != nil {
		return operation.Err
	}
	return err
}

// distrust tells why a certificate was refused, without the names in it.
func distrust(err error) error {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return errOtherName
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok && bad.Reason == x509.Expired {
		return errExpired
	}
	return errUntrusted
}

// outcome tells the engine what follows.
func (f *failure) outcome() *notify.DeliveryError {
	class, after := f.class()
	if class == notify.Gone {
		// The text becomes the proof, and a proof is kept.
		f.text = ""
	}
	return &notify.DeliveryError{
		Class: class, RetryAfter: after, Err: f,
		Overloaded: class == notify.Temporary && f.busy(),
		Reached:    class == notify.Temporary && f.mailbox(),
	}
}

func (f *failure) class() (notify.Class, time.Duration) {
	switch {
	case f.code == 0:
		return f.classOfCause(), 0
	case f.stage == stageEnd && f.code/100 != 4 && f.code/100 != 5:
		return notify.Unknown, 0
	case f.full():
		return notify.Temporary, fullMailbox
	case f.code/100 != 5:
		return notify.Temporary, 0
	case f.stage == stageEnd:
		return notify.Permanent, 0
	case f.code == 530, f.code == 534, f.code == 535, f.code == 538:
		return notify.Misconfigured, 0
	case f.stage == stageRcpt && f.deadMailbox():
		return notify.Gone, 0
	case f.stage == stageRcpt && f.badSender():
		return notify.Misconfigured, 0
	case f.stage == stageRcpt, f.stage == stageData, f.tooLarge():
		return notify.Permanent, 0
	}
	return notify.Misconfigured, 0
}

func (f *failure) classOfCause() notify.Class {
	if f.ours {
		return notify.Misconfigured
	}
	if f.stage == stageEnd {
		return notify.Unknown
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](f.cause); ok {
		return notify.Misconfigured
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](f.cause); ok {
		return notify.Misconfigured
	}
	return notify.Temporary
}

// deadMailbox tells the codes of RFC 3463 and RFC 7505 that speak of the
// recipient and of nothing else. A bare 550 is no proof: relays also use it for
// content and for senders that they dislike.
func (f *failure) deadMailbox() bool {
	switch f.enhanced {
	case enhanced{5, 1, 1}, // no such mailbox
		enhanced{5, 1, 2},  // no such system
		enhanced{5, 1, 3},  // bad syntax
		enhanced{5, 1, 6},  // moved away
		enhanced{5, 1, 10}, // the domain takes no mail
		enhanced{5, 2, 1}:  // mailbox disabled
		return true
	}
	return false
}

// badSender tells codes that speak of our own address.
func (f *failure) badSender() bool {
	return f.enhanced == enhanced{5, 1, 7} || f.enhanced == enhanced{5, 1, 8}
}

// full tells a mailbox that is full, which may pass.
func (f *failure) full() bool {
	quota := f.enhanced[1] == 2 && f.enhanced[2] == 2
	return quota || f.stage == stageRcpt && (f.code == 452 || f.code == 552)
}

// busy tells a relay that wants to be left alone altogether.
func (f *failure) busy() bool {
	return f.code == 421 || f.code/100 == 4 && f.enhanced == enhanced{4, 3, 2}
}

// mailbox tells a refusal for now that concerns the recipient, whose mailbox is
// full or whom the relay does not know yet, and not the relay's own state.
func (f *failure) mailbox() bool {
	return f.code != 0 && !f.busy() && (f.full() || f.stage == stageRcpt && f.enhanced[1] != 3)
}

// tooLarge tells a refusal of this letter's size, which says nothing about
// others.
func (f *failure) tooLarge() bool {
	return f.stage == stageMail && (f.code == 552 || f.enhanced == enhanced{5, 3, 4})
}
