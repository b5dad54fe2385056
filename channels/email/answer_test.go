package email

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func heard(s string) (answer, error) {
	budget := maxReplies
	return readAnswer(bufio.NewReaderSize(strings.NewReader(s), maxReply), &budget)
}

func TestAnswersAreRead(t *testing.T) {
	for in, want := range map[string]answer{
		"250 ok\r\n":                           {code: 250, lines: []string{"ok"}},
		"250\r\n":                              {code: 250, lines: []string{""}},
		"250 \n":                               {code: 250, lines: []string{""}},
		"550 5.1.1 who\r\n":                    {code: 550, enhanced: enhanced{5, 1, 1}, lines: []string{"who"}},
		"556 5.1.10\r\n":                       {code: 556, enhanced: enhanced{5, 1, 10}, lines: []string{""}},
		"550-5.7.1 a\r\n550 5.7.1 b\r\n":       {code: 550, enhanced: enhanced{5, 7, 1}, lines: []string{"a", "b"}},
		"550-5.7.1 a\r\n550 b\r\n":             {code: 550, enhanced: enhanced{5, 7, 1}, lines: []string{"a", "b"}},
		"550-a\r\n550 5.1.1 b\r\n":             {code: 550, lines: []string{"a", "5.1.1 b"}},
		"550 9.1.1 a\r\n":                      {code: 550, lines: []string{"9.1.1 a"}},
		"550 5.1.99999 a\r\n":                  {code: 550, lines: []string{"5.1.99999 a"}},
		"550 5.1 a\r\n":                        {code: 550, lines: []string{"5.1 a"}},
		"250-relay\r\n250-SIZE 9\r\n250 X\r\n": {code: 250, lines: []string{"relay", "SIZE 9", "X"}},
	} {
		got, err := heard(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for _, in := range []string{
		"\r\n", "25\r\n", "2500\r\n", "25x ok\r\n", "HTTP/1.1 400\r\n", "150 ok\r\n", "650 ok\r\n", "000 ok\r\n", "250_ok\r\n", "-250 ok\r\n",
		"250-a\r\n251 b\r\n", "250-a\r\nb\r\n", "\x00\x01\r\n",
	} {
		_, err := heard(in)
		assert.ErrorIs(t, err, errNotSMTP, "%q", in)
	}
	for _, in := range []string{"250 " + strings.Repeat("x", maxReply) + "\r\n", strings.Repeat("250-"+strings.Repeat("x", 1000)+"\r\n", 70)} {
		_, err := heard(in)
		assert.ErrorIs(t, err, errTooMuch)
	}
	for _, in := range []string{"", "250 ok", "250-ok\r\n"} {
		_, err := heard(in)
		assert.Error(t, err, "%q is no whole answer", in)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"250 ok\r\n", "550-5.1.1 a\r\n550 5.1.1 b\r\n", "250", "\r\n", "354\n", "25\xff ok\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := heard(s)
		if err != nil {
			require.Zero(t, a)
			return
		}
		assert.True(t, a.code >= 200 && a.code < 600)
		assert.NotEmpty(t, a.lines)
		assert.NotContains(t, a.text(), "\n")
		readOffers(a)
	})
}

func TestOffersAreRead(t *testing.T) {
	for in, want := range map[string]offers{
		"250 relay\r\n":                   {},
		"250-PIPELINING\r\n250 relay\r\n": {}, // its name is no offer
		"250-relay\r\n250-pipelining\r\n250-Size 100\r\n250 STARTTLS\r\n": {pipelining: true, size: true, startTLS: true},
		"250-relay\r\n250-AUTH LOGIN PLAIN XOAUTH2\r\n250 \r\n":           {plain: true, login: true},
		"250-relay\r\n250 AUTHORISED PLAIN\r\n":                           {},
	} {
		a, err := heard(in)
		require.NoError(t, err)
		assert.Equal(t, want, readOffers(a), in)
	}
}

func TestDotsAreDoubled(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\n":             "a\r\n.\r\n",
		"a":                 "a\r\n.\r\n",
		".\r\n..\r\na.\r\n": "..\r\n...\r\na.\r\n.\r\n",
		"\r\n":              "\r\n.\r\n",
	} {
		assert.Equal(t, want, string(dotted([]byte(in))))
	}
}
