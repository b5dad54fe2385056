package webhook

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The example of Standard Webhooks 1.0.0.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTimestamp = "1614265330"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var vectorTime = time.Unix(1614265330, 0)

func TestSignature_isThatOfTheStandard(t *testing.T) {
	key, err := parseSecret(vectorSecret)
	require.NoError(t, err)
	assert.Equal(t, vectorSignature, signature([]secret{key}, vectorID, vectorTimestamp, []byte(vectorBody)))
	assert.Equal(t, vectorTimestamp, stamp(vectorTime))

	other, err := parseSecret(NewSecret())
	require.NoError(t, err)
	both := signature([]secret{other, key}, vectorID, vectorTimestamp, []byte(vectorBody))
	assert.True(t, strings.HasSuffix(both, " "+vectorSignature), "the newest first")
}

func vector(change func(http.Header)) http.Header {
	h := http.Header{}
	h.Set(HeaderID, vectorID)
	h.Set(HeaderTimestamp, vectorTimestamp)
	h.Set(HeaderSignature, vectorSignature)
	if change != nil {
		change(h)
	}
	return h
}

func TestVerify_takesWhatIsOurs(t *testing.T) {
	for name, h := range map[string]http.Header{
		"the vector": vector(nil),
		"beside another signature": vector(func(h http.Header) {
			h.Set(HeaderSignature, "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32))+" "+vectorSignature)
		}),
		"beside another version": vector(func(h http.Header) { h.Set(HeaderSignature, "v1a,xyz "+vectorSignature) }),
	} {
		require.NoError(t, Verify(h, []byte(vectorBody), vectorTime, vectorSecret), name)
		require.NoError(t, Verify(h, []byte(vectorBody), vectorTime, NewSecret(), vectorSecret), name)
		require.NoError(t, Verify(h, []byte(vectorBody), vectorTime.Add(Tolerance), vectorSecret), name)
		require.NoError(t, Verify(h, []byte(vectorBody), vectorTime.Add(-Tolerance), vectorSecret), name)
	}
}

func TestVerify_refusesEverythingElse(t *testing.T) {
	for _, test := range []struct {
		name   string
		h      http.Header
		body   string
		now    time.Time
		secret string
		want   error
	}{
		{"another body", vector(nil), vectorBody + " ", vectorTime, vectorSecret, ErrSignature},
		{"no body", vector(nil), "", vectorTime, vectorSecret, ErrSignature},
		{"another id", vector(func(h http.Header) { h.Set(HeaderID, vectorID+"x") }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"a dot moved", vector(func(h http.Header) { h.Set(HeaderID, vectorID+"."+vectorTimestamp) }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"another time", vector(func(h http.Header) { h.Set(HeaderTimestamp, "1614265331") }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"another secret", vector(nil), vectorBody, vectorTime, NewSecret(), ErrSignature},
		{"part of the MAC", vector(func(h http.Header) { h.Set(HeaderSignature, "v1,g0hM9SsE+OTPJTGt") }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"an empty MAC", vector(func(h http.Header) { h.Set(HeaderSignature, "v1,") }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"no version", vector(func(h http.Header) { h.Set(HeaderSignature, vectorSignature[3:]) }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"another version", vector(func(h http.Header) { h.Set(HeaderSignature, "v2"+vectorSignature[2:]) }), vectorBody, vectorTime, vectorSecret, ErrSignature},
		{"too old", vector(nil), vectorBody, vectorTime.Add(Tolerance + time.Second), vectorSecret, ErrTimestamp},
		{"from the future", vector(nil), vectorBody, vectorTime.Add(-Tolerance - time.Second), vectorSecret, ErrTimestamp},
		{"a time beyond all", vector(func(h http.Header) { h.Set(HeaderTimestamp, "-9223372036854775808") }), vectorBody, vectorTime, vectorSecret, ErrTimestamp},
		{"no time", vector(func(h http.Header) { h.Set(HeaderTimestamp, "now") }), vectorBody, vectorTime, vectorSecret, ErrHeader},
		{"no id", vector(func(h http.Header) { h.Del(HeaderID) }), vectorBody, vectorTime, vectorSecret, ErrHeader},
		{"no signature", vector(func(h http.Header) { h.Del(HeaderSignature) }), vectorBody, vectorTime, vectorSecret, ErrHeader},
		{"nothing", nil, vectorBody, vectorTime, vectorSecret, ErrHeader},
		{"a secret that is none", vector(nil), vectorBody, vectorTime, "whsec_", ErrSecret},
		{"an empty secret", vector(nil), vectorBody, vectorTime, "", ErrSecret},
	} {
		assert.ErrorIs(t, Verify(test.h, []byte(test.body), test.now, test.secret), test.want, test.name)
	}
	assert.ErrorIs(t, Verify(vector(nil), []byte(vectorBody), vectorTime), ErrSecret, "no secret, no trust")
}

func TestNewSecret_isLongAndNew(t *testing.T) {
	first, second := NewSecret(), NewSecret()
	assert.NotEqual(t, first, second)
	key, err := parseSecret(first)
	require.NoError(t, err)
	assert.Len(t, key, 32)
	assert.Equal(t, first, key.text())
}

func TestParseSecret_takesTheFormOfTheStandard(t *testing.T) {
	of := func(bytes int) string { return secret(make([]byte, bytes)).text() }
	for _, good := range []string{of(24), of(32), of(64)} {
		_, err := parseSecret(good)
		require.NoError(t, err)
	}
	for _, bad := range []string{"", "whsec_", of(23), of(65), strings.TrimPrefix(of(32), "whsec_"), of(32) + "=", of(32) + "\n", "whsec_%%%"} {
		_, err := parseSecret(bad)
		require.ErrorIs(t, err, errSecret, bad)
	}
}

// Whatever a stranger sends, only what was signed gets through.
func FuzzVerify(f *testing.F) {
	f.Add(vectorID, vectorTimestamp, vectorSignature, []byte(vectorBody))
	f.Add("", "", "v1, v1,,v1", []byte(nil))
	f.Fuzz(func(t *testing.T, id, timestamp, sig string, body []byte) {
		h := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {sig}}
		err := Verify(h, body, vectorTime, vectorSecret)
		if err == nil {
			key, _ := parseSecret(vectorSecret)
			assert.Contains(t, strings.Fields(sig), signature([]secret{key}, id, timestamp, body))
		}
	})
}
