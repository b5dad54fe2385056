package notifytest

import (
	"crypto/ecdh"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return raw
}

// The message of RFC 8291, appendix A.
func TestVectors_RFC8291(t *testing.T) {
	private, err := ecdh.P256().NewPrivateKey(unbase64(t, "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	require.NoError(t, err)
	body := unbase64(t, "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN")
	auth := unbase64(t, "BTBZMqHH6r4Tts7J_aSIgg")
	text, err := decryptPush(body, private, auth)
	require.NoError(t, err)
	assert.Equal(t, "When I grow up, I want to be a watermelon", string(text))

	for i := range body { // whatever bit is turned, nobody takes it for the message
		body[i] ^= 1
		_, err := decryptPush(body, private, auth)
		if i < 16 || i > 19 { // the record's size may be any that holds it
			assert.Error(t, err, "byte %d", i)
		}
		body[i] ^= 1
	}
	for end := range body {
		_, err := decryptPush(body[:end], private, auth)
		assert.Error(t, err, "%d bytes", end)
	}
	auth[0] ^= 1
	_, err = decryptPush(body, private, auth)
	assert.Error(t, err)
}

// The examples of RFC 8188, sections 3.1 and 3.2: the second has two records and
// padding.
func TestVectors_RFC8188(t *testing.T) {
	for _, c := range []struct{ key, keyID, body string }{
		{"yqdlZ-tYemfogSmv7Ws5PQ", "", "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg"},
		{"BO3ZVPxUlnLORbVGMpbT1Q", "a1", "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA"},
	} {
		e, err := parseEncrypted(unbase64(t, c.body))
		require.NoError(t, err)
		assert.Equal(t, c.keyID, string(e.keyID))
		text, err := e.decrypt(unbase64(t, c.key))
		require.NoError(t, err)
		assert.Equal(t, "I am the walrus", string(text))
	}
}

func TestUnpad(t *testing.T) {
	for _, c := range []struct {
		plain, want string
		last, good  bool
	}{
		{"text\x02", "text", true, true}, {"text\x02\x00\x00", "text", true, true}, {"\x02", "", true, true},
		{"text\x01\x00", "text", false, true}, {"text\x01", "", true, false}, {"text\x02", "", false, false},
		{"text", "", true, false}, {"\x00\x00", "", true, false}, {"", "", true, false},
	} {
		got, err := unpad([]byte(c.plain), c.last)
		assert.Equal(t, c.good, err == nil, "%q", c.plain)
		assert.Equal(t, c.want, string(got))
	}
}

// The token of RFC 8292, section 2.4, at its time.
func TestVectors_RFC8292(t *testing.T) {
	const (
		key   = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
		token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
		other = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
	)
	expires := time.Unix(1453523768, 0)
	read := func(authorization, audience string, now time.Time) error {
		claims, err := readVAPID(authorization, audience, now)
		if err == nil {
			assert.Equal(t, "mailto:push@example.com", claims.Subject)
			assert.Equal(t, key, claims.key)
		}
		return err
	}
	const audience = "https://push.example.net"
	good := "vapid t=" + token + ", k=" + key
	require.NoError(t, read(good, audience, expires.Add(-time.Hour)))
	assert.NoError(t, read("vapid k="+key+",t="+token, audience, expires.Add(-time.Hour)))
	for name, err := range map[string]error{
		"expired":        read(good, audience, expires),
		"lasts too long": read(good, audience, expires.Add(-25*time.Hour)),
		"for another":    read(good, audience+":443", expires.Add(-time.Hour)),
		"another key":    read("vapid t="+token+", k="+other, audience, expires.Add(-time.Hour)),
		"no key":         read("vapid t="+token, audience, expires.Add(-time.Hour)),
		"another token":  read("vapid t="+token[:len(token)-3]+"AoA, k="+key, audience, expires.Add(-time.Hour)),
		"old scheme":     read("WebPush "+token, audience, expires.Add(-time.Hour)),
		"nothing":        read("", audience, expires.Add(-time.Hour)),
	} {
		assert.Error(t, err, name)
	}
}

func TestGoodSubject(t *testing.T) {
	for subject, want := range map[string]bool{
		"mailto:push@example.com": true, "https://acme.example/contact": true,
		"": false, "mailto:": false, "mailto:mailto:push@example.com": false, "mailto:root@localhost": false,
		"push@example.com": false, "http://acme.example": false, "https://localhost": false, "https://": false,
	} {
		assert.Equal(t, want, goodSubject(subject), subject)
	}
}
