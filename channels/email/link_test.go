package email

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestLinksThatAreTaken(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"https://a.example/p?q=1&r=2#f":        "https://a.example/p?q=1&r=2#f",
		"HTTP://a.example:8080/":               "http://a.example:8080/",
		"https://a.example/ü?q=ö<>\"'":         "https://a.example/%C3%BC?q=%C3%B6%3C%3E%22'",
		"https://bücher.example/":              "https://xn--bcher-kva.example/",
		"https://почта.рф:8443/ящик":           "https://xn--80a1acny.xn--p1ai:8443/%D1%8F%D1%89%D0%B8%D0%BA",
		"https://[2001:db8::1]/":               "https://[2001:db8::1]/",
		"https://a.example/%2f?x=%0d%0a":       "https://a.example/%2f?x=%0d%0a",
		"mailto:help@a.example?subject=Hi you": "mailto:help@a.example?subject=Hi%20you",
	} {
		got, err := checkLink("URL", in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
		assert.True(t, got == "" || plainASCII(got))
	}
}

func TestLinksThatAreRefused(t *testing.T) {
	for _, in := range []string{
		"/p", "//a.example/p", "a.example", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "ftp://a.example/", "vbscript:x",
		"https://", "https:///p", "https://:443/", "https://bank.example@evil.example/", "https://a.example/\r\nX: y", "https://a.example/\x00",
		"https://a.example/\u202egpj.exe", "https://a.example/\u2028", "\thttps://a.example/", "https://a.example/\xff", "mailto:", "mailto:nobody",
		"mailto:a@b.example%0d%0aBcc:x@y.example", "https://a.example/%zz", "https://bü%00cher.example/", "https://ü..example/", "https://ü-.example/", "https://a.example/" + strings.Repeat("x", 2048),
	} {
		_, err := checkLink("URL", in)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad, "%q", in)
		assert.Equal(t, "URL", bad.Field)
	}
}
