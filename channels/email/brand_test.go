package email

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestColorsCanBeReadWhateverTheBrand(t *testing.T) {
	hex := func(s string) color {
		c, err := parseColor(s)
		require.NoError(t, err)
		require.Equal(t, s, c.String())
		return c
	}
	assert.InDelta(t, 21, contrast(white, black), 0.01)
	for _, accent := range []string{defaultAccent, "#000000", "#ffffff", "#ffe600", "#808080", "#e53935", "#00c853", "#0000ff"} {
		l, err := Brand{Accent: accent}.settle("x")
		require.NoError(t, err)
		assert.Equal(t, accent, l.Button)
		assert.GreaterOrEqual(t, contrast(hex(l.Button), hex(l.ButtonInk)), readable, accent)
		assert.GreaterOrEqual(t, contrast(hex(l.Link), paper), readable, accent)
		assert.GreaterOrEqual(t, contrast(hex(l.Link), white), readable, accent)
		assert.GreaterOrEqual(t, contrast(hex(l.LinkOnDark), cardOnDark), readable, accent)
	}
}

// The other colors stand in the templates; they are checked here.
func TestColorsOfTheTemplatesCanBeRead(t *testing.T) {
	frame, err := templateFiles.ReadFile("templates/frame.html")
	require.NoError(t, err)
	for _, pair := range [][2]string{
		{"#1c2127", "#ffffff"}, {"#57606a", "#ffffff"}, {"#57606a", "#f2f4f6"}, // light
		{"#e8eaed", "#1f2428"}, {"#a8b0b8", "#1f2428"}, {"#a8b0b8", "#14171a"}, // dark
	} {
		ink, err := parseColor(pair[0])
		require.NoError(t, err)
		ground, err := parseColor(pair[1])
		require.NoError(t, err)
		assert.GreaterOrEqual(t, contrast(ink, ground), readable, pair)
	}
	for _, used := range []string{paper.String(), cardOnDark.String()} {
		assert.Contains(t, string(frame), used)
	}
}

func TestBrandIsShown(t *testing.T) {
	d := delivery()
	compose := func(b Brand) message {
		raw, err := newChannel(t, func(o *Options) { o.Brand = b }).Preview(d)
		require.NoError(t, err)
		return read(t, raw)
	}
	m := compose(Brand{
		Name: `Acme "&" <Sons>`, Logo: "https://acme.example/logo.png?a=1&b=2", Accent: "#b3261e", URL: "https://acme.example/",
		Address: "Acme Ltd, 1 High Street,\r\nTown", Support: "Help@Acme.example",
	})
	assert.Contains(t, m.html, `<a class="dim" href="https://acme.example/"`)
	assert.Contains(t, m.html, `<img src="https://acme.example/logo.png?a=1&amp;b=2" alt="Acme &#34;&amp;&#34; &lt;Sons&gt;" height="40"`)
	assert.Contains(t, m.html, `bgcolor="#b3261e"`)
	assert.Contains(t, m.html, `href="mailto:Help@acme.example"`)
	for _, part := range []string{m.text, m.html} {
		assert.Contains(t, part, "Acme Ltd, 1 High Street, Town")
		assert.Contains(t, part, "Contact support")
	}
	m = compose(Brand{})
	assert.NotContains(t, m.html, "<img")
	assert.NotContains(t, m.html, "Contact support")
	assert.Contains(t, m.html, "<bdi>Acme, Inc.</bdi>")
	assert.Equal(t, 60, len([]rune(newChannel(t, func(o *Options) { o.Brand.Name = strings.Repeat("x", 100) }).o.look.Name)))
}
