package email

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestAddressesThatAreTaken(t *testing.T) {
	c := newChannel(t, nil)
	for in, want := range map[string]string{
		"jane@customer.example":          "jane@customer.example",
		" Jane.Doe+x@Customer.EXAMPLE ":  "Jane.Doe+x@customer.example",
		"o'neill@customer.example":       "o'neill@customer.example",
		"a=b@xn--bcher-kva.example":      "a=b@xn--bcher-kva.example",
		"jane@Bücher.example":            "jane@xn--bcher-kva.example",
		"anna@почта.рф":                  "anna@xn--80a1acny.xn--p1ai",
		"omar@مثال.إختبار":               "omar@xn--mgbh0fb.xn--kgbechtv",
		"x@faß.example":                  "x@xn--fa-hia.example",
		"x@ｗｉｄｅ.example":                 "x@wide.example",
		"root@localhost":                 "root@localhost",
		"x@1.example":                    "x@1.example",
		"!#$%&*/?^_`{|}~-@a-b.c.example": "!#$%&*/?^_`{|}~-@a-b.c.example",
	} {
		got, err := c.CheckAddress(notify.Address{Channel: notify.Email, Value: in})
		require.NoError(t, err, in)
		assert.Equal(t, notify.Address{Channel: notify.Email, Value: want}, got)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	c := newChannel(t, nil)
	for _, in := range []string{
		"", "jane", "@customer.example", "jane@", "jane@customer.example.", "jane@-a.example", "jane@a..example",
		`"jane doe"@customer.example`, `"admin@evil.example> ORCPT=x"@x.example`, "jane@doe@customer.example",
		"jane.@customer.example", ".jane@customer.example", "ja..ne@customer.example", "jane@[127.0.0.1]",
		"Jane <jane@customer.example>", "jane@customer.example>", "jane@customer.example\r\nDATA", "jane\x00@customer.example",
		"jane@customer.example, x@customer.example", "jörg@customer.example", "jane@bü\u202echer.example", "jane@bü cher.example", "jane@ü-.example", "jane@ü\u200d.example", "jane@①②.ü\x00",
		"jane@" + strings.Repeat("ü", 60) + ".example", "jane@\u202ea.example",
		strings.Repeat("x", 65) + "@customer.example", "jane@" + strings.Repeat("x", 64) + ".example",
		"jane@" + strings.Repeat("x.", 130) + "example", "jane@a_b.example", "jane(comment)@customer.example",
	} {
		_, err := c.CheckAddress(notify.Address{Channel: notify.Email, Value: in})
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad, "%q", in)
		assert.Equal(t, "Address.Value", bad.Field)
	}
}
