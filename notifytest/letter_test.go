package notifytest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bellwether-go/notify/notifytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const nested = "Subject: Two\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" +
	"--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=C3=BC=C3=9Fe</p>\r\n" +
	"--b--\r\n--a\r\nContent-Type: image/png\r\n\r\nno text\r\n--a--\r\n"

func TestParseLetter_findsTheParts(t *testing.T) {
	l, err := notifytest.ParseLetter([]byte(nested))
	require.NoError(t, err)
	assert.Equal(t, "Grüße", l.Text)
	assert.Equal(t, "<p>Grüße</p>", l.HTML)
	assert.Equal(t, "Two", l.Subject)

	l, err = notifytest.ParseLetter([]byte("Subject: bare\r\n\r\njust text\r\n"))
	require.NoError(t, err)
	assert.Equal(t, "just text\n", l.Text)
}

func TestParseLetter_refusesWhatIsBroken(t *testing.T) {
	var deep strings.Builder
	for i := range 20 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	for name, raw := range map[string]string{
		"no header":      "hello",
		"no type":        "Content-Type: ;;\r\n\r\n",
		"encoding":       "Content-Transfer-Encoding: rot13\r\n\r\nuryyb",
		"base64":         "Content-Transfer-Encoding: base64\r\n\r\n!!!!",
		"unfinished":     nested[:len(nested)-12],
		"parts in parts": deep.String(),
	} {
		_, err := notifytest.ParseLetter([]byte(raw))
		assert.Error(t, err, name)
	}
}

func ExampleParseLetter() {
	letter, err := notifytest.ParseLetter([]byte("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n"))
	fmt.Printf("%s: %q %v\n", letter.Subject, letter.Text, err)
	// Output: Grüße: "Hello\n" <nil>
}

// Whatever comes over the wire is a letter or an error, and a letter is what
// came.
func FuzzParseLetter(f *testing.F) {
	f.Add([]byte(nested))
	f.Add([]byte("Subject: =?utf-8?b?AAAA?=\r\n\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		letter, err := notifytest.ParseLetter(raw)
		if err == nil {
			assert.Equal(t, raw, letter.Raw)
		}
	})
}
