package notifytest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func post(t testing.TB, h *notifytest.HTTP, path, body string) (int, string, error) {
	t.Helper()
	response, err := h.Client().Post(h.URL()+path, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

func TestHTTP_keepsWhatItTakes(t *testing.T) {
	for _, o := range []*notifytest.HTTPOptions{nil, {NoTLS: true}} {
		keepsWhatItTakes(t, notifytest.NewHTTP(t, o))
	}
}

func keepsWhatItTakes(t *testing.T, h *notifytest.HTTP) {
	h.Script(notifytest.Reply{Status: http.StatusTeapot, Body: "short and stout"})
	status, body, err := post(t, h, "/pot?big=1", "one")
	require.NoError(t, err)
	assert.Equal(t, http.StatusTeapot, status)
	assert.Equal(t, "short and stout", body)
	status, _, err = post(t, h, "/pot?big=1", "two")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)

	require.Len(t, h.Accepted(), 1)
	r := h.Accepted()[0]
	assert.Equal(t, "POST", r.Method)
	assert.Equal(t, "/pot?big=1", r.Path)
	assert.Equal(t, "text/plain", r.Header.Get("Content-Type"))
	assert.Equal(t, "two", string(r.Body))
}

func TestHTTP_behavesOrSaysThatItCannot(t *testing.T) {
	h := notifytest.NewHTTP(t, nil)
	assert.ErrorIs(t, h.Behave(channeltest.Silent), errors.ErrUnsupported)
	require.NoError(t, h.Behave(channeltest.Misconfigured))
	status, body, err := post(t, h, "/secret", "hello")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, body, "/secret", "it is rude")
	assert.Empty(t, h.Taken())

	require.NoError(t, h.Behave(channeltest.Drop))
	_, _, err = post(t, h, "/secret", "hello")
	assert.Error(t, err)
	assert.Empty(t, h.Accepted())
	assert.Len(t, h.Taken(), 1)

	require.NoError(t, h.Behave(channeltest.Accept))
	status, _, err = post(t, h, "/secret", "hello")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
}

func TestHTTP_whatBreaksOffHasNotCome(t *testing.T) {
	h := notifytest.NewHTTP(t, &notifytest.HTTPOptions{NoTLS: true})
	body, write := io.Pipe()
	go func() {
		_, _ = io.WriteString(write, "half of i")
		_ = write.CloseWithError(errors.New("the client goes away"))
	}()
	_, err := h.Client().Post(h.URL(), "text/plain", body)
	require.Error(t, err)
	h.Disconnect()
	answer, err := h.Client().Post(h.URL(), "text/plain", strings.NewReader("whole"))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, 1, h.Requests())
}

// All services over HTTP behave alike, as far as the real ones can.
func TestBehave_ofPushAndWebhook(t *testing.T) {
	assert.NoError(t, notifytest.NewPush(t).Behave(channeltest.Misconfigured))
	hook := notifytest.NewWebhook(t)
	assert.ErrorIs(t, hook.Behave(channeltest.Misconfigured), errors.ErrUnsupported, "it has no account of the sender")
	assert.ErrorIs(t, hook.Behave(channeltest.Silent), errors.ErrUnsupported)
	assert.NoError(t, hook.Behave(channeltest.Gone))
}
