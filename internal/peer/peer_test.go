package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func post(t *testing.T, ctx context.Context, server *httptest.Server, path string) (Answer, error) {
	t.Helper()
	client := NewClient(server.Client().Transport.(*http.Transport).Clone())
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+path, bytes.NewReader([]byte("body")))
	require.NoError(t, err)
	return Ask(client, request, time.Minute)
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestAsk_readsAnswersWithinBounds(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/small":
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "short and stout")
		case "/huge":
			for range 1 << 10 { // 64 MB, if anybody took it
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		case "/redirect":
			http.Redirect(w, r, "/small", http.StatusTemporaryRedirect)
		}
	})
	answer, err := post(t, t.Context(), server, "/small")
	require.NoError(t, err)
	assert.Equal(t, http.StatusTeapot, answer.Status)
	assert.Equal(t, "short and stout", string(answer.Body))

	answer, err = post(t, t.Context(), server, "/huge")
	require.NoError(t, err)
	assert.Len(t, answer.Body, maxBody)

	answer, err = post(t, t.Context(), server, "/redirect")
	require.NoError(t, err)
	assert.Equal(t, http.StatusTemporaryRedirect, answer.Status, "not followed")
}

// A megabyte of zeros is a kilobyte by gzip, and the header is read before
// anybody sees it.
func TestAsk_inflatesNothingAndBoundsTheHeader(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Asked-For", r.Header.Get("Accept-Encoding"))
		if r.URL.Path == "/header" {
			for i := range 64 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 4<<10))
			}
		}
	})
	answer, err := post(t, t.Context(), server, "/")
	require.NoError(t, err)
	assert.Empty(t, answer.Header.Get("Asked-For"))

	_, err = post(t, t.Context(), server, "/header")
	var silence *Silence
	require.ErrorAs(t, err, &silence)
	assert.True(t, silence.Sent)
}

// endless answers at once, with a body that ends with the request.
type endless struct{}

func (endless) RoundTrip(r *http.Request) (*http.Response, error) {
	body, write := io.Pipe()
	context.AfterFunc(r.Context(), func() { _ = write.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: http.StatusAccepted, Body: body, ContentLength: -1}, nil
}

func TestAsk_doesNotWaitLongForABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://push.example.com/", nil)
		require.NoError(t, err)
		answer, err := Ask(&http.Client{Transport: endless{}}, request, time.Minute)
		require.NoError(t, err)
		assert.Equal(t, http.StatusAccepted, answer.Status)
		assert.Equal(t, bodyWait, time.Since(begun))
	})
}

// afterStatus is told when the status is there and the body is not.
type afterStatus struct {
	http.RoundTripper
	call func()
}

func (a afterStatus) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := a.RoundTripper.RoundTrip(r)
	a.call()
	return response, err
}

func TestAsk_takesAStatusWhoseBodyNeverEnds(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	client := server.Client()
	client.Transport = afterStatus{client.Transport, cancel}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
	require.NoError(t, err)
	answer, err := Ask(client, request, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, http.StatusAccepted, answer.Status)
}

func TestAsk_tellsWhetherTheRequestMayHaveArrived(t *testing.T) {
	silent := make(chan struct{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the attempt was cut short")
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		close(silent)
		<-r.Context().Done()
	})
	go func() {
		<-silent
		cancel(cause)
	}()
	var silence *Silence
	_, err := post(t, ctx, server, "/hang")
	require.ErrorAs(t, err, &silence)
	assert.True(t, silence.Sent)
	require.ErrorIs(t, err, cause)

	_, err = post(t, t.Context(), server, "/abort")
	require.ErrorAs(t, err, &silence)
	assert.True(t, silence.Sent)
	assert.Equal(t, errStream, silence.Cause)

	untrusted := NewClient(&http.Transport{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	require.NoError(t, err)
	_, err = Ask(untrusted, request, time.Minute)
	require.ErrorAs(t, err, &silence)
	assert.False(t, silence.Sent, "no connection, no request")
	assert.Equal(t, errCertificate, silence.Cause)

	server.Close()
	_, err = post(t, t.Context(), server, "/closed")
	require.ErrorAs(t, err, &silence)
	assert.False(t, silence.Sent)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.NotContains(t, err.Error(), "127.0.0.1")
}

// A connection that is kept is there at once, also for a request that is over.
func TestAsk_thatIsTooLateToBeginWasNotSent(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	client := NewClient(server.Client().Transport.(*http.Transport).Clone())
	t.Cleanup(client.CloseIdleConnections)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
	require.NoError(t, err)
	_, err = Ask(client, request, time.Minute)
	require.NoError(t, err)
	cancel()
	_, err = Ask(client, request, time.Minute)
	var silence *Silence
	require.ErrorAs(t, err, &silence)
	assert.False(t, silence.Sent)
}

type refusal struct{}

func (refusal) Error() string { return "not allowed" }
func (refusal) Plain()        {}

func TestReason_namesNoHostAndRepeatsNothing(t *testing.T) {
	const secret = "inside.example"
	for _, c := range []struct {
		err, want error
	}{
		{&net.DNSError{Err: "no such host", Name: secret, Server: "10.0.0.53"}, errLookup},
		{&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, syscall.ECONNREFUSED},
		{&net.OpError{Op: "dial", Err: refusal{}}, refusal{}},
		{fmt.Errorf("%s: %w", secret, tls.RecordHeaderError{Msg: secret}), errTLS},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, errTLS},
		{fmt.Errorf("reading from %s: %w", secret, io.EOF), io.ErrUnexpectedEOF},
		{fmt.Errorf("%s: %w", secret, os.ErrDeadlineExceeded), os.ErrDeadlineExceeded},
		{fmt.Errorf("http2: server sent GOAWAY and closed the connection; debug=%q", secret), errGoAway},
		{fmt.Errorf("stream error: stream ID 3; %s", secret), errStream},
		{errors.New(secret), errConnection},
	} {
		got := reason(t.Context(), &url.Error{Op: "Post", URL: "https://" + secret, Err: c.err})
		assert.Equal(t, c.want, got, "%T", c.err)
		assert.NotContains(t, got.Error(), secret)
	}
}

func TestRetryAfter_readsSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		" 120 ":                          2 * time.Minute,
		"-1":                             0,
		"1.5":                            0,
		"soon":                           0,
		"86401":                          longestWait,
		strings.Repeat("9", 400):         longestWait,
		"Fri, 27 Nov 2026 12:00:30 GMT":  30 * time.Second,
		"Friday, 27-Nov-26 12:00:30 GMT": 30 * time.Second,
		"Fri, 27 Nov 2026 11:59:00 GMT":  0,
		"Sat, 27 Nov 2027 12:00:00 GMT":  longestWait,
	} {
		assert.Equal(t, want, RetryAfter(http.Header{"Retry-After": {value}}, now), "%.40q", value)
	}
	assert.Zero(t, RetryAfter(nil, now))
}
